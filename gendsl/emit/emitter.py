"""Graph to source: the program's four functions.

- `model(data)`: the PPL model, right under any batch axes on the left.
- `log_density(u, data)`: the log-density of the unconstrained latents u, one point at a time.
- `constrain(u, data)`: every named value.
- `unconstrain(values, data)`: the inverse, for the sampled latents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gendsl.emit.control import emit_value_or_prob
from gendsl.emit.dialect import Dialect
from gendsl.emit.dists import constraint_code, emit_dist
from gendsl.emit.layout import Layout, assign_slots, unconstrained_event
from gendsl.emit.scope import Module, Scope
from gendsl.emit.text import wrap
from gendsl.emit.values import Val
from gendsl.graph.constraints import Interval
from gendsl.graph.node import Array, Graph, Node
from gendsl.graph.types import ArrayType, DistType, DType, Size

__all__ = ["Emitted", "Site", "emit"]


@dataclass(frozen=True)
class Site:
    """A sampled latent.

    Attributes:
        name: its name.
        layout: the layout of its value.
        unconstrained: event shape of its unconstrained form.
        type: the type of its prior.
    """

    name: str
    layout: Layout
    unconstrained: tuple[Size, ...]
    type: DistType

    def unconstrained_shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape of its unconstrained form in the program's layout."""
        return replace(self.layout, event=self.unconstrained).shape(sizes)


@dataclass(frozen=True)
class Emitted:
    """A program as text, with its layout.

    Attributes:
        source: the text.
        sites: the sampled latents.
        inputs: data that the program takes.
        outputs: what `constrain` returns, for the user: declared latents and recorded values.
        constants: larger arrays of the model, which travel with the data.
        sizes: plates whose length travels with the data.
        casts: data that are given as floats although they count.
        slots: plate -> slot.
        adaptive: whether it holds a solver that chooses its own steps.
    """

    source: str
    sites: tuple[Site, ...]
    inputs: tuple[Layout, ...]
    outputs: tuple[Layout, ...]
    constants: dict[str, Array]
    sizes: tuple[str, ...]
    casts: frozenset[str]
    slots: dict[str, int] = field(default_factory=dict)
    adaptive: bool = False


def emit(graph: Graph, dialect: Dialect, precision: str) -> Emitted:
    """The program of a graph.

    Raises:
        CompileError: if the dialect cannot spell a node.
    """
    return _Emitter(graph, dialect, precision).run()


