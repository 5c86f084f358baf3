"""Nodes and the values in their attributes, to and from JSON values.

Scalars, null and tuples (lists) are themselves; everything else is an object with its class by name: `{"class":
"Interval", "closed": [false, false], "lower": 0.0, "upper": null}`. Only the classes of `_CLASSES` exist.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import MISSING, fields
from typing import Any

import numpy as np

from gendsl.densities import CONDITIONALS, DENSITIES
from gendsl.errors import ModelError
from gendsl.graph import constraints as c
from gendsl.graph.infer import infer_node
from gendsl.graph.json.args import SITES, check_args
from gendsl.graph.json.arrays import ENUMS, decode_array, decode_scalar, encode_array
from gendsl.graph.json.attrs import Rules
from gendsl.graph.json.check import check_name, check_type, fail, is_count, is_int
from gendsl.graph.learned import learned_of
from gendsl.graph.networks import networks_of
from gendsl.graph.node import Array, Node, Plate, Subgraph
from gendsl.graph.ops import Problem
from gendsl.graph.types import ArrayType, DistType, DType, TupleType, Type
from gendsl.networks import NETWORKS, TIMES, Native
from gendsl.networks.spec import Spec
from gendsl.processes import PROCESSES, SCHEDULES, Given
from gendsl.samplers import GRIDS, SAMPLERS, ProbabilityFlow
from gendsl.transforms import SCALARS, TRANSFORMS

__all__ = ["Codec"]

_DEPTH = 40  # steps within steps, tuples within tuples


def _bound(x: Any) -> bool:
    return x is None or isinstance(x, c.Ref) or (isinstance(x, (int, float)) and not isinstance(x, bool))


def _closed(x: Any) -> bool:
    return isinstance(x, tuple) and len(x) == 2 and all(isinstance(e, bool) for e in x)


def _names(x: Any) -> bool:
    return isinstance(x, tuple) and all(isinstance(n, str) for n in x) and len(set(x)) == len(x)


def _event(x: Any) -> bool:
    return isinstance(x, tuple) and all(isinstance(s, str) or (is_int(s) and s >= 0) for s in x)


def _array_types(x: Any) -> bool:
    return isinstance(x, tuple) and all(isinstance(t, ArrayType) for t in x)


_TESTS: dict[str, Callable[[Any], bool]] = {
    "lower": _bound, "upper": _bound, "total": _bound, "closed": _closed, "node": is_count, "dims": _names,
    "joint": _names, "event": _event, "family_rank": is_count, "items": _array_types,
    "dtype": lambda x: isinstance(x, DType), "support": lambda x: isinstance(x, c.Constraint),
}  # fmt: skip
_CLASSES: dict[str, Any] = {
    k.__name__: k
    for k in (
        c.Ref, c.Interval, c.Integers, c.Simplex, c.Ordered, c.PositiveOrdered, c.Sphere, c.Counts, c.CorrCholesky,
        c.LowerCholesky, c.CorrMatrix, c.PositiveDefinite, c.Circular, ArrayType, DistType, TupleType,
    )
}  # fmt: skip
_SPECS: dict[str, Any] = {
    **CONDITIONALS,
    **DENSITIES,
    **GRIDS,
    **NETWORKS,
    **PROCESSES,
    **SAMPLERS,
    **SCALARS,
    **SCHEDULES,
    **TIMES,
    **TRANSFORMS,
    "ProbabilityFlow": ProbabilityFlow,
}  # they check their own fields
_KNOWN = {**_CLASSES, **_SPECS}


def _spec(cls: type[Spec], values: dict[str, Any], at: str) -> Spec:
    """A network or a part of one, which checks its own fields."""
    try:
        return cls(**values)
    except ModelError as e:
        return fail(e.problem, at, given=e.given, needed=e.needed, fix=e.fix)


class Codec:
    """Writes and reads the nodes of one graph.

    Args:
        plates: the plates that nodes may mention.
        axes: the named event axes that they may mention.
    """

    def __init__(self, plates: Collection[str], axes: Collection[str]) -> None:
        self.plates = plates
        self._rules = Rules(plates, axes)
        self._depth = 0

    # -- values -------------------------------------------------------------------------------------------------------
    def encode(self, value: Any, at: str) -> Any:
        """A value as JSON."""
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"class": "Float", "value": repr(value)}
        if ENUMS.get(name := type(value).__name__) is type(value):
            return {"class": name, "value": value.value}
        if isinstance(value, tuple):
            return [self._nested(self.encode, v, f"{at}[{i}]") for i, v in enumerate(value)]
        if isinstance(value, Array):
            return encode_array(value)
        if isinstance(value, Subgraph):
            nodes = self._nested(self.encode_nodes, value.nodes, f"{at}.nodes", True)
            return {"class": "Subgraph", "nodes": nodes, "inputs": list(value.inputs), "outputs": list(value.outputs)}
        if type(value) is datetime.date or (type(value) is datetime.datetime and value.tzinfo is None):
            return {"class": "Date" if type(value) is datetime.date else "Datetime", "value": value.isoformat()}
        if isinstance(value, Native):
            fail(
                "a user's own module cannot be written",
                at,
                given=repr(value)[:100],
                needed=f"networks of gendsl: {', '.join(NETWORKS)}",
                fix="keep the code that builds the model",
            )
        if isinstance(value, Given):
            fail(
                "a process that is given by functions cannot be written",
                at,
                given=repr(value)[:100],
                needed=f"processes of gendsl: {', '.join(PROCESSES)}",
                fix="declare it by one of these, or keep the code that builds the model",
            )
        if _KNOWN.get(name) is type(value):
            return {
                "class": name,
                **{f.name: self._nested(self.encode, getattr(value, f.name), f"{at}.{f.name}") for f in fields(value)},
            }
        return fail(
            f"a {name} cannot be written",
            at,
            given=repr(value)[:100],
            needed="numbers, strings, tuples, or gendsl's own classes",
        )

    def decode(self, value: Any, at: str, limit: int | None = None) -> Any:
        """A value from JSON; references to nodes stay below `limit`."""
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, list):
            return tuple(self._nested(self.decode, v, f"{at}[{i}]", limit) for i, v in enumerate(value))
        name = value.get("class")
        rest = {k: v for k, v in value.items() if k != "class"}
        if name == "Array":
            return decode_array(rest, at)
        if name == "Subgraph":
            return self._decode_subgraph(rest, at)
        if name in ("Float", *ENUMS, "Date", "Datetime"):
            return decode_scalar(name, rest, at)
        if not isinstance(name, str) or name not in _KNOWN:
            fail("is of no known class", at, given=f"class {name!r}"[:80], needed=", ".join(sorted(_KNOWN)))
        cls = _KNOWN[name]
        values = {k: self._nested(self.decode, v, f"{at}.{k}", limit) for k, v in rest.items()}
        wanted = {f.name for f in fields(cls)}
        later = {f.name for f in fields(cls) if name in _SPECS and f.default is not MISSING}  # an earlier file lacks it
        if not wanted - later <= set(values) <= wanted:
            fail(
                f"{name} has other fields",
                at,
                given=", ".join(sorted(values)) or "none",
                needed=", ".join(sorted(wanted)) or "none",
            )
        if name in _SPECS:
            return _spec(cls, values, at)
        for k, v in values.items():
            if not _TESTS[k](v):
                fail(f"is no such field of {name}", f"{at}.{k}", given=repr(v)[:80])
        if name == "Ref" and limit is not None and values["node"] >= limit:
            fail("refers to a later node", at, given=str(values["node"]), needed=f"a node below {limit}")
        return cls(**values)

    def _nested(self, call: Callable[..., Any], *args: Any) -> Any:
        self._depth += 1
        if self._depth > _DEPTH:
            fail("is nested too deeply", args[1], needed=f"at most {_DEPTH} levels")
        out = call(*args)
        self._depth -= 1
        return out

    def _decode_subgraph(self, raw: dict[str, Any], at: str) -> Subgraph:
        if set(raw) != {"nodes", "inputs", "outputs"} or not all(isinstance(v, list) for v in raw.values()):
            fail("a Subgraph has lists of nodes, inputs and outputs", at, given=", ".join(sorted(raw)))
        nodes = self._nested(self.decode_nodes, raw["nodes"], f"{at}.nodes", True)
        for key in ("inputs", "outputs"):
            for k in raw[key]:
                if not is_int(k) or not 0 <= k < len(nodes):
                    fail("is no node of the step", f"{at}.{key}", given=repr(k)[:40], needed=f"0 to {len(nodes) - 1}")
        inputs = [i for i, n in enumerate(nodes) if n.op == "input"]
        if sorted(raw["inputs"]) != inputs:
            fail(
                "the step's inputs are its input nodes, each once",
                f"{at}.inputs",
                given=str(raw["inputs"])[:80],
                needed=str(inputs)[:80],
            )
        return Subgraph(nodes, tuple(raw["inputs"]), tuple(raw["outputs"]))

    # -- nodes --------------------------------------------------------------------------------------------------------
    def encode_nodes(self, nodes: Sequence[Node], at: str, inner: bool = False) -> list[dict[str, Any]]:
        """The nodes of a graph or (`inner`) of a step, checked as `decode_nodes` would."""
        out = []
        types: list[Type] = []
        for i, n in enumerate(nodes):
            here = f"{at}[{i}]"
            if n.attrs != tuple(sorted(n.attrs)):
                fail(
                    "the attributes are not sorted",
                    f"{here}.attrs",
                    given=", ".join(k for k, _ in n.attrs),
                    node=n.name,
                )
            inferred = self._check(n.op, n.args, n.attr, n.name, types, here, inner)
            if inferred != n.type:
                fail(
                    "the type does not follow from the operation",
                    here,
                    given=str(n.type),
                    needed=str(inferred),
                    node=n.name,
                )
            types.append(inferred)
            record: dict[str, Any] = {"id": i, "op": n.op}
            record |= {"args": list(n.args)} if n.args else {}
            record |= {"attrs": {k: self.encode(v, f"{here}.attrs.{k}") for k, v in n.attrs}} if n.attrs else {}
            record |= {"name": n.name} if n.name is not None else {}
            out.append(record)
        return out

    def decode_nodes(self, raw: Sequence[Any], at: str, inner: bool = False) -> tuple[Node, ...]:
        """The nodes of a graph or of a step, each checked and typed."""
        out: list[Node] = []
        types: list[Type] = []
        for i, item in enumerate(raw):
            here = f"{at}[{i}]"
            if not isinstance(item, dict) or not {"id", "op"} <= set(item) <= {"id", "op", "args", "attrs", "name"}:
                fail(
                    "is no node",
                    here,
                    given=repr(item)[:100],
                    needed="an object with id, op, and perhaps args, attrs, name",
                )
            if type(item["id"]) is not int or item["id"] != i:
                fail("the ids do not count up", f"{here}.id", given=repr(item["id"])[:40], needed=str(i))
            op, args, attrs, name = item["op"], item.get("args", []), item.get("attrs", {}), item.get("name")
            if not isinstance(op, str) or not isinstance(args, list) or not isinstance(attrs, dict):
                fail("op, args and attrs are a string, a list and an object", here, given=repr(item)[:100])
            values = {k: self.decode(v, f"{here}.attrs.{k}", None if inner else i) for k, v in attrs.items()}
            types.append(self._check(op, tuple(args), values, name, types, here, inner))
            out.append(Node(op, tuple(args), tuple(sorted(values.items())), types[-1], name))
        return tuple(out)

    def _check(
        self, op: str, args: tuple[Any, ...], attrs: dict[str, Any], name: Any, types: list[Type], at: str, inner: bool
    ) -> Type:
        """The type of a node, whose parts are checked first."""
        if name is not None:
            check_name(name, f"{at}.name")
        for k, a in enumerate(args):
            if type(a) is not int or not 0 <= a < len(types):
                fail(
                    "an argument is no earlier node",
                    f"{at}.args[{k}]",
                    given=repr(a)[:40],
                    needed=f"an id below {len(types)}",
                    node=name,
                )
        self._rules.attrs(op, attrs, at, name)
        if (
            (op in SITES) > (name is not None)
            or (inner and (name is not None or op in SITES))
            or (op == "input" and not inner)
        ):
            fail(
                f"{op} cannot stand here",
                at,
                given=f"name {name!r}",
                needed="sites have names and are in no step; inputs are in steps",
                node=name,
            )
        given = [types[a] for a in args]
        check_args(op, given, attrs, at, name)
        try:
            out = infer_node(op, given, attrs, args)
        except Problem as e:
            fail(e.problem, at, given=e.given, needed=e.needed, fix=e.fix, node=name)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as e:
            # The typing rules take for granted what the language checks before.
            fail(
                f"{op} cannot be typed ({type(e).__name__}: {e})", at, given="; ".join(map(str, given))[:200], node=name
            )
        check_type(out, self.plates, at, name)
        return out

    def check_sites(self, nodes: Sequence[Node], plates: Sequence[Plate], at: str) -> None:
        """Names are unique; only an observation shares the name of its data; derived data have a source.

        Calls of one network are alike.
        """
        free = {p.name for p in plates if p.base is None}
        data: set[str] = set()
        sites: set[str] = set()
        for i, n in enumerate(nodes):
            if n.name is None:
                continue
            twice = n.name in (data if n.op == "data" else sites) or n.name in free
            mixed = n.name in sites if n.op == "data" else n.name in data and n.op != "observe"
            if twice or mixed:
                fail(
                    "the name is taken",
                    f"{at}[{i}].name",
                    given=repr(n.name),
                    needed="one name for each node and plate",
                    node=n.name,
                )
            (data if n.op == "data" else sites).add(n.name)
        try:
            networks = networks_of(nodes)
            learned_of(nodes)
        except ModelError as e:
            fail(e.problem, at, given=e.given, needed=e.needed, node=e.node)
        if twice_named := sorted(networks.keys() & (data | sites | {p.name for p in plates})):
            fail("the name is taken", at, given=repr(twice_named[0]), needed="one name for each node and network")
        for i, n in enumerate(nodes):
            if n.op == "data" and (source := n.attr["derived"]) is not None and source[1] not in data:
                fail("is derived from no data", f"{at}[{i}].attrs.derived", given=repr(source), node=n.name)
