"""The only file that knows arviz: how draws become InferenceData, and what their diagnostics mean.

arviz is imported when it is first needed. Moving to arviz 1.0 (xarray's DataTree in place of InferenceData) changes
this file alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Check", "Variables", "check", "compare", "inference_data", "loo", "plot_trace", "smallest_ess", "summary"]

Variables = Mapping[str, tuple[tuple[str, ...], np.ndarray]]
"""Name -> its dims and values."""

_SAMPLE = ("chain", "draw")
_RHAT, _ESS, _BFMI = 1.01, 100, 0.3


@contextmanager
def _arviz() -> Iterator[Any]:
    """arviz, without its announcement of the next major version."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*ArviZ is undergoing", category=FutureWarning)
        import arviz

        yield arviz


def inference_data(groups: Mapping[str, Variables], coords: Mapping[str, np.ndarray], attrs: Mapping[str, Any]) -> Any:
    """InferenceData from named arrays.

    Args:
        groups: group -> its variables, with all their dims; groups without variables are left out.
        coords: labels of dims; a dim without any is numbered from 0.
        attrs: what each group says about its origin.
    """
    import xarray as xr

    def dataset(variables: Variables) -> xr.Dataset:
        sizes = {d: n for dims, x in variables.values() for d, n in zip(dims, x.shape, strict=True)}
        labels = {d: coords[d] if d in coords and len(coords[d]) == n else np.arange(n) for d, n in sizes.items()}
        return xr.Dataset({k: (dims, x) for k, (dims, x) in variables.items()}, labels, dict(attrs))

    with _arviz() as az:
        return az.InferenceData(**{name: dataset(v) for name, v in groups.items() if v})


def summary(
    idata: Any,
    names: Sequence[str] | None = None,
    *,
    prob: float = 0.94,
    round_to: int | None = None,
) -> pd.DataFrame:
    """arviz's table of the posterior: mean, sd, interval, MCSE, ESS and R-hat of each scalar.

    Args:
        idata: the InferenceData.
        names: sites; left out, all.
        prob: probability of the highest-density interval.
        round_to: decimals; left out, arviz's choice for each column.
    """
    with _arviz() as az:
        chosen = None if names is None else list(names)
        out: pd.DataFrame = az.summary(idata, var_names=chosen, hdi_prob=prob, round_to=round_to)
        return out


def plot_trace(idata: Any, names: Sequence[str] | None = None) -> Figure:
    """Each site's density, a line a scalar and chain, beside its trace.

    Args:
        idata: the InferenceData.
        names: sites; left out, all.
    """
    from matplotlib.figure import Figure

    chosen = list(names) if names is not None else [str(k) for k in idata.posterior]
    figure = Figure(figsize=(10, 1.6 * len(chosen)), layout="constrained")
    axes = figure.subplots(len(chosen), 2, squeeze=False)
    with _arviz() as az:
        for name, (left, right) in zip(chosen, axes, strict=True):
            x = idata.posterior[name].values
            flat = x.reshape(*x.shape[:2], -1)
            for chain, scalar in np.ndindex(flat.shape[0], flat.shape[2]):
                line, style = flat[chain, :, scalar], {"color": f"C{scalar % 10}", "lw": 0.6, "alpha": 0.7}
                if np.isfinite(line).all() and line.min() < line.max():
                    left.plot(*az.kde(line), **style)
                right.plot(line, **style)
            left.set_title(name, loc="left", fontsize="medium")
            left.set_yticks([])
            right.margins(x=0)
    return figure


def loo(log_likelihood: np.ndarray, posterior: Any) -> Any:
    """arviz's estimate of the leave-one-out log predictive density, pointwise values included.

    Args:
        log_likelihood: (chain, draw, observation).
        posterior: the draws, whose effective sizes the smoothing uses.
    """
    import xarray as xr

    terms = xr.Dataset({"all": (("chain", "draw", "observation"), log_likelihood)})
    with _arviz() as az:
        return az.loo(az.InferenceData(posterior=posterior, log_likelihood=terms), pointwise=True)


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
    """The smallest bulk effective sample size among all scalars of some draws (chain, draw, ...) that vary."""
    out = float("inf")
    with _arviz() as az, np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for x in draws.values():
            flat = x.reshape(*x.shape[:2], -1)
            moving = flat[..., flat.max((0, 1)) > flat.min((0, 1))]
            if moving.size:
                out = min(out, *np.atleast_1d(az.ess({"x": moving}, method="bulk")["x"].values.astype(float)))
    return out


@dataclass(frozen=True)
class Check:
    """What the diagnostics say.

    Attributes:
        problems: what is wrong and what may help, in words; empty where nothing is.
        figures: the worst value of each diagnostic.
    """

    problems: tuple[str, ...]
    figures: dict[str, float]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        figures = ", ".join(f"{k} {_number(v)}" for k, v in self.figures.items())
        if self.ok:
            return f"No problem found: {figures}."
        return "\n".join([*(f"- {p}" for p in self.problems), f"({figures})"])

    __repr__ = __str__


