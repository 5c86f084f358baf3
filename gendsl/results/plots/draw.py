"""`plot`: which scalars a picture shows, and who draws it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gendsl.errors import FitError, caller
from gendsl.results.kinds import Plot
from gendsl.results.plots import chains, energy, forest, pair
from gendsl.results.plots.style import GREY
from gendsl.results.scalars import Scalars, ks_distance, most_different, scalars, split_rhat, unconstrained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gendsl.fit import Fit

__all__ = ["plot"]

_DRAW: dict[Plot, tuple[Callable[..., Figure], int, str]] = {
    Plot.TRACE: (chains.trace, 16, "densities and traces"),
    Plot.RANK: (chains.rank, 24, "ranks of each chain's draws"),
    Plot.PAIR: (pair.pair, 6, "pairs"),
    Plot.FOREST: (forest.forest, 60, "medians, central 50 and 94 % intervals"),
    Plot.AUTOCORR: (chains.autocorr, 24, "autocorrelations"),
    Plot.ESS: (chains.ess, 24, "effective sample sizes"),
}
"""Kind -> how it is drawn, how many scalars at most, and what stands above."""


def plot(fit: Fit, kind: Plot, names: Sequence[str] | None, free: bool) -> Figure:
    """See `Fit.plot`."""
    if isinstance(kind, (list, tuple)) or kind not in list(Plot):
        sites = isinstance(kind, (list, tuple)) or kind in fit.draws
        given = [kind] if isinstance(kind, str) else kind
        raise FitError(
            "an unknown kind of plot",
            given=repr(kind)[:80],
            needed=", ".join(f"gd.Plot.{k.name}" for k in Plot),
            fix=f"sites are given by name: names={given!r}" if sites else "fit.plot(gd.Plot.TRACE)",
            where=caller(),
        )
    kind = Plot(kind)
    stats = fit.raw.stats
    model = fit.program.declared.name
    if kind is Plot.ENERGY:
        if "energy" not in stats or stats["energy"].shape[1] < 4:
            raise FitError(
                "there is no energy to show",
                given=f"{type(fit.method).__name__} with {next(iter(fit.draws.values())).shape[1]} draws of a chain",
                needed="a few draws by a method that has an energy, such as gd.NUTS()",
                fix="fit.plot(gd.Plot.TRACE)",
                where=caller(),
            )
        return energy.energy(stats["energy"], f"{model}: energy")
    if free and not fit.raw.unconstrained:
        raise FitError(
            "the fit has no unconstrained draws",
            given="unconstrained=True",
            needed="draws of a method that moves unconstrained values",
            fix="leave unconstrained out",
            where=caller(),
        )
    found = (unconstrained if free else scalars)(fit, names)
    shape = next(iter(fit.draws.values())).shape[:2]
    diverging = np.asarray(stats.get("diverging", np.zeros(shape, bool)), bool)
    draw, limit, words = _DRAW[kind]
    chosen, note = _choose(found, limit, diverging if kind is Plot.PAIR else None)
    if not len(chosen):
        return _nothing(f"{model}: {words}")
    out: Figure = draw(chosen, diverging, f"{model}: {words}", note)
    return out


def _choose(found: Scalars, limit: int, diverging: np.ndarray | None) -> tuple[Scalars, str]:
    """The scalars to show, and what is said of the others."""
    moving = found.moving()
    fixed = len(found) - len(moving)
    note = [f"left out: {fixed} that never vary or are not finite"] if fixed else []
    by_divergence = diverging is not None and 5 <= diverging.sum() < diverging.size
    score = (
        ks_distance(moving.draws, diverging) if by_divergence and diverging is not None else split_rhat(moving.draws)
    )
    chosen, rest = most_different(moving, limit, score)
    if rest:
        why = "that divergent draws differ most in" if by_divergence else "whose chains differ most"
        note.insert(0, f"{limit} of {len(moving)} scalars: those {why}; names=[...] shows others")
    return chosen, "; ".join(note)


def _nothing(title: str) -> Figure:
    """A figure that says that there is nothing to see."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 1.2))
    figure.text(0.02, 0.7, title, fontsize=10)
    figure.text(0.02, 0.3, "no scalar varies and is finite in all draws", fontsize=9, color=GREY)
    return figure
