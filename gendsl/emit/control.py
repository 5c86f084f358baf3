"""Emission of steps: recurrences, differential equations and the transitions of Markov chains.

A step becomes a nested function that closes over the values it captured. Its own arguments may carry further axes on the
left (time, for a Markov density; particles), so inside a step arguments count as batched wherever that may be.
"""

from __future__ import annotations

from dataclasses import replace

from gendsl.emit import arrays
from gendsl.emit.scope import Scope
from gendsl.emit.values import Val
from gendsl.graph.node import Node, Subgraph
from gendsl.graph.types import ArrayType, DistType, TupleType

__all__ = ["emit_nodes", "step_function", "step_scope"]


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
    batched = scope.batched
    inner_types = [step.nodes[k].type for k in step.inputs]
    slots = scope.module.slots
    carries, sequences = args[:n_carry], args[n_carry : n_carry + n_seq]
    captures = [scope.assign(v) for v in args[n_carry + n_seq :]]
    carry_names = [scope.name(f"carry_{k + 1}" if n_carry > 1 else "carry") for k in range(n_carry)]
    seq_names = [scope.name(f"x_{k + 1}" if n_seq > 1 else "x") for k in range(n_seq)]
    bound = []
    for name, t in zip([*carry_names, *seq_names], inner_types[: n_carry + n_seq], strict=True):
        if not isinstance(t, ArrayType):
            raise TypeError("a step's argument is a value")
        bound.append(_layout(t, slots, batched).with_(name))
    bound += captures
    item_type = n.type
    if not isinstance(item_type, TupleType):
        raise TypeError("a scan has several results")
    emit = _scan_loop if scope.module.dialect.loops else _scan_function
    return emit(scope, n, step, (carries, sequences, bound), (carry_names, seq_names), item_type)


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
        scope.line(f"{name} = {scope.array(v).code}")
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
    results = [inner.vals[o] for o in step.outputs]
    for o, v in zip(outs, results[n_carry:], strict=True):
        inner.line(f"{o}.append({inner.array(v).code})")
    new = ", ".join(inner.array(v).code for v in results[:n_carry])
    if carry_names:
        inner.line(f"{', '.join(carry_names)} = {new}")
    scope.counter = inner.counter
    finals = [Val(c) for c in carry_names]
    stacked = []
    for o, t in zip(outs, items.items[n_carry:], strict=True):
        turned = f"{o}[::-1]" if n.attr["reverse"] else o
        joined = scope.spell("broadcast_arrays", items=f"*{turned}")
        stacked.append(scope.assign(Val(scope.spell("stack", items=joined, axis=-t.rank)), o))
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
    inner = step_function(scope, name, ["carry_", "x_"], step, bound, scope.batched)
    inner.line(f"({', '.join(carry_names)},) = carry_")
    if seq_names:
        inner.line(f"({', '.join(seq_names)},) = x_")
    emit_nodes(inner, step.outputs)
    results = [inner.vals[o].code for o in step.outputs]
    inner.line(f"return ({', '.join(results[:n_carry])},), ({', '.join(results[n_carry:])},)")
    inner.line("")
    scope.counter = inner.counter
    scope.module.need("scan")
    init = ", ".join(v.code for v in carries)
    moved = [scope.move(v, -v.rank, 0).code if v.spread else scope.move(v, -v.rank, 0).code for v in sequences]
    xs = f"({', '.join(moved)},)" if moved else "None"
    finals, outs = scope.name("final"), scope.name("outs")
    extra = f", length={scope.size(n.attr['length'])}" if not moved else ""
    extra += ", reverse=True" if n.attr["reverse"] else ""
    scope.line(f"{finals}, {outs} = scan({name}, ({init},), {xs}{extra})")
    out = [Val(f"{finals}[{k}]") for k in range(n_carry)]
    for k, t in enumerate(items.items[n_carry:]):
        v = Val(f"{outs}[{k}]", rank=t.rank)
        out.append(scope.move(v, 0, -t.rank))
    return _results(scope, out, items)


def _results(scope: Scope, vals: list[Val], items: TupleType) -> Val:
    """Remember the layouts of the results for `item`."""
    slots = scope.module.slots
    laid = [_layout(t, slots, scope.batched).with_(v.code) for v, t in zip(vals, items.items, strict=True)]
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
    bound = [replace(full, rank=state.rank).with_(y_name), Val(t_name), *captures]
    inner = step_function(scope, name, [t_name, y_name], step, bound, scope.batched)
    emit_nodes(inner, step.outputs)
    inner.line(f"return {inner.array(inner.vals[step.outputs[0]]).code}")
    inner.line("")
    scope.counter = inner.counter
    options = {k: repr(n.attr[k]) for k in ("rtol", "atol", "max_steps")}
    scope.module.need("solve_ode")
    code = f"solve_ode({name}, {scope.array(y0).code}, {scope.array(t0).code}, {ts.code}, {', '.join(f'{k}={v}' for k, v in options.items())})"
    out = scope.assign(full.with_(code))
    return scope.move(replace(out, rank=result.rank), 0, -result.rank)
