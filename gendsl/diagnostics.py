"""The only file that knows arviz: how draws become InferenceData, and what their diagnostics mean.

arviz is imported when it is first needed. Moving to arviz 1.0 (xarray's DataTree in place of InferenceData) changes
this file alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ENOUGH_ESS",
    "FEWEST",
    "LEAST_BFMI",
    "WORST_RHAT",
    "Variables",
    "bfmi",
    "compare",
    "density",
    "effective_sizes",
    "inference_data",
    "loo",
    "pareto_shape",
    "rhats",
    "smallest_ess",
    "summary",
]

Variables = Mapping[str, tuple[tuple[str, ...], np.ndarray]]
"""Name -> its dims and values."""

WORST_RHAT, ENOUGH_ESS, LEAST_BFMI = 1.01, 100, 0.3
"""The bounds of Vehtari et al. (2021) on R-hat and on effective draws for each chain, and Stan's on E-BFMI."""

FEWEST = 4
"""The draws of a chain below which arviz gives no effective sample size and no R-hat."""

_TAIL = 5
_FEWEST = 10  # weights whose tail has a shape
"""The draws of a tail below which arviz fits none."""

_OF_CHAINS = ("mcse_mean", "mcse_sd", "ess_bulk", "ess_tail", "r_hat")


@contextmanager
def _arviz() -> Iterator[Any]:
    """arviz, without its announcement of the next major version, and without its log.

    The log, which is of its own and not among those of `logging`, has what tables and checks say in their own words,
    such as that one chain has no R-hat.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*ArviZ is undergoing", category=FutureWarning)
        import arviz

        def nothing(record: Any) -> bool:
            return False

        arviz._log.addFilter(nothing)
        try:
            yield arviz
        finally:
            arviz._log.removeFilter(nothing)


def inference_data(groups: Mapping[str, Variables], coords: Mapping[str, np.ndarray], attrs: Mapping[str, Any]) -> Any:
    """InferenceData from named arrays.

    Args:
        groups: group -> its variables, with all their dims; groups without variables are left out.
        coords: labels of dims; a dim without any is numbered from 0.
        attrs: what each group says about its origin. Integers of more than 64 bits, as seeds may be, become text: files
            have no type for them.
    """
    import xarray as xr

    attrs = {k: str(v) if isinstance(v, int) and v >= 2**63 else v for k, v in attrs.items()}

    def dataset(variables: Variables) -> xr.Dataset:
        sizes = {d: n for dims, x in variables.values() for d, n in zip(dims, x.shape, strict=True)}
        labels = {d: coords[d] if d in coords and len(coords[d]) == n else np.arange(n) for d, n in sizes.items()}
        return xr.Dataset({k: (dims, x) for k, (dims, x) in variables.items()}, labels, attrs)

    with _arviz() as az:
        return az.InferenceData(**{name: dataset(v) for name, v in groups.items() if v})


def summary(
    idata: Any,
    names: Sequence[str] | None = None,
    *,
    prob: float = 0.94,
    round_to: int | None = None,
    chains: bool = True,
) -> pd.DataFrame:
    """arviz's table of the posterior: mean, sd, interval, MCSE, ESS and R-hat of each scalar.

    Args:
        idata: the InferenceData.
        names: sites; left out, all.
        prob: probability of the highest-density interval.
        round_to: decimals; left out, arviz's choice for each column.
        chains: whether the draws are of Markov chains; independent draws need no MCSE, ESS and R-hat.
    """
    few = idata.posterior.sizes["draw"] < FEWEST
    with _arviz() as az, np.errstate(all="ignore"):
        if few:
            warnings.simplefilter("ignore")  # numpy's, of the spread of one draw
        chosen, kind = None if names is None else list(names), "all" if chains and not few else "stats"
        out: pd.DataFrame = az.summary(idata, var_names=chosen, hdi_prob=prob, round_to=round_to, kind=kind)
        return out.assign(**dict.fromkeys(_OF_CHAINS, np.nan)) if chains and few else out


def density(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """arviz's kernel density estimate of draws (n,) that vary: positions and heights."""
    with _arviz() as az, np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        at, height = az.kde(x)
        return np.asarray(at), np.asarray(height)


def effective_sizes(x: np.ndarray, method: str) -> np.ndarray:
    """Effective sample sizes of scalars (scalar, chain, draw) by arviz's method "bulk" or "tail"."""
    return _each(x, lambda az, data: az.ess(data, method=method))


