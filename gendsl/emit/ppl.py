"""Emission of the PPL model: `model(data)`, right under any batch axes on the left."""

from __future__ import annotations

from gendsl.emit.arrays import emit_value
from gendsl.emit.common import Common
from gendsl.emit.dists import emit_dist, masked
from gendsl.emit.networks import parameter_words
from gendsl.emit.scope import Scope
from gendsl.emit.values import Val
from gendsl.graph.types import ArrayType, DistType

__all__ = ["PplModel"]


class PplModel(Common):
    """Emits `model`."""

    def _model(self) -> list[str]:
        """Its body; the docstring is written when all functions are, and what they need is known."""
        roots = [i for i, _ in self.graph.of("latent", "observe", "factor", "let")]
        scope, order = self._scope(roots, True)
        plates = {p.name: scope.name(p.name) for p in self.graph.plates}
        ppl = self.dialect.ppl
        self._inputs(scope, order, optional=True)
        block = _Blocks(scope, plates)
        self._plates(scope, plates)
        for i in order:
            n = self.graph.nodes[i]
            if i in scope.vals or isinstance(n.type, DistType):
                continue
            if n.op == "latent" and isinstance(n.type, ArrayType):
                d = emit_dist(scope, n.args[0])
                name = scope.name(str(n.name))
                block.add(n.type.dims, f'{name} = {ppl}.sample("{n.name}", {d.code})')
                scope.vals[i] = self.laid(self.layout(str(n.name), n.type), name, True)
            elif n.op == "observe" and isinstance(n.type, ArrayType):
                d = emit_dist(scope, n.args[0])
                code, t = d.code, self.graph.nodes[n.args[0]].type
                if len(n.args) > 2 and isinstance(t, DistType):
                    code = masked(scope, code, n.args[2], t, d.batched)
                value = self._or_none(scope, n.args[1], self._observed(scope, n))
                block.add(n.type.dims, f'{ppl}.sample("{n.name}", {code}, obs={value.code})')
                scope.vals[i] = scope.vals[n.args[1]]
            elif n.op == "factor" and isinstance(n.type, ArrayType):
                v = scope.array(scope.vals[n.args[0]])
                block.add(n.type.dims, f'{ppl}.factor("{n.name}", {v.code})')
                scope.vals[i] = v
            elif n.op == "let":
                v = scope.array(scope.vals[n.args[0]])
                name = scope.name(str(n.name))
                scope.line(f'{name} = {ppl}.deterministic("{n.name}", {v.code})')
                scope.vals[i] = v.with_(name)
            elif n.op == "to_event" and self._left_out(i) is not None:
                v = self._or_none(scope, i, emit_value(scope, i))
                scope.vals[i] = scope.assign(v, scope.temporary())
            else:
                self._value(scope, i)
        return scope.lines

    def _or_none(self, scope: Scope, i: int, v: Val) -> Val:
        """An observed value; None where it is left out of the data, to predict."""
        while self.graph.nodes[i].op == "to_event":
            i = self.graph.nodes[i].args[0]
        if i not in self.observed_only or v.is_name:
            return v
        return v.with_(f"None if {scope.vals[i].code} is None else {v.code}", prec=0)

    def _plates(self, scope: Scope, names: dict[str, str]) -> None:
        used: dict[str, None] = {}
        for _, n in self.graph.of("latent", "observe", "factor"):
            if isinstance(n.type, ArrayType):
                used.update(dict.fromkeys(n.type.dims))
        for plate in used:
            size = scope.size(plate)
            scope.line(f'{names[plate]} = {self.dialect.ppl}.plate("{plate}", {size}, dim={self.module.slots[plate]})')

    def _docstring(self) -> list[str]:
        rows = [f'    """Joint distribution of {self.graph.name}.', ""]
        data = [n for _, n in self.graph.of("data") if isinstance(n.type, ArrayType)]
        if data or self.size_args:
            rows.append("    data:")
        for n in data:
            rows.append(f"        {n.name}: {self._words(n)}")
        rows += [f"        {plate}: int, the length of the plate" for plate in self.size_args]
        rows += self._parameters()
        rows.append("    latents:")
        for _, n in self.graph.of("latent"):
            rows.append(f"        {n.name}: {self._words(n)}")
        return [*rows, '    """']

    def _parameters(self) -> list[str]:
        if not self.module.networks:
            return [f"    params: {', '.join(self.params)}"] if self.params else []
        own = [f"{n.name}: {self._words(n)}" for _, n in self.graph.of("param")]
        return ["    params:", *(f"        {words}" for words in (*own, *parameter_words(self.module.networks)))]


class _Blocks:
    """Statements inside plates; neighbours over the same plates share one `with`."""

    def __init__(self, scope: Scope, names: dict[str, str]) -> None:
        self.scope, self.names = scope, names
        self.open: tuple[tuple[str, ...], int] | None = None

    def add(self, dims: tuple[str, ...], statement: str) -> None:
        scope = self.scope
        if not dims:
            scope.line(statement)
            return
        if self.open != (dims, len(scope.lines)):
            scope.line(f"with {', '.join(self.names[d] for d in dims)}:")
        scope.line(f"    {statement}")
        self.open = (dims, len(scope.lines))
