"""Emission of the functions of unconstrained latents, for one point at a time.

- `log_density(u, data)`: log-probabilities plus log-determinants of the transforms.
- `constrain(u, data)`: every named value.
- `unconstrain(values, data)`: the inverse, for the sampled latents.
"""

from __future__ import annotations

from gendsl.emit.common import Common
from gendsl.emit.dists import constraint_code, emit_dist, log_prob, masked
from gendsl.emit.layout import Layout, unconstrained_event
from gendsl.emit.scope import Scope
from gendsl.emit.values import Val, number
from gendsl.graph.constraints import Interval
from gendsl.graph.inside import must_check
from gendsl.graph.node import Node
from gendsl.graph.show.expressions import Writer
from gendsl.graph.types import ArrayType, DistType, DType

__all__ = ["DensityFunctions"]


class DensityFunctions(Common):
    """Emits `log_density`, `constrain` and `unconstrain`."""

    def _density(self) -> list[str]:
        roots = [i for i, _ in self.graph.of("latent", "observe", "factor")]
        scope, order = self._scope(roots, False)
        head = [f"def log_density(u, {self._arguments()}):", *self._density_words()]
        self._inputs(scope, order, optional=False)
        terms: list[str] = []
        for i in order:
            n = self.graph.nodes[i]
            if i in scope.vals or isinstance(n.type, DistType):
                continue
            if n.op == "latent" and isinstance(n.type, ArrayType):
                jacobian = self._latent(scope, i, n)
                prior = self.graph.nodes[n.args[0]]
                if prior.op != "dist.ImproperUniform":
                    terms.append(self._term(scope, n.args[0], scope.vals[i], None))
                if jacobian is not None:
                    terms.append(jacobian)
            elif n.op == "observe":
                mask = n.args[2] if len(n.args) > 2 else None
                if must_check(self.graph, n.args[0], n.args[1]):
                    terms.append(self._checked_term(scope, n.args[0], n.args[1], mask))
                else:
                    terms.append(self._term(scope, n.args[0], self._observed(scope, n), mask))
                scope.vals[i] = scope.vals[n.args[1]]
            elif n.op == "factor":
                v = scope.array(scope.vals[n.args[0]])
                terms.append(f"{v.p}.sum()" if v.slots else v.at(11))
                scope.vals[i] = v
            elif n.op == "let":
                scope.vals[i] = scope.assign(scope.array(scope.vals[n.args[0]]), scope.name(str(n.name)))
            else:
                self._value(scope, i)
        self._total(scope, terms)
        return [*head, *scope.lines]

    def statistics(self) -> list[Layout]:
        """The layouts of what is computed from the data once."""
        nodes = self.graph.of("precomputed")
        return [self.layout(str(n.name), n.type) for _, n in nodes if isinstance(n.type, ArrayType)]

    def _density_words(self) -> list[str]:
        """The docstring: what it is, and how the statistics of the data are computed."""
        first = "Log-density of the unconstrained latents u, log-determinants of the transforms included."
        nodes = self.graph.of("precomputed")
        if not nodes:
            return [f'    """{first}"""']
        texts = Writer(self.graph.nodes, self.graph.plate, limit=200).texts
        rows = [f'    """{first}', "", "    data also hold statistics of the rows, which are computed once:"]
        rows += [f"        {n.name}: {self._words(n)} = {texts[n.args[0]].text}" for _, n in nodes]
        if self.graph.of("triangle"):
            rows += ["    triangle(a, dims) is the R of the QR factorisation of the matrix with a row a along dims:"]
            rows += ['        numpy.linalg.qr(a, mode="r").']
        return [*rows, '    """']

    def _total(self, scope: Scope, terms: list[str]) -> None:
        if not terms:
            scope.line(f"return {scope.spell('real', Val('0.0'))}")
        elif len(terms) <= 24:
            if len(terms) == 1:
                scope.line(f"return {terms[0]}")
                return
            scope.line("return (")
            for k, t in enumerate(terms):
                scope.line(f"    {'+ ' if k else ''}{t}")
            scope.line(")")
        else:
            for k, t in enumerate(terms):
                scope.line(f"lp = {'lp + ' if k else ''}{t}")
            scope.line("return lp")

    def _term(self, scope: Scope, dist: int, value: Val, mask: int | None) -> str:
        """The summed log-probability of a draw."""
        t = scope.nodes[dist].type
        if not isinstance(t, DistType):
            raise TypeError("a draw has a distribution")
        bare = mask is None
        d = emit_dist(scope, dist, bare=bare, checked=False)
        code = d.code if mask is None else masked(scope, d.code, mask, t, d.batched)
        slots = max(d.slots, value.slots, scope.vals[mask].slots if mask is not None else 0)
        independent = t.rank > t.family_rank or (scope.nodes[dist].op == "dist.MixtureOf" and t.rank > 0)
        scalar = not slots and not (bare and independent)
        return f"{code}.log_prob({scope.array(value).code})" + ("" if scalar else ".sum()")

    def _checked_term(self, scope: Scope, dist: int, value: int, mask: int | None) -> str:
        """The summed log-probability of a value that may lie outside the support."""
        out = log_prob(scope, dist, value)
        if mask is not None:
            where = scope.vals[mask]
            code = scope.op("where", scope.array(where, DType.BOOL), out, number(0.0))
            out = out.with_(code, slots=max(out.slots, where.slots))
        return f"{out.p}.sum()" if out.slots else out.at(11)

    def _latent(self, scope: Scope, i: int, n: Node) -> str | None:
        """Emit the constrained value; return the log-determinant's source."""
        t = n.type
        d = self.graph.nodes[n.args[0]].type
        if not isinstance(t, ArrayType) or not isinstance(d, DistType):
            raise TypeError("a latent is a draw")
        layout = self.layout(str(n.name), t)
        name = scope.name(str(n.name))
        raw = f'u["{n.name}"]'
        free = Val(raw, rank=len(unconstrained_event(d)), slots=layout.depth)
        summed = ".sum()" if layout.depth or free.rank else ""
        jacobian: str | None = None
        s = d.support
        if isinstance(s, Interval) and s.lower is None and s.upper is None:
            scope.line(f"{name} = {raw}")
        elif isinstance(s, Interval) and (s.lower is None or s.upper is None):
            code = scope.op("exp", free)
            if s.upper is None and s.lower != 0.0:
                code = f"{s.lower!r} + {code}"
            elif s.upper is not None:
                code = f"{s.upper!r} - {code}"
            scope.line(f"{name} = {code}")
            jacobian = raw + summed
        else:
            transform = scope.name(f"to_{n.name}")
            self.module.need("biject_to")
            self.module.need("constraints")
            scope.line(f"{transform} = biject_to({constraint_code(scope, s)})")
            scope.line(f"{name} = {transform}({raw})")
            jacobian = f"{transform}.log_abs_det_jacobian({raw}, {name}).sum()"
        scope.vals[i] = self.laid(layout, name, False)
        return jacobian

    def _constrain(self) -> tuple[list[str], list[Layout]]:
        roots = [i for i, _ in self.graph.of("latent", "let")]
        scope, order = self._scope(roots, False)
        head = [
            f"def constrain(u, {self._arguments()}):",
            '    """Every named value at the unconstrained latents u."""',
        ]
        self._inputs(scope, order, optional=False)
        outputs, pairs = [], []
        for i in order:
            n = self.graph.nodes[i]
            if i in scope.vals or isinstance(n.type, DistType):
                continue
            if n.op == "latent" and isinstance(n.type, ArrayType):
                self._latent(scope, i, n)
                d = self.graph.nodes[n.args[0]].type
                joint = d.joint if isinstance(d, DistType) else ()
                outputs.append(self.layout(str(n.name), n.type, joint))
                pairs.append(f'"{n.name}": {scope.vals[i].code}')
            elif n.op == "let" and isinstance(n.type, ArrayType):
                v = scope.assign(scope.array(scope.vals[n.args[0]]), scope.name(str(n.name)))
                scope.vals[i] = v
                outputs.append(self.layout(str(n.name), n.type))
                pairs.append(f'"{n.name}": {v.code}')
            else:
                self._value(scope, i)
        scope.line("return {")
        for p in pairs:
            scope.line(f"    {p},")
        scope.line("}")
        return [*head, *scope.lines], outputs

    def _unconstrain(self) -> list[str]:
        scope = Scope(self.module, self.graph.nodes, False, lambda plate: plate)
        scope.line('"""The unconstrained latents of the values of the sampled latents."""')
        scope.line("return {")
        for _, n in self.graph.of("latent"):
            d = self.graph.nodes[n.args[0]].type
            if not isinstance(d, DistType):
                raise TypeError("a latent is a draw")
            raw, s = Val(f'values["{n.name}"]'), d.support
            if isinstance(s, Interval) and s.lower is None and s.upper is None:
                code = raw.code
            elif isinstance(s, Interval) and (s.lower is None or s.upper is None):
                inside = (
                    raw.code
                    if s.lower == 0.0
                    else f"{raw.code} - {s.lower!r}"
                    if s.upper is None
                    else f"{s.upper!r} - {raw.code}"
                )
                code = scope.op("log", Val(inside))
            else:
                self.module.need("biject_to")
                self.module.need("constraints")
                code = f"biject_to({constraint_code(scope, s)}).inv({raw.code})"
            scope.line(f'    "{n.name}": {code},')
        scope.line("}")
        return [f"def unconstrain(values, {self._arguments()}):", *scope.lines]
