"""Graphs as JSON text: readable, checked, and free of code.

The text is one object with the keys format ("gendsl-graph"), version, name, plates, axes, nodes and sha256, and has one
node a line:

    {"args": [2, 3], "attrs": {"expand": [], "params": ["loc", "scale"], "static": []}, "id": 4, "op": "dist.Normal"}

`args` are ids of earlier nodes. Types are not written: `loads` infers each of them again, so no text can make a graph
whose types do not follow from its operations. `sha256` is the checksum of the object without it, written without spaces
and with sorted keys; a file that was merely laid out anew still loads. Source locations are left out.

Reading evaluates and imports nothing: operations, families and classes are looked up in closed tables.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import fields
from typing import Any, NoReturn

from gendsl.errors import FormatError
from gendsl.graph.json.check import check_axis, check_name, check_plate, fail
from gendsl.graph.json.nodes import Codec
from gendsl.graph.node import Axis, Graph, Plate

__all__ = ["FORMAT", "VERSION", "dumps", "loads"]

FORMAT = "gendsl-graph"
VERSION = 1
_AGAIN = "write the file again with model.to_json(), or take an undamaged copy"
_PLATE = tuple(f.name for f in fields(Plate) if f.name != "where")
_AXIS = tuple(f.name for f in fields(Axis))


def dumps(graph: Graph) -> str:
    """The graph as JSON text.

    Args:
        graph: the graph; what `loads` would refuse is refused here too.

    Returns:
        ASCII text that ends with a newline; equal graphs give equal text.

    Raises:
        FormatError: if the graph holds a value of an unknown class, or a node whose type does not follow from its
            operation and arguments.
    """
    check_name(graph.name, "name")
    codec = Codec({p.name for p in graph.plates}, {a.name for a in graph.axes})
    for i, p in enumerate(graph.plates):
        check_plate(p, {q.name for q in graph.plates[:i]}, f"plates[{i}]")
    for i, a in enumerate(graph.axes):
        check_axis(a, {b.name for b in graph.axes[:i]}, f"axes[{i}]")
    content: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "name": graph.name,
        "plates": [
            {f: codec.encode(getattr(p, f), f"plates[{i}].{f}") for f in _PLATE} for i, p in enumerate(graph.plates)
        ],
        "axes": [{f: codec.encode(getattr(a, f), f"axes[{i}].{f}") for f in _AXIS} for i, a in enumerate(graph.axes)],
        "nodes": codec.encode_nodes(graph.nodes, "nodes"),
    }
    codec.check_sites(graph.nodes, graph.plates, "nodes")
    content["sha256"] = _checksum(content)
    rows = [
        f" {json.dumps(key)}: {_block(content[key]) if isinstance(content[key], list) else json.dumps(content[key])}"
        for key in sorted(content)
    ]
    return "{\n" + ",\n".join(rows) + "\n}\n"


def loads(text: str) -> Graph:
    """The graph that `dumps` wrote.

    Args:
        text: the JSON text.

    Returns:
        A graph equal to the one written, without source locations.

    Raises:
        FormatError: if the text is not JSON, not a graph, of a later version, damaged, or declares something that
            cannot stand. The message says where.
    """
    content = _parse(text)
    _check_head(content)
    raw = {key: content.get(key) for key in ("plates", "axes", "nodes")}
    for key, value in raw.items():
        if not isinstance(value, list):
            fail("is no list", key, given=type(value).__name__, fix=_AGAIN)
    name = check_name(content["name"], "name")
    plates = _decode_plates(raw["plates"])
    axes = _decode_axes(raw["axes"])
    codec = Codec({p.name for p in plates}, {a.name for a in axes})
    nodes = codec.decode_nodes(raw["nodes"], "nodes")
    codec.check_sites(nodes, plates, "nodes")
    return Graph(name, nodes, plates, axes)


# -- layout -----------------------------------------------------------------------------------------------------------
def _block(items: list[Any]) -> str:
    return "[\n" + ",\n".join("  " + _row(x, "  ") for x in items) + "\n ]" if items else "[]"


def _row(value: Any, pad: str) -> str:
    """One line; what holds a step gets a line for each of the step's nodes."""
    flat = json.dumps(value, sort_keys=True, allow_nan=False)
    if '"class": "Subgraph"' not in flat:  # a string cannot hold this text: its quotes would be escaped
        return flat
    inner = pad + " "
    if isinstance(value, dict):
        rows = [f"{inner}{json.dumps(k)}: {_row(v, inner)}" for k, v in sorted(value.items())]
        if value.get("class") == "Subgraph":
            nodes = ",\n".join(f"{inner} {_row(n, inner + ' ')}" for n in value["nodes"])
            rows = [f'{inner}"nodes": [\n{nodes}\n{inner}]' if r.lstrip().startswith('"nodes"') else r for r in rows]
        return "{\n" + ",\n".join(rows) + f"\n{pad}}}"
    return "[\n" + ",\n".join(inner + _row(v, inner) for v in value) + f"\n{pad}]"


