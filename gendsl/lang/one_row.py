"""Sites whose distribution is that of one element of their plate, most likely a slip.

The axes of a value are its dims, then its event axes, so h[0] of a network's output over rows is the output of row 0. A
site over the rows whose distribution reads such an element, and otherwise varies over no row, has one distribution for
all rows, that of row 0. What was meant is most likely an element of each row's event: h[..., 0], or a, b = h.
"""

from __future__ import annotations

from collections.abc import Sequence

from gendsl.errors import Location, warn
from gendsl.graph.node import Node
from gendsl.graph.types import ArrayType, DistType
from gendsl.lang.builder import Builder

__all__ = ["warn_of_one_row"]


def warn_of_one_row(b: Builder, dist: int, dims: Sequence[str], name: str, where: Location | None) -> None:
    """A GendslWarning where a distribution reads a fixed element of a plate of its site, and varies not over it.

    Args:
        b: where the site is being declared.
        dist: the node of the distribution.
        dims: the site's plates.
        name: the site's name.
        where: its line.
    """
    t = b.nodes[dist].type
    idle = [d for d in dims if isinstance(t, DistType) and d not in (*t.dims, *t.joint)]
    if not idle:
        return
    seen, todo = {dist}, [dist]
    while todo:
        n = b.nodes[todo.pop()]
        for d, at, value in _picked(b.nodes, n):
            if d not in idle:
                continue
            parts = value.event if isinstance(value, ArrayType) else ()
            warn(
                f"'{name}' is over '{d}', and has the distribution of element {at} of '{d}' at all of them",
                node=name,
                given=f"an index on '{d}', [{at}]: the axes of a value are its plates, then its event axes",
                needed="a distribution of each element",
                fix="elements of an event are [..., 0], or a, b = value"
                if parts
                else "leave the index out: the value is one number for each element",
                where=where,
            )
            return
        more = [a for a in n.args if a not in seen and n.op not in ("latent", "let", "observe", "data", "param")]
        seen.update(more)
        todo += more


def _picked(nodes: Sequence[Node], n: Node) -> list[tuple[str, int, object]]:
    """The plates that a fixed index of a value picks an element of, that element, and the value's type."""
    found: list[int] = []
    while n.op == "index":
        below = nodes[n.args[0]]
        if not isinstance(below.type, ArrayType) or n.attr["axis"] != -below.type.rank:
            return []
        found.append(n.attr["at"])
        n = below
    if n.op != "to_event":
        return []
    value = nodes[n.args[0]].type
    return [(d, at, value) for d, at in zip(n.attr["dims"], reversed(found), strict=False)]
