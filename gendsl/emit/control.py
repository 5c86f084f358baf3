"""Emission of steps: recurrences, differential equations and the transitions of Markov chains.

A step becomes a nested function that closes over the values it captured. Its own arguments may carry further axes on
the left (time, for a Markov density; particles), so inside a step arguments count as batched wherever that may be.
"""

from __future__ import annotations

from dataclasses import replace

from gendsl.emit import arrays
from gendsl.emit.scope import Scope
from gendsl.emit.values import Val
from gendsl.errors import CompileError
from gendsl.graph.node import Node, Subgraph
from gendsl.graph.types import ArrayType, DistType, DType, TupleType

__all__ = ["emit_nodes", "step_function", "step_scope"]

_ROUNDS = 8  # a step's layout settles after as many rounds as it passes values from carry to carry


def step_scope(outer: Scope, step: Subgraph, arguments: list[Val], batched: bool) -> Scope:
    """A scope for the nodes of a step, its inputs bound."""
    inner = Scope(outer.module, step.nodes, batched, outer.size_of, taken=outer.taken, indent=outer.indent + "    ")
    inner.lines = outer.lines
    inner.counter = outer.counter
    for i, v in zip(step.inputs, arguments, strict=True):
        inner.vals[i] = v
    return inner


def emit_nodes(scope: Scope, roots: tuple[int, ...]) -> None:
    """Emit what the roots need, in order; name what is used twice or is long."""
    from gendsl.emit.dists import emit_dist

    needed = set(roots)
    for i in range(len(scope.nodes) - 1, -1, -1):
        if i in needed:
            needed.update(scope.nodes[i].args)
    uses = dict.fromkeys(needed, 0)
    for i in roots:
        uses[i] += 1
    for i in needed:
        for a in scope.nodes[i].args:
            uses[a] = uses.get(a, 0) + 1
    for i in sorted(needed):
        if i in scope.vals:
            continue
        n = scope.nodes[i]
        if isinstance(n.type, DistType):
            continue  # emitted where it is used
        v = emit_value_or_prob(scope, i, emit_dist)
        if uses[i] > 1 and n.op != "const" or v.long:
            v = scope.assign(v)
        scope.vals[i] = v


def emit_value_or_prob(scope: Scope, i: int, emit_dist: object) -> Val:
    """A node's code; `log_prob` needs its distribution's."""
    from gendsl.emit.dists import log_prob

    n = scope.nodes[i]
    if n.op == "log_prob":
        return log_prob(scope, n.args[0], n.args[1])
    return arrays.emit_value(scope, i)


def step_function(
    outer: Scope, name: str, arguments: list[str], step: Subgraph, bound: list[Val], batched: bool
) -> Scope:
    """Start `def name(arguments):` and return the scope of its body."""
    outer.line("")
    outer.line(f"def {name}({', '.join(arguments)}):")
    return step_scope(outer, step, bound, batched)


def _layout(t: ArrayType, slots: dict[str, int], batched: bool) -> Val:
    depth = max((-slots[d] for d in t.dims), default=0)
    return Val("", rank=t.rank, slots=depth, batched=batched)


@arrays.emits("scan")
def _scan(scope: Scope, i: int, n: Node) -> Val:
    step: Subgraph = n.attr["step"]
    n_carry, n_seq = n.attr["carries"], n.attr["sequences"]
    args = [scope.vals[a] for a in n.args]
    types = [step.nodes[k].type for k in step.inputs]
    sequences = args[n_carry : n_carry + n_seq]
    captures = [scope.assign(v) for v in args[n_carry + n_seq :]]
    carry_names = [scope.name(f"carry_{k + 1}" if n_carry > 1 else "carry") for k in range(n_carry)]
    seq_names = [scope.name(f"x_{k + 1}" if n_seq > 1 else "x") for k in range(n_seq)]
    inputs = [
        replace(v, rank=v.rank - 1, batched=v.batched or scope.batched).with_(name)
        for name, v in zip(seq_names, sequences, strict=True)
    ]
    inputs += captures
    held = []
    for name, v, t in zip(carry_names, args, types, strict=False):
        if not isinstance(t, ArrayType):
            raise TypeError("a step's argument is a value")
        layout = _layout(t, scope.module.slots, scope.batched)
        held.append(replace(layout, slots=max(layout.slots, v.slots)).with_(name))
    held = _settled(scope, step, held, inputs)
    carries = []
    for a, v, h, t in zip(n.args, args, held, types, strict=False):
        have, want = scope.type(a), t
        if isinstance(want, ArrayType):
            v = _filled(scope, scope.array(v, want.dtype), have.dims, want, h)
            carries.append(_padded(scope, v, h))
    if not isinstance(n.type, TupleType):
        raise TypeError("a scan has several results")
    emit = _scan_loop if scope.module.dialect.loops else _scan_function
    return emit(scope, n, step, (carries, sequences, [*held, *inputs]), (carry_names, seq_names), n.type)


