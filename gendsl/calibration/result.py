"""What a calibration says: ranks, tests of their uniformity, a verdict, pictures.

Of n ranks on 0, ..., L, the chi-square statistic over B bins of equal width compares counts with n / B; the smallest
p-value is multiplied by the number of scalars (Bonferroni). The pictures show the counts with a band that holds all of
them together 99 times in 100, and the difference of the ranks' distribution function from the uniform one, with a band
of the same kind, found by simulation.

Reference:
    Graphical Test for Discrete Uniformity and its Applications in Goodness-of-Fit Evaluation and Multiple Sample
    Comparison (Säilynoja, Bürkner, Vehtari, 2022) | https://doi.org/10.1007/s11222-022-10090-6
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gendsl.calibration.job import Record
from gendsl.errors import FitError, caller

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Calibration", "ecdf_band", "p_value"]

_LEVEL = 0.01
_BINS = 20


@dataclass(frozen=True, eq=False)
class Calibration:
    """The result of `gd.calibrate`.

    Attributes:
        model: the model's name.
        simulations: how many were asked for.
        draws: L; ranks are 0, ..., L.
        ranks: site -> (simulation, *dims, *event); "log_likelihood" is that of all data.
        ess: the smallest effective sample size of each fit.
        divergences: of each fit.
        seconds: of each simulation.
        failures: simulation -> why it has no ranks.
        complete: whether all simulations were run; if not, it was interrupted.
    """

    model: str
    simulations: int
    draws: int
    ranks: dict[str, np.ndarray]
    ess: np.ndarray
    divergences: np.ndarray
    seconds: np.ndarray
    failures: dict[int, str]
    complete: bool

    @classmethod
    def of(cls, model: str, records: Sequence[Record], simulations: int, draws: int, complete: bool) -> Calibration:
        """From the records of simulations.

        Raises:
            FitError: if none could be fitted.
            KeyboardInterrupt: if it was interrupted before the first was done.
        """
        good = [r for r in records if "ranks" in r]
        failures = {r["k"]: str(r["error"]) for r in records if "error" in r}
        if not good and not failures:
            raise KeyboardInterrupt("interrupted before the first simulation was done")
        if not good:
            raise FitError(
                f"none of {len(failures)} simulations could be fitted",
                given=next(iter(failures.values())),
                needed="data that the model can be fitted to",
                fix="look at model.prior_predictive(...): priors may be so wide that data overflow",
                where=caller(),
            )
        return cls(
            model,
            simulations,
            draws,
            {name: np.array([r["ranks"][name] for r in good]) for name in good[0]["ranks"]},
            np.array([r["ess"] for r in good], float),
            np.array([r["divergences"] for r in good], int),
            np.array([r["seconds"] for r in good], float),
            failures,
            complete,
        )

    # -- tests -----------------------------------------------------------------------------------------------------
    @cached_property
    def scalars(self) -> dict[str, np.ndarray]:
        """The ranks of each scalar: `theta[3]` -> (simulation,)."""
        out = {}
        for name, x in self.ranks.items():
            for at in np.ndindex(x.shape[1:]):
                out[f"{name}[{', '.join(map(str, at))}]" if at else name] = x[(slice(None), *at)]
        return out

    @cached_property
    def p_values(self) -> dict[str, float]:
        """The p-value of uniform ranks of each scalar, by a chi-square test."""
        return {name: p_value(x, self.draws) for name, x in self.scalars.items()}

    @property
    def p(self) -> float:
        """The p-value of all together: the smallest times the number of scalars, at most 1."""
        return min(1.0, min(self.p_values.values()) * len(self.p_values))

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against uniform ranks at the level of 1 %."""
        return self.p > _LEVEL

    def __bool__(self) -> bool:
        return self.ok

    @property
    def verdict(self) -> str:
        """What the ranks say, in words."""
        n = len(self.ess)
        name, low = min(self.p_values.items(), key=lambda item: item[1])
        out = []
        if self.ok:
            out.append(
                f"The ranks of {len(self.p_values)} scalars in {n} simulations are uniform as far as can be seen "
                f"(p = {self.p:.3g}; the smallest of its own is {low:.3g}, of {name})."
            )
        else:
            out.append(f"The ranks are not uniform (p = {self.p:.2g}): the draws are not from the posteriors.")
            level = _LEVEL / len(self.p_values)
            bad = [k for k, p in sorted(self.p_values.items(), key=lambda item: item[1]) if p <= level]
            out += [f"- {k}: p = {self.p_values[k]:.2g}; {_shape(self.scalars[k], self.draws)}" for k in bad[:8]]
            out += [f"- and {len(bad) - 8} more"] if len(bad) > 8 else []
        return "\n".join([*out, *(f"- {note}" for note in self._notes())])

    def _notes(self) -> list[str]:
        out, n = [], len(self.ess)
        if not self.complete:
            out.append(f"interrupted: {n} of {self.simulations} simulations are done; the same call with path= goes on")
        if n < 100:
            out.append(f"{n} simulations show coarse errors only")
        if self.failures:
            first = next(iter(self.failures.values()))
            out.append(f"{len(self.failures)} simulations have no ranks, which may bias the others: {first}")
        if few := int((self.ess < self.draws).sum()):
            out.append(
                f"in {few} fits a scalar has an effective sample size below {self.draws}, so the draws that it is "
                "ranked among depend on each other, which alone pushes ranks to the ends: draw longer, or rank "
                "among fewer"
            )
        if self.divergences.any():
            out.append(f"{int((self.divergences > 0).sum())} fits have divergences")
        return out

    def __str__(self) -> str:
        return self.verdict

    def __repr__(self) -> str:
        return f"<calibration of {self.model}: {len(self.ess)} of {self.simulations} simulations, p = {self.p:.3g}>"

    # -- pictures --------------------------------------------------------------------------------------------------
    def plot(self, names: Sequence[str] | None = None) -> Figure:
        """A row for each scalar: counts of ranks, and the difference of their distribution function, with 99 % bands.

        Args:
            names: sites or scalars; left out, the twelve scalars with the smallest p-values.

        Raises:
            FitError: if there is no such site.
        """
        from matplotlib.figure import Figure

        chosen = self._chosen(names)
        figure = Figure(figsize=(9, 1.9 * len(chosen)), layout="constrained")
        axes = figure.subplots(len(chosen), 2, squeeze=False)
        for name, (left, right) in zip(chosen, axes, strict=True):
            x = self.scalars[name]
            n, bins = len(x), _bins(len(x), self.draws)
            edges = np.linspace(-0.5, self.draws + 0.5, bins + 1)
            color = "C3" if self.p_values[name] * len(self.p_values) <= _LEVEL else "C0"
            low, high = _count_band(n, bins)
            left.axhspan(low, high, color="0.9", zorder=0)
            left.axhline(n / bins, color="0.6", lw=0.8)
            left.hist(x, edges, color=color, alpha=0.8)
            left.set_title(f"{name}: p = {self.p_values[name]:.2g}", loc="left", fontsize="medium")
            grid = np.arange(self.draws + 1)
            uniform = (grid + 1) / (self.draws + 1)
            lower, upper = ecdf_band(n, self.draws, 1 - _LEVEL)
            right.fill_between(grid, lower - uniform, upper - uniform, color="0.9", step="post")
            right.axhline(0, color="0.6", lw=0.8)
            right.step(grid, _ecdf(x, self.draws) - uniform, where="post", color=color)
        for ax, label in zip(axes[-1], ("rank", "rank; difference from uniform"), strict=True):
            ax.set_xlabel(label)
        return figure

    def _chosen(self, names: Sequence[str] | None) -> list[str]:
        if names is None:
            return sorted(self.p_values, key=self.p_values.__getitem__)[:12]
        out = [k for n in names for k in self.scalars if n in (k, k.partition("[")[0])]
        if unknown := [n for n in names if n not in self.ranks and n not in self.scalars]:
            raise FitError(
                f"nothing named {', '.join(map(repr, unknown))} was ranked",
                given=f"names={list(names)!r}",
                needed=f"some of {', '.join(self.ranks)}",
                fix="check the spelling",
                where=caller(),
            )
        return list(dict.fromkeys(out))


