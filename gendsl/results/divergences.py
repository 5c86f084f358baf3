"""Where divergent draws are, and which form of the model would not have them.

For each scalar of the latents, the end (below or above some value) that holds the largest share of the divergent draws
beyond that of the others is found: the largest difference of the two distribution functions, which is the
Kolmogorov-Smirnov distance. A scalar is named where it is at least 0.4, and beyond what chance gives (the 0.1 % bound
of the asymptotic distribution, divided by the number of scalars).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gendsl.graph.families import FAMILIES
from gendsl.graph.node import Graph
from gendsl.results.scalars import Scalars
from gendsl.results.words import listed, number, percent

if TYPE_CHECKING:
    from gendsl.fit import Fit

__all__ = ["Group", "Region", "divergences", "hierarchies", "regions"]

_FEW, _APART, _SHOWN = 5, 0.4, 3


@dataclass(frozen=True)
class Region:
    """One end of a scalar.

    Attributes:
        label: the scalar's.
        site: its site.
        below: whether it is the lower end.
        bound: where it begins.
        inside: the share of divergent draws that are in it.
        others: the share of the others.
    """

    label: str
    site: str
    below: bool
    bound: float
    inside: float
    others: float

    def __str__(self) -> str:
        side = "below" if self.below else "above"
        return (
            f"{self.label} is {side} {number(self.bound)} ({percent(self.inside)} of the divergent draws, "
            f"{percent(self.others)} of the others)"
        )


@dataclass(frozen=True)
class Group:
    """A latent whose scale is random.

    Attributes:
        name: its name.
        family: its distribution.
        by: the latents that its scale depends on.
        centred: whether the program draws it as declared.
        forms: whether a pass of the compiler could change that.
    """

    name: str
    family: str
    by: frozenset[str]
    centred: bool
    forms: bool


def divergences(fit: Fit, found: Scalars) -> list[str]:
    """What is said of divergences; nothing where there are none.

    Args:
        fit: the fit.
        found: the scalars of its latents.
    """
    mark = fit.raw.stats.get("diverging")
    if mark is None or not mark.any():
        return []
    count = int(mark.sum())
    words = f"{count} of {mark.size} draws diverged: parts of the posterior are not reached"
    by_chain = mark.sum(1)
    if len(mark) > 1 and count >= _FEW and by_chain.max() >= 0.9 * count:
        words += f"; {percent(by_chain.max() / count)} of them in chain {int(by_chain.argmax())}"
    places = regions(found.moving(), mark)
    if places:
        words += f". They are where {'; where '.join(map(str, places[:_SHOWN]))}"
    elif count < _FEW:
        words += ". They are too few to say where"
    else:
        words += ". They are spread like the other draws"
    return [f"{words}. {_advice(fit, {p.site for p in places})}"]


def regions(found: Scalars, mark: np.ndarray) -> list[Region]:
    """The ends that separate divergent draws from others, the best first, one a site before others of the same.

    Args:
        found: the scalars.
        mark: (chain, draw), true where a draw diverged.
    """
    yes, no = int(mark.sum()), int((~mark).sum())
    if yes < _FEW or no < _FEW or not len(found):
        return []
    chance = np.sqrt(np.log(2 * 1000 * len(found)) / 2 * (yes + no) / (yes * no))
    out = []
    for label, site, x in zip(found.labels, found.sites, found.draws, strict=True):
        inside, outside = np.sort(x[mark]), np.sort(x[~mark])
        at = np.unique(inside)
        below = (np.searchsorted(inside, at, "right") / yes, np.searchsorted(outside, at, "right") / no)
        above = (1 - np.searchsorted(inside, at, "left") / yes, 1 - np.searchsorted(outside, at, "left") / no)
        for side, (a, b) in ((True, below), (False, above)):
            k = int(np.argmax(a - b))
            if a[k] - b[k] > max(_APART, chance):
                out.append(Region(label, site, side, float(at[k]), float(a[k]), float(b[k])))
    out.sort(key=lambda r: r.others - r.inside)
    first = {r.site: r for r in reversed(out)}
    leaders = [r for r in out if first[r.site] is r]
    return leaders + [r for r in out if r not in leaders]


def hierarchies(declared: Graph, lowered: Graph) -> list[Group]:
    """The latents whose scale (or rate, or concentration) is random.

    Args:
        declared: the graph as declared.
        lowered: the graph after the passes.
    """
    drawn = {str(n.name) for _, n in lowered.of("latent")}
    out = []
    for _, n in declared.of("latent"):
        dist = declared.nodes[n.args[0]]
        family = FAMILIES.get(dist.op[5:])
        if family is None:
            continue
        args = dict(zip(dist.attr["params"], dist.args, strict=False))
        scale = args.get(family.location_scale[1]) if family.location_scale else args.get("scale_tril")
        forms = scale is not None
        sources = [scale] if scale is not None else list(dist.args)
        by = frozenset(name for a in sources for name in _latents_above(declared, a))
        if by:
            out.append(Group(str(n.name), family.name, by, str(n.name) in drawn, forms))
    return out


def _latents_above(graph: Graph, start: int) -> set[str]:
    out: set[str] = set()
    todo, seen = [start], set()
    while todo:
        i = todo.pop()
        if i in seen:
            continue
        seen.add(i)
        n = graph.nodes[i]
        if n.op == "latent":
            out.add(str(n.name))
        else:
            todo += n.args
    return out


def _advice(fit: Fit, sites: set[str]) -> str:
    groups = hierarchies(fit.program.declared, fit.program.graph)
    near = [g for g in groups if g.name in sites or g.by & sites] or groups
    out = []
    if centred := [g for g in near if g.forms and g.centred]:
        names = listed([f"'{g.name}'" for g in centred])
        out.append(
            f"{names} {'is' if len(centred) == 1 else 'are'} centred, as declared, with a random scale "
            f"({_scales(centred)}): leave centered=True out, and the compiler non-centres"
        )
    if moved := [g for g in near if g.forms and not g.centred]:
        names = listed([f"'{g.name}'" for g in moved])
        out.append(
            f"{names} {'is' if len(moved) == 1 else 'are'} non-centred already (scale: {_scales(moved)}): where the "
            "groups have much data, centered=True is the better form"
        )
    if fixed := [g for g in near if not g.forms and (g.name in sites or g.by & sites)]:
        names = listed([f"'{g.name}' ({g.family})" for g in fixed])
        out.append(
            f"{names} depends on {_scales(fixed)} and has no other form that a pass could take: write it as a "
            "transform of a latent whose prior is fixed"
        )
    target = getattr(fit.method, "target_accept", None)
    if target is not None:
        words = "smaller steps may help" if out else "try smaller steps"
        out.append(f"{words}: target_accept={number(1 - (1 - target) / 4)} in the place of {number(target)}")
    return "; ".join(out)


def _scales(groups: list[Group]) -> str:
    return listed(list(dict.fromkeys(name for g in groups for name in sorted(g.by))))
