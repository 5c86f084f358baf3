"""Emission of distributions.

A distribution over event axes is emitted with its independent axes as batch axes, then `.to_event(k)`; a bare one
(inside a mixture, or where only a summed log-probability is wanted) without.
"""

from __future__ import annotations

from dataclasses import dataclass

from gendsl.densities import Density
from gendsl.emit.dialect import DistSpelling
from gendsl.emit.inside import as_drawn, guard
from gendsl.emit.scope import Scope
from gendsl.emit.values import Val, number
from gendsl.graph.constraints import Constraint, Counts, Integers, Interval, implies, simplex
from gendsl.graph.families import FAMILIES, Family
from gendsl.graph.node import Node, Subgraph
from gendsl.graph.types import ArrayType, DistType

__all__ = ["Dist", "emit_dist", "log_prob", "masked"]


@dataclass(frozen=True)
class Dist:
    """An emitted distribution: its code, the slots its parameters have, and whether they may be batched."""

    code: str
    slots: int
    batched: bool


def emit_dist(
    scope: Scope, i: int, *, bare: bool = False, axes: int | None = None, checked: bool = True, full: bool = False
) -> Dist:
    """The code of a distribution node.

    Args:
        scope: the function it stands in; the values it needs are emitted.
        i: the node.
        bare: leave independent axes as batch axes.
        axes: how many independent axes the batch must have (those it lacks are inserted); default its own.
        checked: whether the engine validates its parameters.
        full: give a bare one all its independent axes (else those that `.expand` made are left to broadcasting).
    """
    n = scope.nodes[i]
    t = n.type
    if not isinstance(t, DistType):
        raise TypeError("not a distribution")
    return _Emission(scope, n, t, bare, axes, checked, full).run()


_PLAIN = ((None, None), (0.0, None), (0.0, 1.0))  # supports that are the same for every element


def masked(scope: Scope, code: str, mask: int, t: DistType, batched: bool) -> str:
    """A distribution that counts only where the mask holds.

    The engines' own do where values lie inside the support anyway: missing ones are filled before. What the user masks
    may lie outside.
    """
    s, n = t.support, scope.nodes[mask]
    filled = n.op == "data" and n.attr["derived"] is not None
    whole = isinstance(s, Interval) and s.lower is None and s.upper is None
    bounded = isinstance(s, Interval | Integers) and (s.lower, s.upper) not in _PLAIN
    if not whole and not filled or s.dynamic or isinstance(s, Counts) or batched and bounded:
        return f"{scope.module.need('Masked')}({code}, {scope.vals[mask].code})"
    return f"{code}.mask({scope.vals[mask].code})"


def log_prob(scope: Scope, i: int, at: int) -> Val:
    """log p(value), one number for each element of the dims; -inf where the value lies outside the support.

    Args:
        scope: the function being emitted.
        i: the distribution's node.
        at: the value's node.
    """
    n, t = scope.nodes[i], scope.nodes[i].type
    if not isinstance(t, DistType):
        raise TypeError("not a distribution")
    flat = n.op == "dist.ImproperUniform"  # its density is 1, which no engine needs to say
    d = Dist("", 0, False) if flat else emit_dist(scope, i, checked=False)
    value = as_drawn(scope, i, at)
    slots, batched = max(d.slots, value.slots), d.batched or value.batched
    checked = guard(scope, t.support, scope.type(at), value)
    if checked is None and flat:
        for _ in range(value.rank):
            value = value.with_(f"{value.p}[..., 0]", rank=value.rank - 1)
        return value.with_(scope.spell("zeros_like", value))
    if checked is None:
        return Val(f"{d.code}.log_prob({value.code})", 100, 0, slots, batched)
    x, inside, inner = checked[0], scope.assign(checked[1]), checked[2]
    safe = scope.op("where", inside, x, inner)
    for _ in range(x.rank):
        inside = inside.with_(scope.op("all", inside, axis=-1), rank=inside.rank - 1)
    code = scope.array(number(0.0)).code if flat else f"{d.code}.log_prob({safe})"
    out = Val(code, 100, 0, max(slots, inside.slots), batched or inside.batched)
    out = out.with_(scope.op("where", inside, out, number(float("-inf"))))
    while n.op == "dist.Masked":  # outside the support too, what is masked does not count
        mask, n = scope.vals[n.args[1]], scope.nodes[n.args[0]]
        if not mask.number:
            out = out.with_(scope.op("where", mask, out, number(0.0)), slots=max(out.slots, mask.slots))
        elif mask.code == "False":
            return scope.array(number(0.0))
    return out


