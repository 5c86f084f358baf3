"""The report of `model.explain()`: each site with dims, event shape, dtype, support, capabilities; and each pass."""

from __future__ import annotations

from dataclasses import dataclass

from gendsl.densities import Density
from gendsl.graph.families import FAMILIES
from gendsl.graph.node import Graph, Node
from gendsl.graph.show import support_words
from gendsl.graph.types import ArrayType, DistType, DType, TupleType

__all__ = ["Done", "Report", "Row", "capabilities", "rows"]

Done = tuple[str, str, tuple[str, ...]]
"""A pass that was run: its name, its purpose, its notes."""


@dataclass(frozen=True)
class Row:
    """One node: its name (or `%index` where it has none), operation, type and capabilities."""

    name: str
    kind: str
    what: str
    dims: tuple[str, ...]
    event: tuple[int | str, ...]
    dtype: str
    support: str
    capabilities: tuple[str, ...]
    site: bool = True


@dataclass(frozen=True)
class Report:
    """What a model is and what the compiler does to it; print it, or print `full()` for every node.

    Attributes:
        model: the model's name.
        rows: one row for each node, as declared.
        passes: name, purpose and notes of each pass.
        density: the same for the passes that only the fused density goes through.
        methods: methods and objectives: name, purpose, and why it does not apply, empty where it does.
        trains: what `gd.Train()` trains the model for, in words.
    """

    model: str
    rows: tuple[Row, ...]
    passes: tuple[Done, ...]
    density: tuple[Done, ...] = ()
    methods: tuple[tuple[str, str, str], ...] = ()
    trains: str = ""

    def __str__(self) -> str:
        return self._text([r for r in self.rows if r.site])

    def full(self) -> str:
        """The report with every node, those without a name too."""
        return self._text(list(self.rows))

    def _text(self, shown: list[Row]) -> str:
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
            for r in shown
        ]
        widths = [max(len(row[k]) for row in table) for k in range(len(head))]
        lines = [f"model {self.model}", ""]
        lines += ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in table]
        lines += ["", "passes", *_passes(self.passes)]
        if self.density:
            lines += ["", "passes of the fused density", *_passes(self.density)]
        if self.methods:
            width = max(len(name) for name, _, _ in self.methods)
            lines += ["", "methods and objectives"]
            lines += [f"  {name:{width}}  {f'no: {why}' if why else purpose}" for name, purpose, why in self.methods]
        if self.trains:
            lines += ["", f"gd.Train() trains for {self.trains}"]
        return "\n".join(lines)


def _passes(done: tuple[Done, ...]) -> list[str]:
    lines = []
    for name, purpose, notes in done:
        lines.append(f"  {name}: {purpose}")
        lines += [f"    - {note}" for note in notes] or ["    - nothing to do"]
    return lines


def capabilities(t: DistType, n: Node) -> tuple[str, ...]:
    """What the distribution of a node offers."""
    learned, family = dict(n.attr["static"]).get("spec"), n.op[5:]
    if isinstance(learned, Density):
        return learned.offers
    spec = FAMILIES[family]
    out = ["sample"] if family != "ImproperUniform" else []
    if t.dtype is DType.FLOAT:
        out += ["reparam"] if spec.reparametrised and family != "ImproperUniform" else []
        out += ["log_prob", "score"]
    else:
        out.append("log_prob")
    return tuple(out)


def rows(graph: Graph) -> tuple[Row, ...]:
    """One row for each node."""
    first: set[str] = set()
    return tuple(_row(graph, i, n, first) for i, n in graph)


def _row(graph: Graph, i: int, n: Node, seen: set[str]) -> Row:
    """A network's first call has the network's name, and says what it is."""
    t = n.type
    if n.op == "network" and isinstance(t, ArrayType):
        name, new = n.attr["network"], n.attr["network"] not in seen
        seen.add(name)
        label, what = (name, repr(n.attr["spec"])) if new else (f"%{i}", name)
        return Row(label, "network", what, t.dims, t.event, str(t.dtype), str(t.support), (), new)
    if isinstance(t, TupleType):
        return Row(f"%{i}", n.op, f"{len(t.items)} results", (), (), "-", "-", (), site=False)
    dims, event = t.dims, t.event
    kind, what = n.op, n.op
    offers: tuple[str, ...] = ()
    if isinstance(t, DistType):
        kind, what, offers = "distribution", n.op[5:], capabilities(t, n)
    elif n.op in ("latent", "observe"):
        d = graph.nodes[n.args[0]]
        what = d.op[5:]
        if isinstance(d.type, DistType):
            offers = capabilities(d.type, d)
            dims, event = (*dims, *d.type.joint), event[len(d.type.joint) :]
    words = support_words(graph.nodes, t.support, graph.plate)
    return Row(n.name or f"%{i}", kind, what, dims, event, str(t.dtype), words, offers, n.name is not None)
