"""The values of a recurrence's carries at all elements, carry by carry.

A carry that depends on no carry of its own group is the delayed sequence of something; one that its step adds to is a
running sum; one affine in itself, or several affine in each other, are an affine scan; what is left stays a scan, of
nothing but what depends on the carries.
"""

from __future__ import annotations

from collections.abc import Sequence

from gendsl.graph.infer import infer_node
from gendsl.graph.node import Node, Subgraph
from gendsl.graph.types import DistType, DType
from gendsl.passes.algebra import Num, call
from gendsl.passes.recurrences.affine import Form, Part, forms
from gendsl.passes.recurrences.lift import Lift, needed

__all__ = ["components", "dependencies", "solve"]

_MOST = 8  # carries, or elements of one, that are solved together: a product of matrices costs their cube


def dependencies(step: Subgraph, carries: int) -> list[int]:
    """For each node of a step, the carries that it depends on, as bits."""
    bits = {i: 1 << k for k, i in enumerate(step.inputs[:carries])}
    out: list[int] = []
    for i, n in enumerate(step.nodes):
        mask = bits.get(i, 0)
        for a in n.args:
            mask |= out[a]
        out.append(mask)
    return out


def components(step: Subgraph, carries: int, depends: Sequence[int]) -> list[tuple[int, ...]]:
    """Groups of carries that depend on each other, each after those that it depends on."""
    reach = [depends[i] for i in step.outputs[:carries]]
    for k in range(carries):  # Warshall
        for j in range(carries):
            if reach[j] >> k & 1:
                reach[j] |= reach[k]
    out: list[tuple[int, ...]] = []
    for j in sorted(range(carries), key=lambda j: (reach[j].bit_count(), j)):
        if not any(j in group for group in out):
            out.append((j, *(k for k in range(carries) if k != j and reach[j] >> k & 1 and reach[k] >> j & 1)))
    return out


def solve(lift: Lift, group: tuple[int, ...], depends: Sequence[int]) -> tuple[str, int]:
    """Find the values of a group of carries after each step; how, in words, and the operations that stay in a loop.

    Raises:
        Problem: if something is not evaluated for all steps at once.
    """
    step, mask = lift.step, sum(1 << k for k in group)
    if not any(depends[step.outputs[k]] & mask for k in group):
        lift.known(group[0], lift.value(step.outputs[group[0]]))
        return "is the element before, of a sequence that is known", 0
    size = _vector(lift, group)
    for vector in (None, size) if size else (None,):
        found = forms(lift, group, depends, vector) if len(group) <= _MOST else None
        if found is None:
            continue
        if vector is None and len(group) == 1:
            words = _alone(lift, group[0], found[0])
        elif all(lift.inits[k].type.dtype is DType.FLOAT for k in group):
            words = _together(lift, group, found, vector)
        else:
            continue
        if words is not None:
            return words, 0
    return _loop(lift, group, depends)


def _vector(lift: Lift, group: tuple[int, ...]) -> int | None:
    """The length of the only carry, where it is a short vector."""
    event = lift.inits[group[0]].type.event
    n = event[0] if len(event) == 1 else None
    return n if len(group) == 1 and isinstance(n, int) and n <= _MOST else None


# -- affine carries ----------------------------------------------------------------------------------------------------
def _number(lift: Lift, part: Part | None) -> Num:
    value = 0.0 if part is None else part
    return value if isinstance(value, Num) else lift.const(float(value))


def _alone(lift: Lift, k: int, form: Form) -> str | None:
    init, a = lift.inits[k], form.parts.get(0)
    event, like = init.type.event, lift.step.nodes[lift.step.outputs[k]]
    if a is None:
        return None
    if not isinstance(a, Num) and a == 1:
        if form.const is None:
            lift.known(k, init)
            return "stays what it was"
        b = form.const if isinstance(form.const, Num) else lift.const(form.const)
        x = lift.along(lift.shaped(b, event))
        axis = -x.type.rank
        x = call("flip", x, axis=axis) if lift.reverse else x
        x = call("cumsum", x, axis=axis)
        x = call("flip", x, axis=axis) if lift.reverse else x
        lift.known(k, lift.like(init + lift.back(x), like))
        return "is a running sum"
    if init.type.dtype is not DType.FLOAT:
        return None
    b = lift.along(lift.shaped(_number(lift, form.const).as_float(), event))
    x = call("affine_scan", _coefficient(lift, a, len(event)), b, init, matrix=False, reverse=lift.reverse)
    lift.known(k, lift.like(lift.back(x), like))
    return "is affine in itself: all steps at once"


