"""Rows: longest paths, with plates kept compact.

Each site stands below all that it depends on. A site outside of a plate that leads into it stands above the whole
plate, and one that depends on it below, so that plates stay compact; sources move down to just above their first user.

A *slot* is a place in a row: a site, or the passage of an edge through a row between its ends.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from gendsl.plot.blocks import Block, Crossing, blocks, reach
from gendsl.plot.order import sort_blocks
from gendsl.plot.scene import Scene

__all__ = ["PASSAGE", "Rows", "arrange"]

PASSAGE = 0.12
"""The width of a passage, in inches."""
_MOST = 300  # passages; with more, edges run straight across


@dataclass
class Rows:
    """A layered diagram.

    Attributes:
        row: the row of each slot; the first `sites` slots are the sites.
        order: the slots from left to right, over all rows.
        paths: edge -> its slots from end to end.
        within: passage -> the sites of the block that it runs through.
    """

    row: list[int]
    order: list[int] = field(default_factory=list)
    paths: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    within: dict[int, frozenset[int]] = field(default_factory=dict)

    @property
    def segments(self) -> list[tuple[int, int]]:
        """The pieces of the edges between neighbouring rows."""
        every = dict.fromkeys(s for path in self.paths.values() for s in itertools.pairwise(path))
        return [(a, b) for a, b in every if self.row[b] == self.row[a] + 1]


def arrange(scene: Scene, widths: list[float]) -> Rows:
    """Rows, passages of long edges, and the order from left to right, for sites of these widths."""
    count = len(scene.sites)
    above = reach(count, scene.edges)
    root, demands = blocks(scene.plates, frozenset(range(count)), above)
    out = Rows(_rows(scene, above, demands))
    _route(scene, root, out)
    wide = [*widths, *[PASSAGE] * (len(out.row) - count)]
    sort_blocks(root, out.row, wide, out.segments)
    out.order = root.sequence()
    return out


# -- rows -------------------------------------------------------------------------------------------------------------
def _rows(scene: Scene, above: list[int], demands: list[Crossing]) -> list[int]:
    count = len(scene.sites)
    before: list[set[int]] = [set() for _ in range(count)]
    for a, b in scene.edges:
        before[b].add(a)
    for a, b in _demanded(scene, above, demands):
        if not _reaches(before, b, a):
            before[b].add(a)
    row = [0] * count
    after: list[list[int]] = [[] for _ in range(count)]
    for b in range(count):
        for a in before[b]:
            after[a].append(b)
    order = _sorted(before, after)
    for b in order:
        row[b] = max((row[a] + 1 for a in before[b]), default=0)
    users = [0] * count
    sources = [0] * count
    for a, b in scene.edges:
        users[a] += 1
        sources[b] += 1
    for a in reversed(order):
        if after[a] and users[a] > sources[a]:
            row[a] = min(row[b] for b in after[a]) - 1
    for i in range(count):  # what nothing ties to a row stands with its plate
        mates = [row[j] for p, s in scene.plates.items() if i in s for j in s if users[j] or sources[j]]
        if not before[i] and not after[i] and mates:
            row[i] = min(mates)
    used = {r: k for k, r in enumerate(sorted(set(row)))}
    return [used[r] for r in row]


def _demanded(scene: Scene, above: list[int], demands: list[Crossing]) -> list[tuple[int, int]]:
    """Pairs (upper, lower) besides the edges."""
    out = [(a, b) for d in demands for a in sorted(d.above) for b in sorted(d.below)]
    for members in scene.plates.values():
        mask = sum(1 << j for j in members)
        below = 0
        for j in members:
            below |= above[j]
        around = frozenset.intersection(*(frozenset(scene.sites[j].plates) for j in members))
        for i, site in enumerate(scene.sites):
            if i in members or not around.issuperset(site.plates):
                continue
            leads, follows = bool(below >> i & 1), bool(above[i] & mask)
            if leads and not follows:
                out += [(i, j) for j in sorted(members)]
            elif follows and not leads:
                out += [(j, i) for j in sorted(members)]
    return out


def _reaches(before: list[set[int]], a: int, b: int) -> bool:
    """Whether a leads down to b."""
    seen, todo = {b}, [b]
    while todo:
        for k in before[todo.pop()]:
            if k == a:
                return True
            if k not in seen:
                seen.add(k)
                todo.append(k)
    return a == b


def _sorted(before: list[set[int]], after: list[list[int]]) -> list[int]:
    waiting = [len(s) for s in before]
    out = [i for i, w in enumerate(waiting) if not w]
    for i in out:
        for b in after[i]:
            waiting[b] -= 1
            if not waiting[b]:
                out.append(b)
    return out


# -- passages ---------------------------------------------------------------------------------------------------------
def _route(scene: Scene, root: Block, out: Rows) -> None:
    """A slot for each long edge in every row it passes, within the innermost block of its ends that has the row."""
    chains: dict[int, list[Block]] = {}
    spans: dict[int, tuple[int, int]] = {}
    for block in root.walk():
        rows = [out.row[i] for i in block.sites]
        spans[id(block)] = (min(rows, default=0), max(rows, default=0))
        for c in block.children:
            if not isinstance(c, Block):
                chains[c] = [block]
    for block in root.walk():  # a region of crossing plates is as high as these
        if block.orders is not None:
            spans.update((id(c), spans[id(block)]) for c in block.children)
    parents = {id(c): b for b in root.walk() for c in b.children if isinstance(c, Block)}
    for chain in chains.values():
        while (up := parents.get(id(chain[-1]))) is not None:
            chain.append(up)
    lengths = {(a, b): out.row[b] - out.row[a] - 1 for a, b in scene.edges}
    direct = sum(lengths.values()) > _MOST
    for (a, b), length in lengths.items():
        path = [a]
        for r in range(out.row[a] + 1, out.row[a] + 1 + length * (not direct)):
            fits = [k for k in (*chains[b], *chains[a]) if spans[id(k)][0] <= r <= spans[id(k)][1] and k.orders is None]
            block = min(fits, key=lambda k: len(k.sites), default=root)
            out.row.append(r)
            path.append(len(out.row) - 1)
            block.children.append(path[-1])
            out.within[path[-1]] = block.sites
        out.paths[a, b] = [*path, b]