class _Emission:
    def __init__(
        self, scope: Scope, n: Node, t: DistType, bare: bool, axes: int | None, checked: bool, full: bool
    ) -> None:
        self.scope, self.n, self.t, self.bare, self.checked, self.full = scope, n, t, bare, checked, full
        self.family: Family = FAMILIES[n.op[5:]]
        self.spelling: DistSpelling = scope.module.dialect.distributions.get(self.family.name, DistSpelling())
        self.own = t.rank - t.family_rank
        self.axes = self.own if axes is None else axes
        self.args = dict(zip(n.attr["params"], n.args, strict=False))
        self.static = dict(n.attr["static"])
        self.slots, self.batched = 0, False

    def run(self) -> Dist:
        if isinstance(self.static.get("spec"), Density):
            return Dist(self._learned(), self.slots, self.batched)
        special = getattr(self, f"_{self.family.name}", None)
        code = special() if special is not None else self._ordinary()
        return Dist(code, self.slots, self.batched)

    # -- parameters -------------------------------------------------------------------------------------------------
    def value(self, name: str, axes: int | None = None) -> Val:
        """A parameter, aligned so that its batch has the independent axes."""
        rank = self.family.parameter(name).rank
        node = self.args[name]
        counts = self.family.parameter(name).integer and name not in self.spelling.floats
        v = self.scope.vals[node] if counts else self.scope.floats(node)
        if self.family.parameter(name).constraint == simplex and not self.scope.module.dialect.normalises:
            v = self._normalised(node, v)
        v = v.aligned((self.axes if axes is None else axes) + rank)
        self.slots, self.batched = max(self.slots, v.slots), self.batched or v.batched
        return v

    def _normalised(self, node: int, v: Val) -> Val:
        """Probabilities that may not sum to 1, divided by their sum."""
        if self.scope.nodes[node].op == "const" or implies(self.scope.type(node).support, simplex):
            return v
        v = self.scope.assign(v)
        return v.with_(f"{v.p} / {self.scope.op('sum_keep', v, axis=-1)}", prec=11)

    def inner(self, name: str, *, bare: bool, axes: int | None = None, full: bool = False) -> str:
        """A distribution parameter."""
        d = emit_dist(self.scope, self.args[name], bare=bare, axes=axes, checked=self.checked, full=full)
        self.slots, self.batched = max(self.slots, d.slots), self.batched or d.batched
        return d.code

    def parameter(self, name: str) -> DistType:
        """The type of a distribution parameter."""
        t = self.scope.nodes[self.args[name]].type
        if not isinstance(t, DistType):
            raise TypeError("not a distribution")
        return t

    def independent(self, name: str) -> int:
        """Independent axes of a distribution parameter."""
        t = self.parameter(name)
        return t.rank - t.family_rank

    def call(self, name: str, positional: list[str], keywords: dict[str, str]) -> str:
        """The constructor call, with its imports."""
        self.scope.module.need(name)
        for statement in self.spelling.imports:
            self.scope.module.imports[statement] = None
        parts = [*positional, *(f"{k}={v}" for k, v in keywords.items()), *self.spelling.extra]
        if not self.checked:
            parts.append("validate_args=False")
        return f"{name}({', '.join(parts)})"

    def shaped(self, code: str, more: int = 0) -> str:
        """Expanded to the event, and its independent axes declared as event.

        Args:
            code: the distribution, with its independent axes as batch axes.
            more: independent axes that count as the family's own (those of a mixture's components).
        """
        own = self.own + more
        if self.n.attr["expand"] and (self.full or not self.bare):
            sizes = self.t.event[:own]
            if self.batched or self.slots:
                base = self.scope.assign(Val(code))
                shape = f"{base.code}.batch_shape[:{-own}] + {self.scope.sizes(sizes)}"
                code = f"{base.code}.expand({shape})"
            else:
                code = f"{code}.expand({self.scope.sizes(sizes)})"
        return code if self.bare or not own else f"{code}.to_event({own})"

    # -- families ---------------------------------------------------------------------------------------------------
    def _ordinary(self) -> str:
        spelling = self.spelling
        given = [p for p in self.family.params if p.name in self.args or p.name in self.static]
        vals: dict[str, Val] = {}
        for p in given:
            if p.kind == "value":
                v = self.value(p.name)
                vals[p.name] = self.scope.array(v) if p.name in spelling.arrays else v
        self._wrap_numbers(vals)
        if spelling.location is not None:
            vals[spelling.location] = self._with_batch(vals, spelling.location)
        names = [p.name for p in given]
        if spelling.order is not None:
            names = [x for x in spelling.order if x in names]
        positional: list[str] = []
        keywords: dict[str, str] = {}
        for name in names:
            p = self.family.parameter(name)
            if p.kind == "dist":
                axes = self.axes if p.elementwise else None
                code = self.inner(name, bare=p.elementwise, axes=axes, full=self.full or not self.bare)
            else:
                code = vals[name].code if name in vals else repr(self.static[name])
            keyword = spelling.rename.get(name)
            if keyword == "":  # positional although a keyword stood before
                positional.append(code)
            elif (
                keyword is not None
                or p.group is not None
                or spelling.keywords
                or keywords
                or not p.required
                and p.default is None
            ):
                keywords[keyword or name] = code
            else:
                positional.append(code)
        call = self.call(spelling.call or f"dist.{self.family.name}", positional, keywords)
        return self.shaped(call)

    def _with_batch(self, vals: dict[str, Val], location: str) -> Val:
        """The location with the batch axes of a matrix that may have axes on the left, or that the value lacks."""
        loc = vals[location]
        for name, matrix in vals.items():
            wide = matrix.batched or (self.full and (matrix.spread or matrix.rank > 2))
            if self.family.parameter(name).rank == 2 and wide:
                zeros = self.scope.spell("zeros_like", matrix.with_(f"{matrix.p}[..., 0]"))
                return matrix.with_(f"{loc.at(10)} + {zeros}", prec=10, rank=loc.rank)
        return loc

    def _wrap_numbers(self, vals: dict[str, Val]) -> None:
        """Where all parameters but counts are numbers, make one an array, so that the engine keeps the precision."""
        counts = {p.name for p in self.family.params if p.integer}
        floats = [k for k in vals if k not in counts]
        if self.scope.module.dialect.wrap_numbers and floats and all(vals[k].number for k in floats):
            vals[floats[0]] = self.scope.array(vals[floats[0]])

    def _Masked(self) -> str:
        base = self.inner("base", bare=False, axes=self.independent("base") + self.axes)
        mask = self.scope.vals[self.args["mask_"]].aligned(self.axes)
        self.slots, self.batched = max(self.slots, mask.slots), self.batched or mask.batched
        return self.shaped(masked(self.scope, base, self.args["mask_"], self.t, self.batched))

    def _learned(self) -> str:
        """A call of the density that stands above the functions, on the dict of all parameters."""
        parts = ["params"]
        if "base" in self.args:
            parts.append(self.inner("base", bare=False, axes=self.independent("base") + self.axes))
        if "context" in self.args:
            parts.append(f"context={self.scope.array(self.value('context')).code}")
        if not self.checked:
            parts.append("validate_args=False")
        return self.shaped(f"{self.scope.module.network_names[self.static['name']]}({', '.join(parts)})")

    def _Delta(self) -> str:
        v, density = self.scope.array(self.value("v")), self.scope.array(self.value("log_density"))
        parts = [v.code, density.code]
        if density.spread or density.rank:
            parts = [f"*{self.scope.spell('broadcast_arrays', items=', '.join(parts))}"]
        return self.shaped(self.call("dist.Delta", parts, {}))

    def _JointNormal(self) -> str:
        matrix = next(k for k in ("covariance_matrix", "scale_tril") if k in self.args)
        vals = {"loc": self.value("loc"), matrix: self.value(matrix)}
        like = self.scope.module.dialect.distributions.get("MultivariateNormal", DistSpelling())
        loc = self._with_batch(vals, "loc") if like.location else vals["loc"]
        return self.call("dist.MultivariateNormal", [loc.code], {matrix: vals[matrix].code})

    def _MixtureOf(self) -> str:
        rest = self.independent("component") - 1
        weights = self.value("weights", self.axes + rest)
        inner = self.inner("component", bare=True, axes=self.axes + rest + 1, full=True)
        if self.parameter("component").support.dynamic:  # a value inside one component may be outside another
            inner = f"{self.scope.module.need('Within')}({inner})"
        outer = self.call("dist.Categorical", [], {"probs": weights.code})
        name = self.spelling.call or ("dist.MixtureSameFamily" if self._free("component") else "MixtureSameFamily")
        return self.shaped(self.call(name, [outer, inner], {}), rest)

    def _free(self, name: str) -> bool:
        """Whether the support of a distribution depends on no parameter, not even on a constant one."""
        s = self.parameter(name).support
        if isinstance(s, Interval):
            return s.dynamic or (s.lower, s.upper) in _PLAIN and self.scope.nodes[self.args[name]].op != "dist.Uniform"
        return not isinstance(s, Integers) or s.dynamic or s.upper is None

    def _MixtureGeneral(self) -> str:
        weights = self.value("weights")
        names = [f"c{k}" for k in range(self.static["count"])]
        parts = [self.inner(c, bare=False, axes=self.independent(c) + self.axes) for c in names]
        outer = self.call("dist.Categorical", [], {"probs": weights.code})
        name = self.spelling.call or "dist.MixtureGeneral"
        return self.shaped(self.call(name, [outer, f"[{', '.join(parts)}]"], {}))

    def _HiddenMarkov(self) -> str:
        initial, transition = self.value("initial"), self.value("transition")
        emission = self.inner("emission", bare=True, full=True)
        length = self.scope.size(self.static["size"])
        return self.call("HiddenMarkov", [initial.code, transition.code, emission, length], {})

    def _Markov(self) -> str:
        from gendsl.emit.control import emit_nodes, step_function

        scope = self.scope
        step: Subgraph = self.static["transition"]
        count = self.static["inputs"]
        init = self.inner("init", bare=False)
        extra = [scope.vals[a] for a in self.n.args[1:]]
        inputs, captures = extra[:count], [scope.assign(v) for v in extra[count:]]
        name, previous = scope.name("step"), scope.name("previous")
        names = [scope.name(f"input_{k + 1}" if count > 1 else "input_") for k in range(count)]
        bound: list[Val] = []
        for argument, node in zip([previous, *names], step.inputs, strict=False):
            t = step.nodes[node].type
            if not isinstance(t, ArrayType):
                raise TypeError("a step's argument is a value")
            bound.append(Val(argument, rank=t.rank, batched=True))
        for v in [*inputs, *captures]:
            self.slots, self.batched = max(self.slots, v.slots), self.batched or v.batched
        inner = step_function(scope, name, [previous, *names], step, [*bound, *captures], True)
        out = step.outputs[0]
        emit_nodes(inner, step.nodes[out].args)
        d = emit_dist(inner, out, checked=self.checked)
        inner.line(f"return {d.code}")
        inner.line("")
        scope.counter = inner.counter
        keywords = {}
        if inputs:
            moved = ", ".join(v.code for v in inputs)
            ranks = ", ".join(str(v.rank - 1) for v in inputs)
            keywords = {"inputs": f"({moved},)", "ranks": f"({ranks},)"}
        return self.call("Markov", [init, name, scope.size(self.static["size"])], keywords)

    def _ImproperUniform(self) -> str:
        constraint: Constraint = self.static["constraint"]
        shape = (*self.n.attr["expand"], *self.static["shape"])
        sizes = tuple(self.scope.size(s) for s in shape)
        name = type(constraint).__name__
        text = constraint_code(self.scope, constraint)
        code = self.scope.module.dialect.flat(
            name if not isinstance(constraint, Interval) else _interval(constraint), text, sizes
        )
        for needed in ("constraints", "real"):
            if needed in code:
                self.scope.module.need(needed)
        return code


