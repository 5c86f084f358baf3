"""Initial values of parameters that became event axes, where one number for each element of a plate was meant."""

from __future__ import annotations

from gendsl.graph.node import Array, Graph
from gendsl.graph.types import ArrayType

__all__ = ["meant_by_element"]


def meant_by_element(graph: Graph, node: int) -> str | None:
    """What to do about the first parameter over a plate, among those that a node is computed from, whose initial value
    has an event axis that its constraint does not ask for; None where there is none.
    """
    for i in _above(graph, node):
        n = graph.nodes[i]
        t, init = n.type, n.attr.get("init")
        if n.op != "param" or not isinstance(t, ArrayType) or not isinstance(init, Array):
            continue
        if t.dims and t.rank > t.support.rank:
            over, first = ", ".join(t.dims), float(init.numpy().flat[0])
            dims = over if len(t.dims) == 1 else f"({over})"
            return (
                f"the initial value of '{n.name}', of shape {t.event}, is an event of each element of {over}; "
                f'for one number for each element, m.param("{n.name}", {first}, dims={dims})'
            )
    return None


def _above(graph: Graph, node: int) -> list[int]:
    """A node and all that it is computed from."""
    seen, todo = {node: None}, [node]
    while todo:
        new = [a for a in graph.nodes[todo.pop()].args if a not in seen]
        seen |= dict.fromkeys(new)
        todo += new
    return list(seen)
