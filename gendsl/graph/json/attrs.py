"""Attributes of operations: each is the operation's own, and of the right class."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from gendsl.graph.families import FAMILIES
from gendsl.graph.json.check import fail, is_count, is_int, listed
from gendsl.graph.node import Array, Subgraph
from gendsl.graph.ops import OPS
from gendsl.graph.types import ArrayType
from gendsl.networks import Network

__all__ = ["Rules"]


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
        return is_count(x) or self.plate(x)

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


def _name(x: Any) -> bool:
    return isinstance(x, str) and x.isidentifier() and not keyword.iskeyword(x) and not x.startswith("__")


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
        (is_count, "a count"),
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
        "network": (_name, "an identifier"), "spec": (lambda x: isinstance(x, Network), "a network"),
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
    elif op in OPS and not OPS[op].lowered:
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
        fail(f"{op} {word} attribute {odd[0]!r}", f"{at}.attrs", given=listed(attrs), needed=listed(wanted), node=node)
    for name, value in attrs.items():
        test, words = rules.get(f"{op}.{name}") or rules.get(name) or (None, "")
        if test is not None and not test(value):
            fail("is no such attribute", f"{at}.attrs.{name}", given=repr(value)[:100], needed=words, node=node)
