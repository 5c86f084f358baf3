"""The order of blocks from left to right: barycentre sweeps, then exchanges, as long as they help."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from gendsl.plot.blocks import Block

__all__ = ["sort_blocks"]

_SWEEPS, _ROUNDS = 12, 6
_EFFORT = 3_000_000  # pairs of edges that are compared at most, so that large graphs stay quick
_SPACE = 0.22
_FEW = 14  # children that are moved to every place


def sort_blocks(root: Block, row: list[int], widths: list[float], segments: list[tuple[int, int]]) -> None:
    """Reorder the children of all blocks so that few segments cross and they are short.

    Args:
        root: the tree of blocks; its orders are changed.
        row: the row of each slot.
        widths: the width of each slot.
        segments: pieces of edges between neighbouring rows.
    """
    search = _Search(root, row, widths, segments)
    search.sweep()
    search.exchange()


class _Search:
    """A tree of blocks, with the cost of its order and the budget of tries."""

    def __init__(self, root: Block, row: list[int], widths: list[float], segments: list[tuple[int, int]]) -> None:
        self.root, self.row, self.widths = root, row, widths
        self.blocks = [b for b in root.walk() if len(b.children) > 1]
        between: dict[int, list[tuple[int, int]]] = {}
        self.near: dict[int, list[int]] = {}
        for a, b in segments:
            between.setdefault(row[a], []).append((a, b))
            self.near.setdefault(a, []).append(b)
            self.near.setdefault(b, []).append(a)
        self.between = list(between.values())
        self.tries = max(2, _EFFORT // (len(row) + sum(len(s) ** 2 for s in self.between) + 1))
        self.total = [0.0] * (max(row, default=0) + 1)
        for k, r in enumerate(row):
            self.total[r] += widths[k] + _SPACE

    def positions(self) -> dict[int, float]:
        """Slots side by side, each row centred."""
        x: dict[int, float] = {}
        at = [-t / 2 for t in self.total]
        for k in self.root.sequence():
            wide = self.widths[k] + _SPACE
            x[k] = at[self.row[k]] + wide / 2
            at[self.row[k]] += wide
        return x

    def cost(self) -> tuple[int, float, int]:
        """Crossings first, then the squared length of the segments, then how far the sites are from being in order."""
        self.tries -= 1
        x = self.positions()
        turned = sum(a > b for a, b in itertools.pairwise(self.root.sequence()))
        crossings, length = 0, 0.0
        for segments in self.between:
            ends = [(x[a], x[b]) for a, b in segments]
            length += sum((p - q) ** 2 for p, q in ends)
            crossings += sum((p - r) * (q - s) < 0 for (p, q), (r, s) in itertools.combinations(ends, 2))
        return crossings, round(length, 6), turned

    def sweep(self) -> None:
        """Sort the children of each block by the mean position of what they are tied to; keep the best order met."""
        best, kept = self.cost(), [list(b.children) for b in self.blocks]
        for k in range(_SWEEPS):
            if self.tries <= 1:
                break
            for block in self.blocks if k % 2 else self.blocks[::-1]:
                if block.orders is None:
                    self._sort(block, (-1, 1) if k % 4 < 2 else (1,) if k % 4 == 2 else (-1,))
            if (new := self.cost()) < best:
                best, kept = new, [list(b.children) for b in self.blocks]
        for block, children in zip(self.blocks, kept, strict=True):
            block.children = children

    def _sort(self, block: Block, ways: tuple[int, ...]) -> None:
        """By what they are tied to in the rows above (-1), below (1), or both."""
        x, row = self.positions(), self.row

        def pull(child: int | Block) -> float:
            inside = set(child.sequence()) if isinstance(child, Block) else {child}
            ties = [x[j] for i in inside for j in self.near.get(i, ()) if j not in inside and row[j] - row[i] in ways]
            ties = ties or [x[i] for i in inside]
            return sum(ties) / len(ties)

        block.children = sorted(block.children, key=pull)

    def exchange(self) -> None:
        """Try other orders of the children of each block, and keep what is better."""
        best = self.cost()
        for _ in range(_ROUNDS):
            start = best
            for block in self.blocks:
                for order in _orders(block):
                    if self.tries <= 0:
                        break
                    old = list(block.children)
                    block.children = [old[k] for k in order]
                    if (new := self.cost()) >= best:
                        block.children = old
                        continue
                    best = new
                    if block.orders is not None:  # permutations of the children as they now stand
                        places = {k: i for i, k in enumerate(order)}
                        block.orders = [tuple(places[k] for k in o) for o in block.orders]
                        break
            if best == start:
                break
        self.tidy()

    def tidy(self) -> None:
        """Where it costs nothing, prefer the order of declaration: mirror the whole; order sites with the same ties."""
        before = self.cost()
        self._mirror()
        if self.cost() > before:
            self._mirror()
        for block in self.blocks:
            alike: dict[tuple[int, tuple[int, ...]], list[int]] = {}
            for i, c in enumerate(block.children):
                if not isinstance(c, Block):
                    alike.setdefault((self.row[c], tuple(sorted(self.near.get(c, ())))), []).append(i)
            for places in alike.values():
                for i, c in zip(places, sorted(block.children[i] for i in places), strict=True):  # type: ignore[type-var]
                    block.children[i] = c

    def _mirror(self) -> None:
        for block in self.blocks:
            block.children.reverse()
            block.orders = block.orders and [o[::-1] for o in block.orders]


def _orders(block: Block) -> Iterator[tuple[int, ...]]:
    """The orders to try: all that are allowed, or each child moved to each other place (of many: to the next)."""
    count = len(block.children)
    same = tuple(range(count))
    if block.orders is not None:
        yield from [o for o in block.orders if o != same]
        return
    if count <= _FEW:
        yield same[::-1]
    for i in same:
        rest = (*same[:i], *same[i + 1 :])
        for j in range(count) if count <= _FEW else range(i + 1, min(i + 2, count)):
            if j != i:
                yield (*rest[:j], i, *rest[j:])