def _settled(scope: Scope, step: Subgraph, held: list[Val], inputs: list[Val]) -> list[Val]:
    """The carries with as many slot axes as the step's results have; found by emitting the step, to no effect."""
    for _ in range(_ROUNDS):
        trial = step_scope(scope, step, [*held, *inputs], scope.batched)
        trial.lines, trial.taken = [], set(scope.taken)
        emit_nodes(trial, step.outputs)
        new = [max(h.slots, trial.vals[o].slots) for h, o in zip(held, step.outputs, strict=False)]
        if new == [h.slots for h in held]:
            return held
        held = [replace(h, slots=k) for h, k in zip(held, new, strict=True)]
    raise CompileError("the carry of a scan has no fixed layout")


def _as_returned(scope: Scope, step: Subgraph, full: Val, inputs: list[Val]) -> Val:
    """The layout of an ODE's state, with as many slot axes as its right-hand side has."""
    out = step.nodes[step.inputs[0]].type
    if not isinstance(out, ArrayType):
        raise TypeError("the state is a value")
    (held,) = _settled(scope, step, [replace(full, rank=out.rank).with_("y")], inputs)
    return replace(full, slots=held.slots)


def _padded(scope: Scope, v: Val, like: Val) -> Val:
    """A value with as many slot axes as another; a batched one may have any number."""
    if v.batched or like.batched or v.slots == like.slots:
        return v
    scope.module.need("at_least")
    return v.with_(f"at_least({v.code}, {like.slots + v.rank})", slots=like.slots)


def _filled(scope: Scope, v: Val, have: tuple[str, ...], want: ArrayType, like: Val) -> Val:
    """A value repeated along the dims that it lacks."""
    lacking = [d for d in want.dims if d not in have]
    if not lacking:
        return v
    shape = ["1"] * (max(-scope.module.slots[d] for d in lacking) + like.rank)
    for d in lacking:
        shape[scope.module.slots[d] - like.rank] = scope.size(d)
    inner = f"({', '.join(shape)}{',' if len(shape) == 1 else ''})"
    zero = Val("0.0" if want.dtype is DType.FLOAT else "0", number=True)
    zeros = scope.spell("full", zero, shape=inner, dtype=scope.module.dtype(want.dtype))
    slots = max(v.slots, len(shape) - like.rank)
    return replace(v.aligned(like.rank).with_(f"{v.aligned(like.rank).at(10)} + {zeros}", prec=10), slots=slots)


def _new_carries(scope: Scope, inner: Scope, n: Node, held: list[Val]) -> list[Val]:
    """The step's new carries, in the layout of the old."""
    step: Subgraph = n.attr["step"]
    out = []
    for k, h in enumerate(held):
        want, have = step.nodes[step.inputs[k]].type, step.nodes[step.outputs[k]].type
        if not isinstance(want, ArrayType) or not isinstance(have, ArrayType):
            raise TypeError("a carry is a value")
        v = _filled(scope, inner.array(inner.vals[step.outputs[k]], want.dtype), have.dims, want, h)
        out.append(_padded(scope, v, h))
    return out


def _scan_loop(
    scope: Scope,
    n: Node,
    step: Subgraph,
    values: tuple[list[Val], list[Val], list[Val]],
    names: tuple[list[str], list[str]],
    items: TupleType,
) -> Val:
    """A Python loop: for torch."""
    carries, sequences, bound = values
    carry_names, seq_names = names
    n_carry = len(carries)
    for name, v in zip(carry_names, carries, strict=True):
        scope.line(f"{name} = {v.code}")
    outs = [
        scope.name(f"outs_{k + 1}" if len(items.items) - n_carry > 1 else "outs")
        for k in range(len(items.items) - n_carry)
    ]
    for o in outs:
        scope.line(f"{o} = []")
    order = ", ".join(seq_names)
    parts = [scope.spell("unbind", v, axis=-v.rank) for v in sequences]
    if n.attr["reverse"]:
        parts = [f"reversed({p})" for p in parts]
    if len(parts) > 1:
        scope.line(f"for {order} in zip({', '.join(parts)}):")
    elif parts:
        scope.line(f"for {order} in {parts[0]}:")
    else:
        scope.line(f"for _ in range({scope.size(n.attr['length'])}):")
    inner = step_scope(scope, step, bound, scope.batched)
    emit_nodes(inner, step.outputs)
    results = [inner.array(inner.vals[o], t.dtype) for o, t in zip(step.outputs, items.items, strict=True)]
    for o, v in zip(outs, results[n_carry:], strict=True):
        inner.line(f"{o}.append({v.code})")
    if carry_names:
        new = ", ".join(v.code for v in _new_carries(scope, inner, n, bound[:n_carry]))
        inner.line(f"{', '.join(carry_names)} = {new}")
    scope.counter = inner.counter
    finals = [b.with_(c) for b, c in zip(bound, carry_names, strict=False)]
    stacked = []
    for o, v, t in zip(outs, results[n_carry:], items.items[n_carry:], strict=True):
        turned = f"{o}[::-1]" if n.attr["reverse"] else o
        joined = scope.spell("broadcast_arrays", items=f"*{turned}")
        stacked.append(scope.assign(v.with_(scope.spell("stack", items=joined, axis=-t.rank), rank=t.rank), o))
    return _results(scope, [*finals, *stacked], items)