class _Emitter:
    def __init__(self, graph: Graph, dialect: Dialect, precision: str) -> None:
        self.graph, self.dialect = graph, dialect
        self.module = Module(dialect, assign_slots(graph), precision)
        self.size_args: dict[str, None] = {}
        self.casts = frozenset(self._float_counts())
        self.params = [str(n.name) for _, n in graph.of("param")]
        self.observed_only = self._observed_only()

    # -- facts ------------------------------------------------------------------------------------------------------
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
            users = self.graph.users[i]
            if (
                n.attr["derived"] is None
                and users
                and all(
                    self.graph.nodes[k].op == "observe" and self.graph.nodes[k].args[1] == i for k in users
                )
            ):
                out.add(i)
        return out

    def layout(self, name: str, t: ArrayType, joint: tuple[str, ...] = ()) -> Layout:
        return Layout(name, t.dims, tuple(self.module.slots[d] for d in t.dims), t.event, joint)

    def laid(self, layout: Layout, code: str, batched: bool) -> Val:
        return Val(code, rank=len(layout.event), slots=layout.depth, batched=batched)

    # -- the program ------------------------------------------------------------------------------------------------
    def run(self) -> Emitted:
        sites = []
        for _, n in self.graph.of("latent"):
            t, d = n.type, self.graph.nodes[n.args[0]].type
            if not isinstance(t, ArrayType) or not isinstance(d, DistType):
                raise TypeError("a latent is a draw of a distribution")
            sites.append(Site(str(n.name), self.layout(str(n.name), t, d.joint), unconstrained_event(d), d))
        model = self._model()
        density = self._density()
        constrain, outputs = self._constrain()
        unconstrain = self._unconstrain()
        inputs = []
        for _, n in self.graph.of("data"):
            if isinstance(n.type, ArrayType):
                inputs.append(self.layout(str(n.name), n.type))
        body = [*self._header(), "", ""]
        for block in (model, density, constrain, unconstrain):
            for line in block:
                body += wrap(line)
            body += ["", ""]
        return Emitted(
            "\n".join(body).rstrip() + "\n",
            tuple(sites),
            tuple(inputs),
            tuple(outputs),
            dict(self.module.constants),
            tuple(self.size_args),
            self.casts,
            dict(self.module.slots),
            bool(self.graph.of("odeint")),
        )

    def _header(self) -> list[str]:
        lines = [
            f'"""Program {self.graph.name} for {self.dialect.name}, {self.module.precision}; written by gendsl."""',
            "",
        ]
        statements = [*self.dialect.header, *self.module.imports]
        future = [s for s in statements if s.startswith("import ")]
        froms = [s for s in statements if s.startswith("from ")]
        ours = [s for s in froms if s.startswith("from gendsl")]
        lines += sorted(set(future)) + sorted(set(froms) - set(ours))
        lines += ["", *sorted(set(ours))] if ours else []
        for name in self.module.helpers:
            dtype = self.module.dtype("float")
            lines += ["", "", *self.dialect.snippets[name].replace("{float}", dtype).strip("\n").splitlines()]
        return lines

    # -- functions --------------------------------------------------------------------------------------------------
    def _scope(self, roots: list[int], batched: bool) -> tuple[Scope, list[int]]:
        """A scope, and the nodes it needs in order; uses are counted through distributions."""
        needed = set(roots)
        for i in range(len(self.graph.nodes) - 1, -1, -1):
            if i in needed:
                needed.update(self.graph.nodes[i].args)
        order = sorted(needed)
        uses: dict[int, int] = dict.fromkeys(order, 0)
        for i in reversed(order):
            n = self.graph.nodes[i]
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
            if (
                v is None
                or i in self.observed_only
                or not isinstance(n.type, ArrayType)
                or plate not in n.type.dims
            ):
                continue
            return f"{v.code}.shape[{self.module.slots[plate] - n.type.rank}]"
        self.size_args[plate] = None
        return f'data["{plate}"]'

    def _arguments(self) -> str:
        return "data, params" if self.params else "data"

    def _inputs(self, scope: Scope, order: list[int], optional: bool) -> None:
        """Read data and parameters into variables."""
        for i in order:
            n = self.graph.nodes[i]
            if n.op == "data" and isinstance(n.type, ArrayType):
                name = scope.name(str(n.name))
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

    # -- model ------------------------------------------------------------------------------------------------------
    def _model(self) -> list[str]:
        roots = [i for i, _ in self.graph.of("latent", "observe", "factor", "let")]
        scope, order = self._scope(roots, True)
        plates = {p.name: scope.name(p.name) for p in self.graph.plates}
        ppl = self.dialect.ppl
        head = [f"def model({self._arguments()}):", *self._docstring()]
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
                code = emit_dist(scope, n.args[0]).code
                if len(n.args) > 2:
                    code += f".mask({scope.vals[n.args[2]].code})"
                value = self._observed(scope, n)
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
            else:
                self._value(scope, i)
        return [*head, *scope.lines]

    def _plates(self, scope: Scope, names: dict[str, str]) -> None:
        used: dict[str, None] = {}
        for _, n in self.graph.of("latent", "observe", "factor"):
            if isinstance(n.type, ArrayType):
                used.update(dict.fromkeys(n.type.dims))
        for plate in used:
            size = scope.size(plate)
            scope.line(
                f'{names[plate]} = {self.dialect.ppl}.plate("{plate}", {size}, dim={self.module.slots[plate]})'
            )

    def _observed(self, scope: Scope, n: Node) -> Val:
        d, v = self.graph.nodes[n.args[0]], self.graph.nodes[n.args[1]]
        value = scope.vals[n.args[1]]
        if (
            self._float_family(d)
            and str(v.name) not in self.casts
            and scope.type(n.args[1]).dtype is not DType.FLOAT
        ):
            return value.with_(scope.op("to_float", value, float=self.module.dtype("float")))
        return value

    def _docstring(self) -> list[str]:
        rows = [f'    """Joint distribution of {self.graph.name}.', ""]
        data = [n for _, n in self.graph.of("data") if isinstance(n.type, ArrayType)]
        if data or self.size_args:
            rows.append("    data:")
        for n in data:
            rows.append(f"        {n.name}: {self._words(n)}")
        rows += [f"    params: {', '.join(self.params)}"] if self.params else []
        rows.append("    latents:")
        for _, n in self.graph.of("latent"):
            rows.append(f"        {n.name}: {self._words(n)}")
        return [*rows, '    """']

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

    # -- density ----------------------------------------------------------------------------------------------------
    def _density(self) -> list[str]:
        roots = [i for i, _ in self.graph.of("latent", "observe", "factor")]
        scope, order = self._scope(roots, False)
        head = [
            f"def log_density(u, {self._arguments()}):",
            '    """Log-density of the unconstrained latents u, log-determinants of the transforms included."""',
        ]
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
                mask = scope.vals[n.args[2]] if len(n.args) > 2 else None
                terms.append(self._term(scope, n.args[0], self._observed(scope, n), mask))
                scope.vals[i] = scope.vals[n.args[1]]
            elif n.op == "factor":
                v = scope.array(scope.vals[n.args[0]])
                terms.append(f"{v.p}.sum()" if v.slots else v.at(11))
                scope.vals[i] = v
            elif n.op == "let":
                scope.vals[i] = scope.assign(scope.vals[n.args[0]], scope.name(str(n.name)))
            else:
                self._value(scope, i)
        self._total(scope, terms)
        return [*head, *scope.lines]

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

    def _term(self, scope: Scope, dist: int, value: Val, mask: Val | None) -> str:
        """The summed log-probability of a draw."""
        t = scope.nodes[dist].type
        if not isinstance(t, DistType):
            raise TypeError("a draw has a distribution")
        bare = mask is None
        d = emit_dist(scope, dist, bare=bare, checked=False)
        code = d.code if mask is None else f"{d.code}.mask({mask.code})"
        scalar = not (d.slots or value.slots) and (t.rank == t.family_rank or not bare)
        return f"{code}.log_prob({scope.array(value).code})" + ("" if scalar else ".sum()")

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

    # -- constrain and unconstrain ----------------------------------------------------------------------------------
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
