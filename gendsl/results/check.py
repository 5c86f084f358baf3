"""`check`: what the diagnostics of a fit say, in words, and what to try.

The bounds are those of the reference, R-hat below 1.01 and 100 effective draws for each chain in bulk and tails, and of
Stan, an energy Bayesian fraction of missing information (E-BFMI) of at least 0.3. That of R-hat is for four chains of a
thousand draws: of fewer, an R-hat between 1.01 and 1.05 may be noise, and is called that.

Reference:
    Rank-normalization, folding, and localization: An improved R-hat (Vehtari et al., 2021) |
    https://doi.org/10.1214/20-BA1221
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gendsl.diagnostics import ENOUGH_ESS, FEWEST, LEAST_BFMI, WORST_RHAT, bfmi, effective_sizes, rhats
from gendsl.methods import MCMC
from gendsl.results.conflict import conflicts
from gendsl.results.divergences import divergences
from gendsl.results.modes import lagging, modes, stuck
from gendsl.results.scalars import Scalars, scalars
from gendsl.results.words import chains_of, counted, number

if TYPE_CHECKING:
    from gendsl.fit import Fit

__all__ = ["Check", "check", "check_draws"]

Figures = dict[str, float]

_UNMIXED = 1.05  # R-hat that noise alone hardly reaches
_MEANT = 4000  # draws that the bound of R-hat is meant for


@dataclass(frozen=True)
class Check:
    """What the diagnostics say.

    Attributes:
        problems: what is wrong and what may help, in words; empty where nothing is.
        figures: the worst value of each diagnostic.
        notes: what must be known of the method whatever its draws look like; what could not be looked at, and why.
    """

    problems: tuple[str, ...]
    figures: Figures
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        figures = ", ".join(f"{k} {number(v)}" for k, v in self.figures.items())
        lines = [f"No problem found: {figures}."] if self.ok else [*(f"- {p}" for p in self.problems), f"({figures})"]
        return "\n".join([*lines, *(f"({n})" for n in self.notes)])

    __repr__ = __str__


def check(fit: Fit, prior: bool) -> Check:
    """See `Fit.check`."""
    found, stats = scalars(fit), fit.raw.stats
    latents = {str(n.name) for _, n in fit.program.declared.of("latent")}
    drawn = found.take([k for k, site in enumerate(found.sites) if site in latents])
    still = stuck(drawn, stats)
    problems = [] if fit.raw.complete else [fit.raw.note]
    base = check_draws(found, stats, getattr(fit.method, "max_tree_depth", None))
    problems += [p for p in base.problems if p.startswith("draws that are not finite")]
    problems += [words for _, words in still]
    apart = modes(fit.program.declared, drawn, [c for c, _ in still], stats.get("lp"))
    problems += apart or lagging(stats.get("lp"), [c for c, _ in still], stats.get("step_size"))
    problems += [p for p in base.problems if p not in problems]
    problems += divergences(fit, drawn)
    notes: tuple[str, ...] = (fit.method.caveat,) if isinstance(fit.method, MCMC) and fit.method.caveat else ()
    if prior:
        words, more = conflicts(fit)
        problems += words
        notes += more
    return Check(tuple(problems), base.figures, notes)


def check_draws(found: Scalars, stats: Mapping[str, np.ndarray], max_tree_depth: int | None = None) -> Check:
    """R-hat, effective sample sizes, energy and tree depth.

    Args:
        found: the scalars.
        stats: the sampler's statistics, (chain, draw); those that are not there are not looked at.
        max_tree_depth: the bound of the run, where it had one.
    """
    problems: list[str] = []
    figures: Figures = {}
    finite = np.isfinite(found.draws).all((1, 2))
    if not finite.all():
        broken = dict.fromkeys(found.sites[k] for k in np.flatnonzero(~finite))
        problems.append(f"draws that are not finite: {', '.join(broken)}")
    moving = found.take(np.flatnonzero(~finite | (np.nan_to_num(np.ptp(found.draws, (1, 2)), nan=1.0) > 0)))
    chains, draws = found.draws.shape[1:]
    least = FEWEST if chains > 1 else 2 * FEWEST
    if len(found) and draws < least:
        problems.append(
            f"only {counted(draws, 'draw')} of {counted(chains, 'chain')}: R-hat and effective sample sizes need "
            f"{least} of each at least, so nothing can be said of the chains; draw more, a few hundred or more"
        )
    elif len(moving):
        _mixing(moving, problems, figures)
    if "diverging" in stats:
        figures["divergences"] = int(stats["diverging"].sum())
    if "energy" in stats and draws >= FEWEST:
        _energy(stats["energy"], problems, figures)
    if max_tree_depth is not None and "tree_depth" in stats:
        _depth(stats["tree_depth"] >= max_tree_depth, max_tree_depth, problems, figures)
    return Check(tuple(problems), figures)


def _mixing(moving: Scalars, problems: list[str], figures: Figures) -> None:
    chains, draws = moving.draws.shape[1:]
    rhat = rhats(moving.draws)
    k = int(np.argmax(rhat))  # stops at nan, which is worst of all
    figures["R-hat"] = float(rhat[k])
    sizes = {method: effective_sizes(moving.draws, method) for method in ("bulk", "tail")}
    if not rhat[k] < WORST_RHAT:
        words = f"R-hat reaches {number(rhat[k])} ({moving.labels[k]}), above {WORST_RHAT}"
        problems.append(
            f"{words}: of {counted(chains, 'chain')} of {draws} draws with {number(sizes['bulk'][k])} effective ones, "
            "that may be noise as well as slow mixing; draw longer to tell"
            if rhat[k] < _UNMIXED and chains * draws < _MEANT
            else f"{words}: the chains have not mixed; draw and warm up longer, and look at the model if that does not "
            "help"
        )
    for method, size in sizes.items():
        k = int(np.argmin(size))
        figures[f"{method} ESS"] = float(size[k])
        if not size[k] >= ENOUGH_ESS * chains:
            problems.append(
                f"{method} ESS is only {number(size[k])} ({moving.labels[k]}), below {ENOUGH_ESS} for each chain: "
                "means and quantiles are uncertain; draw longer"
            )


def _energy(energy: np.ndarray, problems: list[str], figures: Figures) -> None:
    fractions = bfmi(energy)
    figures["E-BFMI"] = float(fractions.min())
    low = np.flatnonzero(fractions < LEAST_BFMI)
    if low.size:
        problems.append(
            f"E-BFMI is {number(fractions.min())} at worst, below {LEAST_BFMI} in {low.size} of {len(fractions)} "
            f"chains ({chains_of(low.tolist())}): the energy moves slowly, as in heavy tails and funnels; "
            "reparametrise (centered=False, a heavy-tailed latent as a scale times a normal one), or warm up longer"
        )


def _depth(full: np.ndarray, bound: int, problems: list[str], figures: Figures) -> None:
    share = float(full.mean())
    figures["share of draws at the largest tree"] = share
    if share > 0.01:
        by_chain = full.mean(1)
        heavy = np.flatnonzero(by_chain > 0.01)
        where = "" if len(heavy) == len(full) else f" ({chains_of(heavy.tolist())})"
        problems.append(
            f"{share:.0%} of the draws reached max_tree_depth = {bound}{where}: trajectories are cut short, and mix "
            "slowly; scale the data, reparametrise, adapt a dense mass matrix (dense=True), or raise it"
        )
