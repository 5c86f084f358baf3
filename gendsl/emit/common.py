"""What the emission of every function of a program shares: facts of the graph, layouts, reading the inputs."""

from __future__ import annotations

from gendsl.emit.control import emit_value_or_prob
from gendsl.emit.dists import emit_dist
from gendsl.emit.layout import Layout
from gendsl.emit.scope import Module, Scope
from gendsl.emit.values import Val
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DistType, DType

__all__ = ["Common"]


class Common:
    """A graph under emission.

    Attributes:
        graph: the graph.
        dialect: the backend's spelling.
        module: what the functions of the program share.
        size_args: plates whose length is given with the data.
        casts: observations that the engine wants as floats, and that nothing else uses.
        params: names of the parameters without a prior.
        observed_only: data nodes that only an observation reads: absent in prediction.
        reads: names of the data that a function reads (filled as it is emitted).
    """

    def __init__(self, graph: Graph, module: Module, casts: frozenset[str] | None = None) -> None:
        self.graph, self.dialect, self.module = graph, module.dialect, module
        self.size_args: dict[str, None] = {}
        self.reads: dict[str, None] = {}
        self.casts = frozenset(self._float_counts()) if casts is None else casts
        self.params = [str(n.name) for _, n in graph.of("param")]
        self.observed_only = self._observed_only()

    def _float_counts(self) -> list[str]:
        """Observations that the engine wants as floats, and that nothing else uses."""
        out = []
        for _, n in self.graph.of("observe"):
            d, v = self.graph.nodes[n.args[0]], self.graph.nodes[n.args[1]]
            if v.op == "data" and self._float_family(d) and len(self.graph.users[n.args[1]]) == 1:
                out.append(str(v.name))
        return out

    def _float_family(self, d: Node) -> bool:
        """Whether the engine's draws of this distribution are floats although they count."""
        inner = [self.graph.nodes[a] for a in d.args if isinstance(self.graph.nodes[a].type, DistType)]
        if d.op in (
            "dist.Masked",
            "dist.MixtureOf",
            "dist.MixtureGeneral",
            "dist.Markov",
            "dist.HiddenMarkov",
        ):
            return any(self._float_family(i) for i in inner)
        return d.op[5:] in self.dialect.float_draws

    def _observed_only(self) -> set[int]:
        """Data nodes that only an observation reads: absent in prediction."""
        out = set()
        for i, n in self.graph.of("data"):
            if n.attr["derived"] is None and self._only_observed(i):
                out.add(i)
        return out

    def _only_observed(self, i: int) -> bool:
        """Whether a value is read by observations alone; those of a joint distribution read it as event axes."""
        users = [(k, self.graph.nodes[k]) for k in self.graph.users[i]]
        return bool(users) and all(
            (n.op == "observe" and n.args[1] == i) or (n.op == "to_event" and self._only_observed(k)) for k, n in users
        )

    def _left_out(self, i: int) -> str | None:
        """The name of the data that a value is, which are absent in prediction."""
        n = self.graph.nodes[i]
        if n.op == "to_event":
            return self._left_out(n.args[0])
        return n.name if i in self.observed_only else None

    def layout(self, name: str, t: ArrayType, joint: tuple[str, ...] = ()) -> Layout:
        return Layout(name, t.dims, tuple(self.module.slots[d] for d in t.dims), t.event, joint)

    def laid(self, layout: Layout, code: str, batched: bool) -> Val:
        return Val(code, rank=len(layout.event), slots=layout.depth, batched=batched)

    def _scope(self, roots: list[int], batched: bool) -> tuple[Scope, list[int]]:
        """A scope, and the nodes it needs in order; uses are counted through distributions."""
        needed = set(roots)
        for i in range(len(self.graph.nodes) - 1, -1, -1):
            if i in needed and self.graph.nodes[i].op != "precomputed":
                needed.update(self.graph.nodes[i].args)
        order = sorted(needed)
        uses: dict[int, int] = dict.fromkeys(order, 0)
        for i in reversed(order):
            n = self.graph.nodes[i]
            if n.op == "precomputed":
                continue
            weight = max(1, uses[i]) if isinstance(n.type, DistType) else 1
            for a in n.args:
                uses[a] += weight
        scope = Scope(self.module, self.graph.nodes, batched, lambda plate: self._size(plate, scope))
        scope.uses = uses
        return scope, order

    def _size(self, plate: str, scope: Scope) -> str:
        p = self.graph.plate[plate]
        if p.base is not None:
            gap = p.start + p.stop
            return self._size(p.base, scope) + (f" - {gap}" if gap else "")
        if p.size is not None:
            return str(p.size)
        for i, n in self.graph.of("data"):
            v = scope.vals.get(i)
            if v is None or i in self.observed_only or not isinstance(n.type, ArrayType) or plate not in n.type.dims:
                continue
            return f"{v.code}.shape[{self.module.slots[plate] - n.type.rank}]"
        self.size_args[plate] = self.reads[plate] = None
        return f'data["{plate}"]'

    def _arguments(self) -> str:
        return "data, params" if self.params or self.module.networks else "data"

    def _inputs(self, scope: Scope, order: list[int], optional: bool) -> None:
        """Read data and parameters into variables."""
        for i in order:
            n = self.graph.nodes[i]
            if n.op in ("data", "precomputed") and isinstance(n.type, ArrayType):
                name = scope.name(str(n.name))
                self.reads[str(n.name)] = None
                get = f'data.get("{n.name}")' if optional and i in self.observed_only else f'data["{n.name}"]'
                scope.line(f"{name} = {get}")
                scope.vals[i] = self.laid(self.layout(str(n.name), n.type), name, False)
            elif n.op == "param" and isinstance(n.type, ArrayType):
                name = scope.name(str(n.name))
                scope.line(f'{name} = params["{n.name}"]')
                scope.vals[i] = self.laid(self.layout(str(n.name), n.type), name, False)

    def _value(self, scope: Scope, i: int) -> None:
        """Emit a deterministic node: in place, or under a name where it is used twice or long."""
        n = self.graph.nodes[i]
        v = emit_value_or_prob(scope, i, emit_dist)
        if (scope.uses[i] > 1 and n.op != "const") or v.long:
            v = scope.assign(v)
        scope.vals[i] = v

    def _observed(self, scope: Scope, n: Node) -> Val:
        d, v = self.graph.nodes[n.args[0]], self.graph.nodes[n.args[1]]
        value = scope.vals[n.args[1]]
        if self._float_family(d) and str(v.name) not in self.casts and scope.type(n.args[1]).dtype is not DType.FLOAT:
            return value.with_(scope.op("to_float", value, float=self.module.dtype("float")))
        return value

    def _words(self, n: Node) -> str:
        t = n.type
        if not isinstance(t, ArrayType):
            raise TypeError("a site is a value")
        layout = self.layout(str(n.name), t)
        axes: list[str] = ["1"] * layout.depth
        for d, s in zip(layout.dims, layout.slots, strict=True):
            axes[s] = d
        shape = ", ".join([*axes, *map(str, t.event)])
        note = (
            "; may be left out, to predict"
            if n.op == "data" and self.graph.inputs[str(n.name)] in self.observed_only
            else ""
        )
        kind = "float" if str(n.name) in self.casts else str(t.dtype)
        return f"{kind} [{shape}]{note}" if shape else f"{kind}{note}"