def _interval(c: Interval) -> str:
    if c.lower is None and c.upper is None:
        return "Real"
    if c.lower == 0.0 and c.upper is None:
        return "Positive"
    if c.lower is not None and c.upper is not None:
        return f"Interval:{float(c.lower)!r}:{float(c.upper)!r}"  # type: ignore[arg-type]
    return "Interval"


_NAMED = {
    "Simplex": "simplex",
    "Ordered": "ordered_vector",
    "PositiveOrdered": "positive_ordered_vector",
    "CorrCholesky": "corr_cholesky",
    "CorrMatrix": "corr_matrix",
    # Latents of these supports are lowered where they are sampled; where a model is run forward they are set.
    "LowerCholesky": "lower_cholesky",
    "PositiveDefinite": "positive_definite",
    "Sphere": "sphere",
    "Circular": "real",
}


def constraint_code(scope: Scope, c: Constraint) -> str:
    """Source of an engine's constraint object."""
    if isinstance(c, Interval):
        if c.lower is None and c.upper is None:
            return "constraints.real"
        if c.upper is None:
            return "constraints.positive" if c.lower == 0.0 else f"constraints.greater_than({c.lower!r})"
        if c.lower is None:
            return f"constraints.less_than({c.upper!r})"
        if (c.lower, c.upper) == (0.0, 1.0):
            return "constraints.unit_interval"
        return f"constraints.interval({c.lower!r}, {c.upper!r})"
    return f"constraints.{_NAMED[type(c).__name__]}"