def _scan_function(
    scope: Scope,
    n: Node,
    step: Subgraph,
    values: tuple[list[Val], list[Val], list[Val]],
    names: tuple[list[str], list[str]],
    items: TupleType,
) -> Val:
    """A scan of the backend: for jax."""
    carries, sequences, bound = values
    carry_names, seq_names = names
    n_carry = len(carries)
    name = scope.name("step")
    carry_arg, x_arg = scope.name("carries"), scope.name("xs")
    inner = step_function(scope, name, [carry_arg, x_arg], step, bound, scope.batched)
    if carry_names:
        inner.line(f"({', '.join(carry_names)},) = {carry_arg}")
    if seq_names:
        inner.line(f"({', '.join(seq_names)},) = {x_arg}")
    emit_nodes(inner, step.outputs)
    results = [inner.vals[o] for o in step.outputs]
    new = ", ".join(v.code for v in _new_carries(scope, inner, n, bound[:n_carry]))
    inner.line(f"return {_tuple(new)}, {_tuple(', '.join(v.code for v in results[n_carry:]))}")
    inner.line("")
    scope.counter = inner.counter
    scope.module.need("scan")
    init = ", ".join(v.code for v in carries)
    moved = [scope.move(v, -v.rank, 0).code for v in sequences]
    xs = f"({', '.join(moved)},)" if moved else "None"
    finals, outs = scope.name("final"), scope.name("outs")
    extra = f", length={scope.size(n.attr['length'])}" if not moved else ""
    extra += ", reverse=True" if n.attr["reverse"] else ""
    scope.line(f"{finals}, {outs} = scan({name}, {_tuple(init)}, {xs}{extra})")
    out = [b.with_(f"{finals}[{k}]") for k, b in enumerate(bound[:n_carry])]
    for k, (v, t) in enumerate(zip(results[n_carry:], items.items[n_carry:], strict=True)):
        out.append(scope.move(v.with_(f"{outs}[{k}]", rank=t.rank), 0, -t.rank))
    return _results(scope, out, items)


def _tuple(items: str) -> str:
    """Source of a tuple."""
    return f"({items},)" if items else "()"


def _results(scope: Scope, vals: list[Val], items: TupleType) -> Val:
    """The results, for `item`."""
    laid = [replace(v, rank=t.rank, batched=v.batched or scope.batched) for v, t in zip(vals, items.items, strict=True)]
    return _Tuple("results", items=tuple(laid))


class _Tuple(Val):
    """Several values."""

    items: tuple[Val, ...]

    def __init__(self, code: str, items: tuple[Val, ...]) -> None:
        super().__init__(code)
        object.__setattr__(self, "items", items)

    @property
    def is_name(self) -> bool:
        """It has no code of its own."""
        return True

    @property
    def long(self) -> bool:
        """It has no code of its own."""
        return False


@arrays.emits("item")
def _item(scope: Scope, i: int, n: Node) -> Val:
    source = scope.vals[n.args[0]]
    if not isinstance(source, _Tuple):
        raise TypeError("item of a node without several results")
    at: int = n.attr["at"]
    return source.items[at]


@arrays.emits("odeint")
def _odeint(scope: Scope, i: int, n: Node) -> Val:
    step: Subgraph = n.attr["step"]
    y0, t0, ts, *rest = (scope.vals[a] for a in n.args)
    captures = [scope.assign(v) for v in rest]
    y_name, t_name = scope.name("y"), scope.name("t")
    state, name = step.nodes[step.inputs[0]].type, scope.name("rhs")
    if not isinstance(state, ArrayType):
        raise TypeError("the state is a value")
    result = scope.type(i)
    full = _layout(result, scope.module.slots, scope.batched)
    full = _as_returned(scope, step, full, [Val(t_name), *captures])
    bound = [replace(full, rank=state.rank).with_(y_name), Val(t_name), *captures]
    inner = step_function(scope, name, [t_name, y_name], step, bound, scope.batched)
    emit_nodes(inner, step.outputs)
    inner.line(f"return {inner.array(inner.vals[step.outputs[0]]).code}")
    inner.line("")
    scope.counter = inner.counter
    options = {k: repr(n.attr[k]) for k in ("rtol", "atol", "max_steps")}
    scope.module.need("solve_ode")
    keywords = ", ".join(f"{k}={v}" for k, v in options.items())
    first = _filled(scope, scope.array(y0), scope.type(n.args[0]).dims, state, bound[0])
    times = f"{ts.p}.reshape(-1)" if ts.slots else ts.code  # slots of length 1, of the plates right of the times
    code = f"solve_ode({name}, {first.code}, {scope.array(t0).code}, {times}, {keywords})"
    out = scope.assign(full.with_(code))
    return scope.move(replace(out, rank=result.rank), 0, -result.rank)