def check(idata: Any, max_tree_depth: int | None = None) -> Check:
    """Look at R-hat, effective sample sizes, divergences, energy and tree depth.

    The bounds are those of the reference, R-hat below 1.01 and 100 effective draws for each chain in bulk and tails,
    and of Stan, an energy Bayesian fraction of missing information (E-BFMI) of at least 0.3.

    Reference:
        Rank-normalization, folding, and localization: An improved R-hat (Vehtari et al., 2021) |
        https://doi.org/10.1214/20-BA1221

    Args:
        idata: the InferenceData of a run of MCMC.
        max_tree_depth: the bound of the run, where it had one.
    """
    with _arviz() as az, np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", UserWarning)  # too few draws for a diagnostic, which shows as nan
        posterior, stats = idata.posterior, idata.sample_stats
        chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
        moving = _moving(posterior)
        worst = {
            "R-hat": _worst(az.rhat(posterior), moving, np.greater),
            "bulk ESS": _worst(az.ess(posterior, method="bulk"), moving, np.less),
            "tail ESS": _worst(az.ess(posterior, method="tail"), moving, np.less),
        }
        bfmi = np.atleast_1d(az.bfmi(idata))
    problems = []
    if broken := [str(k) for k, v in posterior.items() if not np.isfinite(v.values).all()]:
        problems.append(f"draws that are not finite: {', '.join(broken)}")
    figures = {k: value for k, (value, _) in worst.items()}
    if not worst["R-hat"][0] < _RHAT and moving:
        problems.append(
            f"R-hat reaches {_number(worst['R-hat'][0])} ({worst['R-hat'][1]}), above {_RHAT}: the chains have not "
            "mixed; draw and warm up longer, and look at the model if that does not help"
        )
    for name in ("bulk ESS", "tail ESS"):
        value, where = worst[name]
        if not value >= _ESS * chains and moving:
            problems.append(
                f"{name} is only {_number(value)} ({where}), below {_ESS} for each chain: "
                "means and quantiles are uncertain; draw longer"
            )
    divergences = int(stats["diverging"].values.sum())
    figures["divergences"] = divergences
    if divergences:
        problems.append(
            f"{divergences} of {chains * draws} draws diverged: parts of the posterior are not reached; raise "
            "target_accept, or sample the latents of the funnel the other way: `centered=True` where groups have much "
            "data, `centered=False` where they have little (m.explain() says which are non-centred)"
        )
    figures["E-BFMI"] = float(bfmi.min())
    if (low := bfmi < _BFMI).any():
        problems.append(
            f"E-BFMI is {_number(float(bfmi.min()))} at worst, below {_BFMI} in {int(low.sum())} of {chains} chains: "
            "the energy moves slowly, as in heavy tails; reparametrise"
        )
    if max_tree_depth is not None:
        share = float((stats["tree_depth"].values >= max_tree_depth).mean())
        figures["share of draws at the largest tree"] = share
        if share > 0.01:
            problems.append(
                f"{share:.0%} of the draws reached max_tree_depth = {max_tree_depth}: trajectories are cut short, and "
                "mix slowly; scale the data, reparametrise, or raise it"
            )
    return Check(tuple(problems), figures)


def _moving(posterior: Any) -> dict[str, np.ndarray]:
    """Which scalars vary at all: a fixed one (a diagonal of ones) has no diagnostics."""
    out = {}
    for name, x in posterior.items():
        at = [k for k, d in enumerate(x.dims) if d in _SAMPLE]
        varies = np.asarray(x.values.max(tuple(at)) != x.values.min(tuple(at)))
        if varies.any():
            out[str(name)] = varies
    return out


def _worst(values: Any, moving: Mapping[str, np.ndarray], worse: np.ufunc) -> tuple[float, str]:
    """The worst value among the scalars that vary, and whose it is; nan is worst of all."""
    out, where = float("nan"), ""
    for name, varies in moving.items():
        x = np.where(varies, values[name].values, np.inf if worse is np.less else -np.inf)
        flat = int(np.argmax(x)) if worse is np.greater else int(np.argmin(x))  # both stop at nan
        value = float(x.ravel()[flat])
        if not where or np.isnan(value) or worse(value, out):
            index = np.unravel_index(flat, x.shape)
            out, where = value, name + (f"[{', '.join(map(str, index))}]" if index else "")
            if np.isnan(value):
                break
    return out, where


def _number(x: float) -> str:
    return str(int(x)) if float(x).is_integer() or abs(x) >= 100 else f"{x:.3f}" if abs(x) < 10 else f"{x:.1f}"
