"""Which results of a step are affine in its carries, and with which coefficients.

    carry'_k = b_k + sum_j a_kj carry_j

The coefficients depend on sequences, captures and other carries only. The step is read from its leaves up, through
sums, differences, products and quotients with what does not depend on the carries, and choices on such a condition. So
read, a coefficient acts on each element of a carry alone. Where a step takes a vector apart (`c[0]`, `F @ c`, `stack`),
its elements are carries of their own, and a vector's coefficients are the columns of a matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gendsl.graph.node import Array, Node
from gendsl.graph.ops import OPS
from gendsl.graph.types import ArrayType
from gendsl.passes.algebra import Num, call
from gendsl.passes.recurrences.lift import Lift, needed

__all__ = ["Form", "Part", "forms"]

Part = Num | float
"""A coefficient; a plain number is known when the model is declared."""


@dataclass(frozen=True)
class Form:
    """b + sum_j a_j c_j.

    Attributes:
        const: b; None for zero.
        parts: a_j by j; those that are zero are left out.
        matrix: the matrix whose columns the parts are, where the step has it as a whole.
    """

    const: Part | None = None
    parts: Mapping[int, Part] = field(default_factory=dict)
    matrix: Num | None = None

    @property
    def free(self) -> bool:
        """Whether it depends on no carry."""
        return not self.parts


def forms(lift: Lift, carries: Sequence[int], depends: Sequence[int], vector: int | None = None) -> list[Form] | None:
    """The new values of some carries as affine forms in the old ones; None where they are none.

    Args:
        lift: the step; the other carries that it depends on are known.
        carries: which carries; their parts are numbered in this order.
        depends: for each node of the step, the carries that it depends on, as bits.
        vector: the length of the only carry, where its elements are read one by one: the parts are then its elements.
    """
    step = lift.step
    mask = sum(1 << k for k in carries)
    seeds = {step.inputs[k]: j for j, k in enumerate(carries)}
    found: dict[int, Form] = {}
    roots = [step.outputs[k] for k in carries]
    for i in needed(step, roots):
        if not depends[i] & mask:
            continue
        n = step.nodes[i]
        if i in seeds:
            if vector is None:
                found[i] = Form(parts={seeds[i]: 1.0})
            else:
                found[i] = Form(parts={j: lift.const(Array.of(np.eye(vector)[j])) for j in range(vector)})
            continue
        rule = _RULES.get(n.op) or (_PARTED.get(n.op) if vector is not None else None)
        if rule is None:
            return None
        args = [found[a] if depends[a] & mask else Form(_part(lift, a)) for a in n.args]
        form = rule(_Step(lift, n, vector is not None), args)
        if form is None:
            return None
        found[i] = form
    return [found[i] if i in found else Form(_part(lift, i)) for i in roots]


def _part(lift: Lift, i: int) -> Part:
    n = lift.step.nodes[i]
    if n.op == "const" and not isinstance(n.attr["value"], Array):
        value: float = n.attr["value"]
        return value
    return lift.value(i)


# -- arithmetic in which zeros and ones vanish -------------------------------------------------------------------------
def _plus(a: Part | None, b: Part | None) -> Part | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _times(a: Part | None, b: Part) -> Part | None:
    if a is None or (not isinstance(b, Num) and b == 0) or (not isinstance(a, Num) and a == 0):
        return None
    if not isinstance(a, Num) and a == 1:
        return b
    return a if not isinstance(b, Num) and b == 1 else a * b


def _minus(a: Part | None) -> Part | None:
    return None if a is None else -a


def _each(form: Form, f: Callable[[Part], Part | None]) -> Form:
    """A linear function of a form, term by term."""
    parts = {j: v for j, p in form.parts.items() if (v := f(p)) is not None}
    return Form(None if form.const is None else f(form.const), parts)


# -- rules -------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Step:
    """A node under reading: the step, the node, and whether shapes of parts matter."""

    lift: Lift
    n: Node
    parted: bool

    @property
    def type(self) -> ArrayType:
        if not isinstance(self.n.type, ArrayType):
            raise TypeError("a value has the type of an array")
        return self.n.type

    def whole(self, part: Part | None, arg: int) -> Num:
        """A part with the full event shape of an argument."""
        t = self.lift.step.nodes[self.n.args[arg]].type
        if not isinstance(t, ArrayType):
            raise TypeError("a value has the type of an array")
        value = 0.0 if part is None else part
        x = value if isinstance(value, Num) else self.lift.const(float(value))
        return self.fold("broadcast_event", x, shape=t.event) if x.type.event != t.event else x

    def fold(self, op: str, *args: Num, **attrs: object) -> Num:
        """An operation; computed at once where its arguments are constants."""
        values = [_known(a) for a in args]
        numpy = OPS[op].numpy
        if numpy is None or any(v is None for v in values):
            return call(op, *args, **attrs)
        return self.lift.const(Array.of(numpy(*values, **attrs)))

    def taken(self, op: str, *args: Num, **attrs: object) -> Part | None:
        """The same, as a part: zeros vanish, and numbers are plain."""
        out = self.fold(op, *args, **attrs)
        value = _known(out)
        if value is None:
            return out
        if not np.any(value):
            return None
        return float(value) if value.ndim == 0 else out


def _known(x: Num) -> np.ndarray | None:
    n = x.r.nodes[x.i]
    if n.op != "const":
        return None
    value = n.attr["value"]
    return np.asarray(value.numpy() if isinstance(value, Array) else value)


_Rule = Callable[[_Step, list[Form]], Form | None]


def _add(at: _Step, args: list[Form]) -> Form:
    a, b = args
    parts = {j: v for j in {**a.parts, **b.parts} if (v := _plus(a.parts.get(j), b.parts.get(j))) is not None}
    matrix = a.matrix if b.free else b.matrix if a.free else None
    return Form(_plus(a.const, b.const), parts, matrix)


def _neg(at: _Step, args: list[Form]) -> Form:
    out = _each(args[0], _minus)
    return Form(out.const, out.parts, None if args[0].matrix is None else -args[0].matrix)


def _sub(at: _Step, args: list[Form]) -> Form:
    if args[1].free and args[1].const is not None and args[0].const is not None:
        return Form(args[0].const - args[1].const, args[0].parts, args[0].matrix)
    if args[0].const is not None and args[1].const is not None:
        minus = _neg(at, [Form(None, args[1].parts, args[1].matrix)])
        out = _add(at, [Form(None, args[0].parts, args[0].matrix), minus])
        return Form(args[0].const - args[1].const, out.parts, out.matrix)
    return _add(at, [args[0], _neg(at, [args[1]])])


def _mul(at: _Step, args: list[Form]) -> Form | None:
    a, b = args if args[1].free else args[::-1]
    scale = b.const
    if not b.free:
        return None
    return Form() if scale is None else _each(a, lambda p: _times(p, scale))


def _div(at: _Step, args: list[Form]) -> Form | None:
    by = args[1].const
    if not args[1].free or by is None or (not isinstance(by, Num) and by == 0):
        return None
    return _each(args[0], lambda p: p / by)


def _where(at: _Step, args: list[Form]) -> Form | None:
    test, a, b = args
    if not test.free or not isinstance(test.const, Num):
        return None
    condition = test.const

    def chosen(x: Part | None, y: Part | None) -> Part | None:
        if x is None and y is None:
            return None
        return call("where", condition, 0.0 if x is None else x, 0.0 if y is None else y)

    parts = {j: v for j in {**a.parts, **b.parts} if (v := chosen(a.parts.get(j), b.parts.get(j))) is not None}
    return Form(chosen(a.const, b.const), parts)


def _same(at: _Step, args: list[Form]) -> Form:
    """The same elements, repeated: a coefficient of each element stays what it is."""
    if not at.parted:
        return args[0]
    shape = at.type.event
    return _each(args[0], lambda p: at.taken("broadcast_event", at.whole(p, 0), shape=shape))


def _rearranged(at: _Step, args: list[Form]) -> Form | None:
    """A linear operation on event axes."""
    if at.n.attr.get("dims"):
        return None
    return _each(args[0], lambda p: at.taken(at.n.op, at.whole(p, 0), **at.n.attr))


def _joined(at: _Step, args: list[Form]) -> Form:
    def joined(parts: list[Part | None]) -> Part | None:
        return at.taken(at.n.op, *(at.whole(p, k) for k, p in enumerate(parts)), **at.n.attr)

    seeds = sorted({j for a in args for j in a.parts})
    parts = {j: v for j in seeds if (v := joined([a.parts.get(j) for a in args])) is not None}
    return Form(joined([a.const for a in args]), parts)


def _matmul(at: _Step, args: list[Form]) -> Form | None:
    left = args[0].free
    fixed, moving = (args[0], args[1]) if left else (args[1], args[0])
    if not fixed.free or not isinstance(fixed.const, Num):
        return None
    m, side = fixed.const, 1 if left else 0

    def product(p: Part) -> Part | None:
        x = at.whole(p, side)
        return at.taken("matmul", *((m, x) if left else (x, m)))

    seeds = [_known(p) if isinstance(p, Num) else None for p in moving.parts.values()]
    size = len(seeds)
    plain = moving.const is None and all(
        s is not None and s.shape == (size,) and np.array_equal(s, np.eye(size)[j])
        for j, s in zip(moving.parts, seeds, strict=True)
    )
    if plain and left and m.type.event == (size, size):
        return Form(None, {j: call("index", m, axis=-1, at=j) for j in range(size)}, m)
    return _each(moving, product)


_RULES: dict[str, _Rule] = {
    "add": _add,
    "sub": _sub,
    "neg": _neg,
    "mul": _mul,
    "div": _div,
    "where": _where,
    "broadcast_event": _same,
}
_PARTED: dict[str, _Rule] = {
    **dict.fromkeys(
        ("index", "slice", "expand_dims", "flip", "transpose", "reshape", "sum", "mean", "cumsum"), _rearranged
    ),
    **dict.fromkeys(("stack", "concatenate"), _joined),
    "matmul": _matmul,
}