def _together(lift: Lift, group: tuple[int, ...], found: list[Form], vector: int | None) -> str:
    """Several carries, or the elements of one."""
    init = lift.inits[group[0]]
    event = init.type.event
    if vector is not None:
        (form,) = found
        matrix = form.matrix or _stacked(
            [lift.shaped(_number(lift, form.parts.get(j)).as_float(), event) for j in range(vector)]
        )
        offset = lift.shaped(_number(lift, form.const).as_float(), event)
    else:
        size = range(len(group))
        columns = [_stacked([_number(lift, f.parts.get(j)).as_float() for f in found]) for j in size]
        matrix = _stacked(columns)
        offset = lift.shaped(_stacked([_number(lift, f.const).as_float() for f in found]), (*event, len(group)))
        init = lift.shaped(_stacked([lift.inits[k] for k in group]), (*event, len(group)))
    a = _coefficient(lift, matrix, init.type.rank + 1)
    x = lift.back(call("affine_scan", a, lift.along(offset), init, matrix=True, reverse=lift.reverse))
    for j, k in enumerate(group):
        like = lift.step.nodes[lift.step.outputs[k]]
        lift.known(k, lift.like(x if vector is not None else call("index", x, axis=-1, at=j), like))
    return (
        "is a vector, affine in itself: all steps at once" if vector else "are affine in each other: all steps at once"
    )


def _stacked(parts: list[Num]) -> Num:
    return call("stack", *parts)


def _coefficient(lift: Lift, a: Part, rank: int) -> Num:
    """A coefficient, its elements along time first; one that is always the same has no axis of time."""
    x = _number(lift, a).as_float()
    if not lift.varies(x):
        return x
    while x.type.rank < rank:
        x = call("expand_dims", x, axis=-x.type.rank - 1)
    return lift.along(x)


# -- carries that stay a scan ------------------------------------------------------------------------------------------
def _loop(lift: Lift, group: tuple[int, ...], depends: Sequence[int]) -> tuple[str, int]:
    step, r = lift.step, lift.r
    mask = sum(1 << k for k in group)
    roots = [step.outputs[k] for k in group]
    inside = _inside(step, roots, depends, mask)
    heads = {step.inputs[k] for k in group}
    edge = [
        i
        for i in sorted({a for i in inside for a in step.nodes[i].args} | set(roots))
        if i not in inside and i not in heads
    ]
    values = {i: lift.value(i) for i in edge}
    moving = [i for i in edge if lift.varies(values[i])]
    fixed = [i for i in edge if i not in moving]
    inputs = [*(step.inputs[k] for k in group), *moving, *fixed]
    nodes: list[Node] = []
    at: dict[int, int] = {}
    for i in inputs:
        at[i] = len(nodes)
        t = step.nodes[i].type
        nodes.append(Node("input", (), (("type", t),), t))
    for i in inside:
        n = step.nodes[i]
        args = tuple(at[a] for a in n.args)
        at[i] = len(nodes)
        t = infer_node(n.op, [nodes[a].type for a in args], n.attr, args)
        nodes.append(Node(n.op, args, n.attrs, t, None, n.where))
    outputs = tuple(at[i] for i in roots)
    closed = Subgraph(tuple(nodes), tuple(range(len(inputs))), (*outputs, *outputs))
    given = [*(lift.inits[k] for k in group), *(lift.along(values[i]) for i in moving), *(values[i] for i in fixed)]
    scan = r.add(
        "scan",
        [v.i for v in given],
        step=closed,
        carries=len(group),
        sequences=len(moving),
        length=lift.length,
        reverse=lift.reverse,
    )
    for j, k in enumerate(group):
        stacked = Num(r, r.add("item", (scan,), at=len(group) + j))
        lift.known(k, lift.back(stacked, step.nodes[step.outputs[k]]))
    return f"{'is' if len(group) == 1 else 'are'} not affine: a loop of {len(inside)} operations", len(inside)


def _inside(step: Subgraph, roots: list[int], depends: Sequence[int], mask: int) -> list[int]:
    """The nodes that have to be evaluated step by step: what depends on the carries, and the constants of that."""
    heads = set(step.inputs)
    out = {i for i in needed(step, roots) if depends[i] & mask and i not in heads}
    todo = list(out)
    while todo:
        for a in step.nodes[todo.pop()].args:
            small = step.nodes[a].op == "const" or isinstance(step.nodes[a].type, DistType)
            if small and a not in out:
                out.add(a)
                todo.append(a)
    return sorted(out)