def _checksum(content: dict[str, Any]) -> str:
    rest = {k: v for k, v in content.items() if k != "sha256"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


# -- reading ----------------------------------------------------------------------------------------------------------
class _NotJSON(ValueError):
    """A text that the standard library would read although it is not JSON, or is ambiguous."""


def _parse(text: str) -> Any:
    if not isinstance(text, str):
        raise FormatError(
            "a graph is read from text", given=type(text).__name__, needed="str", fix="decode it as UTF-8"
        )
    if not text.strip():
        raise FormatError("the text is empty", needed="the text that model.to_json() wrote", fix=_AGAIN)
    try:
        return json.loads(text, parse_constant=_constant, parse_float=_float, object_pairs_hook=_object)
    except json.JSONDecodeError as e:
        cut = e.pos >= len(text.rstrip()) or e.msg.startswith("Unterminated")
        problem = "the text ends too early: it was cut off" if cut else f"the text is not JSON: {e.msg}"
        raise FormatError(
            f"{problem} (line {e.lineno}, column {e.colno})",
            given=repr(text[max(0, e.pos - 20) : e.pos + 20]),
            fix=_AGAIN,
        ) from None
    except RecursionError:
        raise FormatError("the text is nested too deeply to be a graph", fix=_AGAIN) from None
    except ValueError as e:  # ours, and integers of more digits than Python reads
        raise FormatError(f"the text is not JSON: {e}", fix=_AGAIN) from None


def _constant(word: str) -> NoReturn:
    raise _NotJSON(f'{word} is no JSON number; gendsl writes {{"class": "Float", "value": ...}}')


def _float(word: str) -> float:
    if math.isinf(x := float(word)):
        raise _NotJSON(f"the number {word} is out of range")
    return x


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        keys = [k for k, _ in pairs]
        raise _NotJSON(f"key {next(k for k in keys if keys.count(k) > 1)!r} stands twice in one object")
    return out


def _check_head(content: Any) -> None:
    """Format, version, keys and checksum, in the order in which they tell most."""
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        given = (
            f"format {content['format']!r}"[:80] if isinstance(content, dict) and "format" in content else "no format"
        )
        raise FormatError(
            "the text is not a gendsl graph",
            given=given,
            needed=f'"format": "{FORMAT}"',
            fix="choose a file that model.to_json() wrote",
        )
    version = content.get("version")
    if type(version) is not int or version < 1:
        raise FormatError(
            "the graph has no valid version", given=repr(version)[:40], needed=f"an integer up to {VERSION}", fix=_AGAIN
        )
    if version > VERSION:
        raise FormatError(
            "the graph was written by a later gendsl",
            given=f"version {version}",
            needed=f"version {VERSION} or earlier",
            fix="upgrade gendsl: pip install --upgrade gendsl",
        )
    known = {"format", "version", "name", "plates", "axes", "nodes", "sha256"}
    if set(content) != known:
        odd = [f"{k!r} is missing" for k in sorted(known - set(content))] + [
            f"{k!r} is unknown" for k in sorted(set(content) - known)
        ]
        raise FormatError(
            "the graph has other keys than it should",
            given=", ".join(odd)[:200],
            needed=", ".join(sorted(known)),
            fix=_AGAIN,
        )
    try:
        checksum = _checksum(content)
    except (RecursionError, ValueError):
        raise FormatError("the text is nested too deeply to be a graph", fix=_AGAIN) from None
    if content["sha256"] != checksum:
        raise FormatError(
            "the graph is damaged: its checksum does not fit its content",
            given=f"sha256 {content['sha256']!r}"[:90],
            needed=f"sha256 '{checksum}'",
            fix=_AGAIN,
        )


def _decode_plates(raw: list[Any]) -> tuple[Plate, ...]:
    out: list[Plate] = []
    names: set[str] = set()
    for i, item in enumerate(raw):
        values = _record(item, _PLATE, f"plates[{i}]")
        out.append(check_plate(Plate(**values), names, f"plates[{i}]"))
        names.add(out[-1].name)
    return tuple(out)


def _decode_axes(raw: list[Any]) -> tuple[Axis, ...]:
    out: list[Axis] = []
    names: set[str] = set()
    for i, item in enumerate(raw):
        values = _record(item, _AXIS, f"axes[{i}]")
        out.append(check_axis(Axis(**values), names, f"axes[{i}]"))
        names.add(out[-1].name)
    return tuple(out)


def _record(item: Any, keys: tuple[str, ...], at: str) -> dict[str, Any]:
    if not isinstance(item, dict) or set(item) != set(keys):
        fail("is no such record", at, given=repr(item)[:100], needed=f"an object with {', '.join(keys)}")
    codec = Codec(set(), set())
    return {k: codec.decode(v, f"{at}.{k}") for k, v in item.items()}
