"""Plates as a tree of blocks, and the order of blocks from left to right.

A block is a set of sites that stand together. Nested plates are blocks within blocks. Plates that cross make one block
whose parts are the *regions*, the sets of sites in the same of these plates, in an order in which each plate is
contiguous: students only, both, items only. Where there is no such order (three plates that cross each other), one
plate may lie across the others: its sites take the lower rows, so it need not be contiguous from left to right.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Block", "blocks", "reach"]

_MOST_REGIONS = 7  # all orders of so many regions are looked at


@dataclass(eq=False)
class Block:
    """Sites and blocks side by side.

    Attributes:
        sites: all sites in it, in its blocks too.
        children: sites and blocks.
        orders: the orders of the children that are allowed, as permutations; None where all are.
    """

    sites: frozenset[int]
    children: list[int | Block]
    orders: list[tuple[int, ...]] | None = None

    def sequence(self) -> list[int]:
        """The sites from left to right."""
        out: list[int] = []
        for c in self.children:
            out.extend(c.sequence() if isinstance(c, Block) else [c])
        return out

    def walk(self) -> list[Block]:
        """The block and all blocks in it."""
        return [self, *(b for c in self.children if isinstance(c, Block) for b in c.walk())]


@dataclass
class Crossing:
    """What laying one plate across others needs: each of `above` in a higher row than each of `below`."""

    above: frozenset[int]
    below: frozenset[int]


def blocks(plates: dict[str, frozenset[int]], sites: frozenset[int], above: list[int]) -> tuple[Block, list[Crossing]]:
    """The tree of blocks, and the demands on rows of plates that lie across.

    Args:
        plates: plate -> its sites.
        sites: all sites.
        above: for each site a bit mask of the sites that it depends on, however far.
    """
    demands: list[Crossing] = []
    return _build(plates, sites, above, demands), demands


def reach(count: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """For each site a bit mask of the sites it depends on."""
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        before[b].append(a)
        after[a].append(b)
    waiting = [len(x) for x in before]
    ready = [i for i in range(count) if not waiting[i]]
    masks = [0] * count
    for i in ready:
        for a in before[i]:
            masks[i] |= masks[a] | 1 << a
        for b in after[i]:
            waiting[b] -= 1
            if not waiting[b]:
                ready.append(b)
    return masks


def _crosses(a: frozenset[int], b: frozenset[int]) -> bool:
    return bool(a & b) and not a <= b and not b <= a


def _build(
    plates: dict[str, frozenset[int]], sites: frozenset[int], above: list[int], demands: list[Crossing]
) -> Block:
    groups = _groups(plates)
    children: list[int | Block] = []
    covered: frozenset[int] = frozenset()
    for group in sorted(groups, key=lambda g: -len(frozenset().union(*(plates[p] for p in g)))):
        union = frozenset().union(*(plates[p] for p in group))
        if union & covered:
            continue  # within a group that is there already
        covered |= union
        rest = {p: s for p, s in plates.items() if p not in group and s <= union}
        if len(group) == 1:
            children.append(_build(rest, union, above, demands))
        else:
            children.append(_crossed({p: plates[p] for p in group}, rest, union, above, demands))
    children += sorted(sites - covered)
    return Block(sites, children)


def _groups(plates: dict[str, frozenset[int]]) -> list[list[str]]:
    """Plates connected by crossing each other."""
    out: list[list[str]] = []
    for p, s in plates.items():
        joined = [g for g in out if any(_crosses(s, plates[q]) for q in g)]
        out = [g for g in out if g not in joined] + [[*itertools.chain(*joined), p]]
    return out


def _crossed(
    group: dict[str, frozenset[int]],
    rest: dict[str, frozenset[int]],
    union: frozenset[int],
    above: list[int],
    demands: list[Crossing],
) -> Block:
    for across in (None, *sorted(group, key=lambda p: (-len(group[p]), p))):
        columns = [s for p, s in group.items() if p != across]
        regions = _regions(columns, union)
        orders = _contiguous(regions, columns)
        if not orders:
            continue
        if across is not None:
            lower = group[across]
            mask = sum(1 << i for i in lower)
            if any(above[i] & mask for i in union - lower):
                continue  # a site that would have to stand above it depends on it
            demands.append(Crossing(union - lower, lower))
        return _block(regions, rest, union, above, demands, orders)
    regions = _regions(list(group.values()), union)  # no way: plates will be drawn in parts
    return _block(regions, rest, union, above, demands, None)


def _block(
    regions: list[frozenset[int]],
    rest: dict[str, frozenset[int]],
    union: frozenset[int],
    above: list[int],
    demands: list[Crossing],
    orders: list[tuple[int, ...]] | None,
) -> Block:
    children: list[int | Block] = []
    for r in regions:
        children.append(_build({p: s for p, s in rest.items() if s <= r}, r, above, demands))
    out = Block(union, children, orders)
    if orders:
        out.children = [children[k] for k in orders[0]]
        places = {k: i for i, k in enumerate(orders[0])}
        out.orders = [tuple(places[k] for k in o) for o in orders]
    return out


def _regions(plates: list[frozenset[int]], union: frozenset[int]) -> list[frozenset[int]]:
    parts: dict[tuple[bool, ...], set[int]] = {}
    for i in sorted(union):
        parts.setdefault(tuple(i in s for s in plates), set()).add(i)
    return [frozenset(p) for p in parts.values()]


def _contiguous(regions: list[frozenset[int]], plates: list[frozenset[int]]) -> list[tuple[int, ...]]:
    """The orders of the regions in which each plate is one run."""
    if len(regions) > _MOST_REGIONS:
        return []
    inside = [[bool(r & s) for r in regions] for s in plates]
    return [
        o for o in itertools.permutations(range(len(regions))) if all(_one_run([row[k] for k in o]) for row in inside)
    ]


def _one_run(row: list[bool]) -> bool:
    return sum(b and not a for a, b in itertools.pairwise([False, *row])) <= 1