def _bins(n: int, draws: int) -> int:
    """Bins of equal width, with at least five of n ranks expected in each."""
    most = max(2, min(_BINS, n // 5))
    return max((b for b in range(1, most + 1) if (draws + 1) % b == 0), default=1)


def p_value(ranks: np.ndarray, draws: int) -> float:
    """The probability of a chi-square statistic at least as large, were the ranks uniform on 0, ..., draws."""
    from scipy.stats import chi2

    n, bins = len(ranks), _bins(len(ranks), draws)
    if bins < 2:
        return 1.0
    counts = np.bincount(ranks.astype(int) * bins // (draws + 1), minlength=bins)
    return float(chi2.sf(((counts - n / bins) ** 2).sum() / (n / bins), bins - 1))


def _shape(ranks: np.ndarray, draws: int) -> str:
    """How ranks differ from uniform ones: moved to a side, to the ends, or to the middle."""
    u = (ranks + 0.5) / (draws + 1) - 0.5
    n = len(u)
    side = u.mean() * np.sqrt(12 * n)
    ends = ((u**2).mean() - 1 / 12) * np.sqrt(180 * n)
    if abs(side) < 2 and abs(ends) < 2:
        return "neither moved to a side nor to the ends"
    if abs(side) > abs(ends):
        return (
            f"the draws lie too {'low' if side > 0 else 'high'} (the truth has {'high' if side > 0 else 'low'} ranks)"
        )
    if ends > 0:
        return "the draws are too narrow, or depend on each other (the truth has the lowest and highest ranks)"
    return "the draws are too wide (the truth has the middle ranks)"


def _count_band(n: int, bins: int) -> tuple[float, float]:
    """Bounds that hold the counts of all bins together with probability of at least 99 %."""
    from scipy.stats import binom

    tail = _LEVEL / bins / 2
    return float(binom.ppf(tail, n, 1 / bins)), float(binom.ppf(1 - tail, n, 1 / bins))


def _ecdf(ranks: np.ndarray, draws: int) -> np.ndarray:
    return np.cumsum(np.bincount(ranks.astype(int), minlength=draws + 1)) / len(ranks)


def ecdf_band(n: int, draws: int, level: float, tries: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Bounds that hold the whole distribution function of n uniform ranks with a given probability.

    At each rank the bounds are quantiles of a binomial, all at one tail probability, which is chosen by simulation.

    Args:
        n: how many ranks.
        draws: ranks are 0, ..., draws.
        level: the probability.
        tries: simulated samples.

    Returns:
        The lower and the upper bound at each rank.
    """
    from scipy.stats import binom

    rng = np.random.default_rng(0)
    at = (np.arange(draws) + 1) / (draws + 1)  # at the last rank the function is 1
    tails = []
    for _ in range(tries):
        below = np.cumsum(np.bincount(rng.integers(0, draws + 1, n), minlength=draws + 1))[:-1]
        tails.append(2 * np.minimum(binom.cdf(below, n, at), binom.sf(below - 1, n, at)).min())
    tail = float(np.quantile(tails, 1 - level))
    lower, upper = binom.ppf(tail / 2, n, at) / n, binom.ppf(1 - tail / 2, n, at) / n
    return np.append(lower, 1.0), np.append(upper, 1.0)
