"""The report of `model.explain()`: each site with dims, event shape, dtype, support, capabilities; and each pass."""

from __future__ import annotations

from dataclasses import dataclass

from gendsl.graph.families import FAMILIES
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DistType, DType

__all__ = ["Report", "Row", "capabilities", "rows"]


@dataclass(frozen=True)
class Row:
    """One site."""

    name: str
    kind: str
    what: str
    dims: tuple[str, ...]
    event: tuple[int | str, ...]
    dtype: str
    support: str
    capabilities: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What a model is and what the compiler does to it; print it."""

    model: str
    rows: tuple[Row, ...]
    passes: tuple[tuple[str, str, tuple[str, ...]], ...]

    def __str__(self) -> str:
        head = ("name", "kind", "what", "dims", "event", "dtype", "support", "capabilities")
        table = [head] + [
            (
                r.name,
                r.kind,
                r.what,
                ", ".join(r.dims) or "-",
                ", ".join(map(str, r.event)) or "-",
                r.dtype,
                r.support,
                ", ".join(r.capabilities) or "-",
            )
            for r in self.rows
        ]
        widths = [max(len(row[k]) for row in table) for k in range(len(head))]
        lines = [f"model {self.model}", ""]
        lines += ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in table]
        lines += ["", "passes"]
        for name, purpose, notes in self.passes:
            lines.append(f"  {name}: {purpose}")
            lines += [f"    - {note}" for note in notes] or ["    - nothing to do"]
        return "\n".join(lines)


def capabilities(n: DistType, family: str) -> tuple[str, ...]:
    """What a distribution offers."""
    spec = FAMILIES[family]
    out = ["sample"] if family != "ImproperUniform" else []
    if n.dtype is DType.FLOAT:
        out += ["reparam"] if spec.reparametrised and family != "ImproperUniform" else []
        out += ["log_prob", "score"]
    else:
        out.append("log_prob")
    return tuple(out)


def rows(graph: Graph) -> tuple[Row, ...]:
    """One row for each site and data node."""
    return tuple(_row(graph, n) for n in graph.nodes if n.name is not None)


def _row(graph: Graph, n: Node) -> Row:
    t = n.type
    if not isinstance(t, ArrayType):
        raise TypeError(f"site '{n.name}' is not a value")
    dims, event = t.dims, t.event
    offers: tuple[str, ...] = ()
    what = n.op
    if n.op in ("latent", "observe"):
        d = graph.nodes[n.args[0]]
        what = d.op[5:]
        if isinstance(d.type, DistType):
            offers = capabilities(d.type, what)
            dims, event = (*dims, *d.type.joint), event[len(d.type.joint) :]
    return Row(str(n.name), n.op, what, dims, event, str(t.dtype), str(t.support), offers)