def rhats(x: np.ndarray) -> np.ndarray:
    """arviz's rank-normalised split R-hat of scalars (scalar, chain, draw); of a single chain that of its halves.

    It is nan with fewer than FEWEST draws of each chain, or of each half of a single one.
    """
    if x.shape[1] > 1:
        return _each(x, lambda az, data: az.rhat(data))
    half = x.shape[2] // 2
    halves = np.concatenate([x[:, :, :half], x[:, :, -half:]], axis=1)
    return _each(halves, lambda az, data: az.rhat(data, method="z_scale"))  # "rank" would split them again


def _each(x: np.ndarray, compute: Callable[[Any, Any], Any]) -> np.ndarray:
    if x.shape[2] < FEWEST:  # arviz would write to its log
        return np.full(len(x), np.nan)
    with _arviz() as az, np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # values that do not vary, whose diagnostics are nan
        out = compute(az, {"x": np.moveaxis(x, 0, -1)})["x"].values
        return np.atleast_1d(np.asarray(out, float))


def bfmi(energy: np.ndarray) -> np.ndarray:
    """arviz's E-BFMI of each chain, from energies (chain, draw); nan with fewer than FEWEST draws."""
    if energy.shape[1] < FEWEST:
        return np.full(len(energy), np.nan)
    with _arviz() as az, np.errstate(all="ignore"):
        return np.atleast_1d(np.asarray(az.bfmi(energy), float))


def loo(log_likelihood: np.ndarray, posterior: Any) -> Any:
    """arviz's estimate of the leave-one-out log predictive density, pointwise values included.

    Args:
        log_likelihood: (chain, draw, observation).
        posterior: the draws, whose effective sizes the smoothing uses.
    """
    import xarray as xr

    terms = xr.Dataset({"all": (("chain", "draw", "observation"), log_likelihood)})
    with _arviz() as az:
        # What it says of large shapes is for the caller to say; that one observation is all of them is no fault.
        for words in ("Estimated shape parameter", "The point-wise LOO is the same"):
            warnings.filterwarnings("ignore", message=words, category=UserWarning)
        return az.loo(az.InferenceData(posterior=posterior, log_likelihood=terms), pointwise=True)


def pareto_shape(log_weights: np.ndarray) -> np.ndarray:
    """The shape of the upper tail of importance weights, by arviz's smoothing of log weights (..., n): (...).

    Minus infinity where the largest weights are equal, as those of discrete draws and of an exact guide are: then they
    are bounded, and there is no tail to fit, which arviz calls infinite. NaN of fewer than ten draws.
    """
    x = np.asarray(log_weights, np.float64)
    if x.shape[-1] < _FEWEST:
        return np.full(x.shape[:-1], np.nan)
    with _arviz() as az, np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what it says of large shapes is for the caller to say
        shape = np.asarray(az.psislw(x)[1], np.float64)
        highest = x.max(-1, keepdims=True)
        ties = (x > highest - 1e-6 * np.maximum(1.0, abs(highest))).sum(-1)
        equal = np.isfinite(x).all(-1) & (ties >= _TAIL)
    return np.where(np.isposinf(shape) & equal, -np.inf, shape)


def compare(elpds: Mapping[str, Any]) -> pd.DataFrame:
    """arviz's table of several models' LOO, the best first.

    Args:
        elpds: name -> what `loo` returned.
    """
    with _arviz() as az:
        warnings.filterwarnings("ignore", message="The inplace keyword")  # arviz 0.23 under pandas 3
        out: pd.DataFrame = az.compare(dict(elpds))
        return out


def smallest_ess(draws: Mapping[str, np.ndarray]) -> float:
    """The smallest bulk effective sample size among all scalars of some draws (chain, draw, ...) that vary; nan with
    fewer than FEWEST draws of each chain."""
    out = float("inf")
    if any(x.shape[1] < FEWEST for x in draws.values()):
        return float("nan")
    with _arviz() as az, np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for x in draws.values():
            flat = x.reshape(*x.shape[:2], -1)
            moving = flat[..., flat.max((0, 1)) > flat.min((0, 1))]
            if moving.size:
                out = min(out, *np.atleast_1d(az.ess({"x": moving}, method="bulk")["x"].values.astype(float)))
    return out
