"""What a graph read from a file must satisfy besides its types: names, plates, and the attributes of operations.

The typing rules trust their caller on the number and the classes of attributes; a file is not trusted.
"""

from __future__ import annotations

import datetime
import keyword
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from gendsl.errors import FormatError
from gendsl.graph.families import FAMILIES, Family
from gendsl.graph.node import Array, Axis, Plate, Subgraph
from gendsl.graph.ops import OPS
from gendsl.graph.types import ArrayType, DistType, TupleType, Type, broadcast

__all__ = ["SITES", "check_attrs", "check_axis", "check_name", "check_plate", "check_shape", "check_type", "fail"]

SITES = ("data", "param", "latent", "observe", "let", "factor")
_LABEL = (int, float, str, bool, type(None), datetime.date)


def fail(
    problem: str,
    at: str,
    *,
    given: str | None = None,
    needed: str | None = None,
    fix: str | None = None,
    node: str | None = None,
) -> NoReturn:
    """Raise the FormatError of a place in the file."""
    raise FormatError(f"{at}: {problem}", node=node, given=given, needed=needed, fix=fix)


def check_name(name: Any, at: str) -> str:
    """A name that may stand in emitted programs."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
        fail(
            "is not a name",
            at,
            given=repr(name)[:80],
            needed="a Python identifier: letters, digits and _, not a keyword",
        )
    return name


def is_int(x: Any) -> bool:
    """Whether x is an integer and no bool."""
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool)


def _count(x: Any) -> bool:
    return is_int(x) and bool(x >= 0)


def check_plate(p: Plate, earlier: Collection[str], at: str) -> Plate:
    """A plate with a free name, a sensible size, and a base that stands before it."""
    _check_labels(p.name, p.size, p.coords, earlier, at)
    if p.subsample is not None and not (is_int(p.subsample) and 1 <= p.subsample <= (p.size or p.subsample)):
        fail("a minibatch is smaller than its plate", f"{at}.subsample", given=repr(p.subsample), node=p.name)
    if p.base is not None and p.base not in earlier:
        fail("the base is no earlier plate", f"{at}.base", given=repr(p.base), needed=_one_of(earlier), node=p.name)
    if not (_count(p.start) and _count(p.stop)) or (p.base is None and (p.start or p.stop)):
        fail(
            "start and stop count elements dropped from a base",
            at,
            given=f"start={p.start!r}, stop={p.stop!r}",
            node=p.name,
        )
    return p


def check_axis(a: Axis, earlier: Collection[str], at: str) -> Axis:
    """An axis with a free name and a length."""
    _check_labels(a.name, a.size, a.coords, earlier, at)
    if a.size is None:
        fail("an axis has a length", f"{at}.size", given="null", needed="a positive integer", node=a.name)
    return a


def _check_labels(name: Any, size: Any, coords: Any, earlier: Collection[str], at: str) -> None:
    if check_name(name, f"{at}.name") in earlier:
        fail("the name is taken", f"{at}.name", given=repr(name), needed="one name for each")
    if size is not None and not (is_int(size) and size >= 1):
        fail("is no size", f"{at}.size", given=repr(size)[:40], needed="a positive integer, or null", node=name)
    if coords is None:
        return
    if (
        not isinstance(coords, tuple)
        or not all(isinstance(c, _LABEL) for c in coords)
        or len(coords) != (size or len(coords))
    ):
        fail(
            "coords are one label for each element",
            f"{at}.coords",
            given=repr(coords)[:80],
            needed=f"{size} labels",
            node=name,
        )


def _one_of(names: Collection[str]) -> str:
    return "one of " + ", ".join(sorted(names)[:12]) if names else "none is declared"


# -- attributes -------------------------------------------------------------------------------------------------------
class Known:
    """The plates and axes that attributes may mention."""

    def __init__(self, plates: Collection[str], axes: Collection[str]) -> None:
        self.plates, self.axes = plates, axes

    def plate(self, x: Any) -> bool:
        """A plate."""
        return isinstance(x, str) and x in self.plates

    def plates_(self, x: Any) -> bool:
        """Distinct plates."""
        return isinstance(x, tuple) and all(map(self.plate, x)) and len(set(x)) == len(x)

    def size(self, x: Any) -> bool:
        """A length, or the plate whose length it is."""
        return _count(x) or self.plate(x)

    def sizes(self, x: Any) -> bool:
        """An event shape."""
        return isinstance(x, tuple) and all(map(self.size, x))

    def labels(self, x: Any) -> bool:
        """Names of event axes."""
        return isinstance(x, tuple) and all(a is None or (isinstance(a, str) and a in self.axes) for a in x)


def _flag(x: Any) -> bool:
    return isinstance(x, bool)


def _ints(x: Any) -> bool:
    return isinstance(x, tuple) and all(map(is_int, x))


def _optional_int(x: Any) -> bool:
    return x is None or is_int(x)


def _value(x: Any) -> bool:
    return isinstance(x, (int, float, Array, np.number))


def _step(x: Any) -> bool:
    return isinstance(x, Subgraph)


def _derived(x: Any) -> bool:
    return x is None or (isinstance(x, tuple) and len(x) == 2 and all(isinstance(s, str) for s in x))


def _params(x: Any) -> bool:
    return isinstance(x, tuple) and all(isinstance(n, str) for n in x) and len(set(x)) == len(x)


def _static(x: Any) -> bool:
    return (
        isinstance(x, tuple)
        and all(isinstance(p, tuple) and len(p) == 2 for p in x)
        and _params(tuple(p[0] for p in x))
    )


def _rules(k: Known) -> dict[str, tuple[Callable[[Any], bool], str]]:
    """Attribute, or operation.attribute -> its test, and words for what it needs; the typing rule sees to others."""
    plate, plates, size, sizes = (
        (k.plate, "a plate"),
        (k.plates_, "distinct plates"),
        (k.size, "a length or a plate"),
        (k.sizes, "lengths or plates"),
    )
    flag, integer, ints, count = (
        (_flag, "true or false"),
        (is_int, "an integer"),
        (_ints, "integers"),
        (_count, "a count"),
    )
    optional_int, step, value = (
        (_optional_int, "an integer or null"),
        (_step, "a Subgraph"),
        (_value, "a number or an Array"),
    )
    labels = (k.labels, "axes or null")
    tolerance = (lambda x: isinstance(x, (float, np.floating)) and bool(x > 0), "a positive number")
    return {
        "dims": plates, "sizes": sizes, "shape": sizes, "plate": plate, "size": size, "length": size, "expand": sizes,
        "axis": integer, "at": integer, "k": integer, "axes": ints, "lower": flag, "transposed": flag, "reverse": flag,
        "carries": count, "sequences": count, "max_steps": count, "rtol": tolerance, "atol": tolerance, "step": step,
        "item.at": count, "slice.start": optional_int, "slice.stop": optional_int, "slice.step": optional_int,
        "shift.start": count, "shift.stop": count, "value": value, "init": value,
        "type": (lambda x: isinstance(x, ArrayType), "an ArrayType"),
        "data.axes": labels, "param.axes": labels, "latent.axes": labels, "let.axes": labels,
        "centered": (lambda x: x is None or isinstance(x, bool), "true, false or null"),
        "indexes": (lambda x: x is None or k.plate(x), "a plate or null"),
        "derived": (_derived, "what and of which data, or null"),
        "params": (_params, "distinct names of parameters"), "static": (_static, "pairs of name and value"),
    }  # fmt: skip


class Rules:
    """The tests of attributes against the plates and axes of one graph."""

    def __init__(self, plates: Collection[str], axes: Collection[str]) -> None:
        self.plates = plates
        self._rules = _rules(Known(plates, axes))

    def attrs(self, op: str, attrs: dict[str, Any], at: str, node: str | None) -> None:
        """Refuse attributes that the operation does not have, lacks, or that are of the wrong class."""
        check_attrs(self._rules, op, attrs, at, node)


def check_attrs(
    rules: dict[str, tuple[Callable[[Any], bool], str]], op: str, attrs: dict[str, Any], at: str, node: str | None
) -> None:
    """The operation is known and its attributes are its own, complete, and of the right classes."""
    if op.startswith("dist."):
        if op[5:] not in FAMILIES:
            fail(
                "is no family of distributions",
                f"{at}.op",
                given=repr(op),
                fix="upgrade gendsl, if a later one wrote the file",
                node=node,
            )
        wanted: Sequence[str] = ("params", "static", "expand")
    elif op in OPS:
        wanted = OPS[op].attrs
    else:
        fail(
            "is no operation",
            f"{at}.op",
            given=repr(op)[:60],
            fix="upgrade gendsl, if a later one wrote the file",
            node=node,
        )
    if odd := sorted(set(attrs) ^ set(wanted)):
        word = "lacks" if odd[0] in wanted else "has no"
        fail(f"{op} {word} attribute {odd[0]!r}", f"{at}.attrs", given=_names(attrs), needed=_names(wanted), node=node)
    for name, value in attrs.items():
        test, words = rules.get(f"{op}.{name}") or rules.get(name) or (None, "")
        if test is not None and not test(value):
            fail("is no such attribute", f"{at}.attrs.{name}", given=repr(value)[:100], needed=words, node=node)


def _names(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"


# -- arguments --------------------------------------------------------------------------------------------------------
_ARITY = {
    "const": (0, 0), "input": (0, 0), "data": (0, 0), "param": (0, 0), "plate_size": (0, 0), "arange": (0, 0),
    "eye": (0, 0), "latent": (1, 1), "observe": (2, 3),
}  # fmt: skip  # where the typing rule does not count for itself


def check_shape(op: str, types: Sequence[Type], attrs: dict[str, Any], at: str, node: str | None) -> None:
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
    elif op == "scan":
        _check_scan(types, attrs, at, node)
    elif op == "odeint":
        _check_step(attrs["step"], [types[0], None, *types[3:]], 1, at, node)


def _check_params(family: Family, types: Sequence[Type], attrs: dict[str, Any], at: str, node: str | None) -> None:
    given, static = attrs["params"], dict(attrs["static"])
    values = {p.name for p in family.params if p.kind != "static"}
    fixed = {p.name for p in family.params if p.kind == "static"}
    if odd := sorted({*given} - values | static.keys() - fixed):
        fail(f"{family.name} has no parameter {odd[0]!r}", f"{at}.attrs", needed=_names(values | fixed), node=node)
    have = {*given, *static}
    groups = {p.group for p in family.params if p.group}
    lacking = [p.name for p in family.params if p.required and not p.group and p.name not in have]
    lacking += [g for g in groups if sum(p.name in have for p in family.params if p.group == g) != 1]
    if lacking:
        fail(f"{family.name} needs exactly one {lacking[0]!r}", f"{at}.attrs", given=_names(have), node=node)
    steps = [v for v in static.values() if isinstance(v, Subgraph)]
    if len(types) < len(given) or (len(types) > len(given) and not steps):
        fail(
            f"{family.name} has {len(types)} arguments",
            f"{at}.args",
            needed=f"{len(given)}, one for each of params",
            node=node,
        )
    for step in steps:  # its first input is the previous element, the others are the arguments after the parameters
        _check_step(step, [None, *types[len(given) :]], 1, at, node)


def _check_latent(dist: Type, dims: tuple[str, ...], at: str, node: str | None) -> None:
    if isinstance(dist, DistType) and (not set(dist.dims) <= set(dims) or set(dist.joint) & set(dims)):
        fail(
            "the dims do not fit the distribution", f"{at}.attrs.dims", given=_names(dims), needed=str(dist), node=node
        )


def _check_scan(types: Sequence[Type], attrs: dict[str, Any], at: str, node: str | None) -> None:
    first, last = attrs["carries"], attrs["carries"] + attrs["sequences"]
    elements: list[Type | None] = list(types)
    for k in range(first, min(last, len(types))):
        t = types[k]
        if not isinstance(t, ArrayType) or not t.event or t.event[0] != attrs["length"]:
            fail(
                "a sequence does not run over the scan's length",
                f"{at}.args[{k}]",
                given=str(t),
                needed=str(attrs["length"]),
                node=node,
            )
        elements[k] = ArrayType(t.dims, t.event[1:], t.dtype, t.support)
    if last > len(types) or len(attrs["step"].outputs) < first:
        fail("the scan has too few arguments or results", f"{at}.args", given=f"{len(types)} arguments", node=node)
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


def check_type(t: Type, plates: Collection[str], at: str, node: str | None) -> None:
    """Every dim and every size that is a name is a plate."""
    for name in _plates_of(t):
        if name not in plates:
            fail(f"there is no plate {name!r}", at, given=str(t), needed=_one_of(plates), node=node)


def _plates_of(t: Type) -> Iterator[str]:
    if isinstance(t, TupleType):
        for item in t.items:
            yield from _plates_of(item)
        return
    yield from t.dims
    yield from (s for s in t.event if isinstance(s, str))
    if isinstance(t, DistType):
        yield from t.joint
