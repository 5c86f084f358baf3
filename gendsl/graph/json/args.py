"""Arguments: as many as the operation, the family or the step takes, and of shapes that a step's inputs hold.

The typing rules trust their caller on numbers of arguments and on what the language has checked when a step was traced;
a file is not trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gendsl.graph.families import FAMILIES, Family
from gendsl.graph.json.check import fail, is_count, listed
from gendsl.graph.node import Array, Subgraph
from gendsl.graph.types import ArrayType, DistType, Type, broadcast

__all__ = ["SITES", "check_args"]

SITES = ("data", "param", "latent", "observe", "let", "factor")
_ARITY = {
    "const": (0, 0), "input": (0, 0), "data": (0, 0), "param": (0, 0), "plate_size": (0, 0), "arange": (0, 0),
    "eye": (0, 0), "latent": (1, 1), "observe": (2, 3), "network": (1, 2),
}  # fmt: skip  # where the typing rule does not count for itself


def check_args(op: str, types: Sequence[Type], attrs: dict[str, Any], at: str, node: str | None) -> None:
    """The arguments are as many as the operation, the family or the step takes."""
    low, high = _ARITY.get(op, (0, len(types)))
    if not low <= len(types) <= high:
        fail(
            f"{op} has {len(types)} arguments",
            f"{at}.args",
            needed=f"{low}" if low == high else f"{low} or {high}",
            node=node,
        )
    if op.startswith("dist."):
        _check_params(FAMILIES[op[5:]], types, attrs, at, node)
    elif op == "latent":
        _check_latent(types[0], attrs["dims"], at, node)
    elif op == "param":
        shape = attrs["init"].shape if isinstance(attrs["init"], Array) else ()
        if shape != attrs["type"].event:
            fail("the initial value has another shape", f"{at}.attrs.init", given=str(shape), needed=str(attrs["type"]))
    elif op == "scan":
        _check_scan(types, attrs, at, node)
    elif op == "odeint":
        _check_step(attrs["step"], [types[0], None, *types[3:]], 1, at, node)


def _check_params(family: Family, types: Sequence[Type], attrs: dict[str, Any], at: str, node: str | None) -> None:
    given, static = attrs["params"], dict(attrs["static"])
    values = {p.name for p in family.params if p.kind != "static"}
    fixed = {p.name for p in family.params if p.kind == "static"}
    if odd := sorted({*given} - values | static.keys() - fixed):
        fail(f"{family.name} has no parameter {odd[0]!r}", f"{at}.attrs", needed=listed(values | fixed), node=node)
    have = {*given, *static}
    groups = {p.group for p in family.params if p.group}
    lacking = [p.name for p in family.params if p.required and not p.group and p.name not in have]
    lacking += [g for g in groups if sum(p.name in have for p in family.params if p.group == g) != 1]
    if lacking:
        fail(f"{family.name} needs exactly one {lacking[0]!r}", f"{at}.attrs", given=listed(have), node=node)
    steps = [v for v in static.values() if isinstance(v, Subgraph)]
    if len(types) < len(given) or (len(types) > len(given) and not steps):
        fail(
            f"{family.name} has {len(types)} arguments",
            f"{at}.args",
            needed=f"{len(given)}, one for each of params",
            node=node,
        )
    for step in steps:  # its first input is the previous element; then come values along the chain, then others
        rest: list[Type | None] = list(types[len(given) :])
        along = static.get("inputs", 0)
        if not is_count(along) or along > len(rest):
            fail(f"{family.name} has too few arguments", f"{at}.args", needed=f"{along!r} along its plate", node=node)
        rest[:along] = [_element(t, static.get("size"), at, node) for t in types[len(given) : len(given) + along]]
        _check_step(step, [None, *rest], 1, at, node)


def _element(t: Type, length: Any, at: str, node: str | None) -> ArrayType:
    """One element of a sequence over a recurrence's length."""
    if not isinstance(t, ArrayType) or not t.event or t.event[0] != length:
        fail("a sequence does not run over the steps", f"{at}.args", given=str(t), needed=str(length), node=node)
    return ArrayType(t.dims, t.event[1:], t.dtype, t.support)


def _check_latent(dist: Type, dims: tuple[str, ...], at: str, node: str | None) -> None:
    if isinstance(dist, DistType) and (not set(dist.dims) <= set(dims) or set(dist.joint) & set(dims)):
        fail(
            "the dims do not fit the distribution", f"{at}.attrs.dims", given=listed(dims), needed=str(dist), node=node
        )


def _check_scan(types: Sequence[Type], attrs: dict[str, Any], at: str, node: str | None) -> None:
    first, last = attrs["carries"], attrs["carries"] + attrs["sequences"]
    if last > len(types) or len(attrs["step"].outputs) < first:
        fail("the scan has too few arguments or results", f"{at}.args", given=f"{len(types)} arguments", node=node)
    elements = [_element(t, attrs["length"], at, node) if first <= k < last else t for k, t in enumerate(types)]
    _check_step(attrs["step"], elements, first, at, node)


def _check_step(step: Subgraph, given: Sequence[Type | None], results: int, at: str, node: str | None) -> None:
    """The step's inputs are as many as the values given to it and hold them; None is not compared."""
    if len(step.inputs) != len(given) or len(step.outputs) < results:
        fail(
            "the step does not fit the arguments",
            f"{at}.args",
            given=f"{len(given)} values",
            needed=f"{len(step.inputs)}",
            node=node,
        )
    for k, (have, index) in enumerate(zip(given, step.inputs, strict=True)):
        want = step.nodes[index].type
        if have is None:
            continue
        ok = isinstance(have, ArrayType) and isinstance(want, ArrayType)
        if not ok or not set(have.dims) <= set(want.dims) or broadcast(have.event, want.event) != want.event:  # type: ignore[union-attr]
            fail(f"value {k} does not fit the step's input", f"{at}.args", given=str(have), needed=str(want), node=node)
