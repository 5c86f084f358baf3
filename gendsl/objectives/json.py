"""Objectives as JSON values, and back.

    {"class": "ELBO", "fields": {"guide": {"class": "MeanField", "fields": {"scale": 0.1}}, "particles": 1, ...}}

A guide that is a model is {"model": its own JSON}, a network {"spec": as graphs write it}. Classes are looked up in
closed tables; reading runs no code but their own checks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from gendsl.choice import Choice
from gendsl.errors import FormatError, ModelError
from gendsl.graph.json.nodes import Codec
from gendsl.guide import GUIDES
from gendsl.math.adversarial import LOSSES
from gendsl.networks.spec import Spec
from gendsl.objectives.adversarial import PENALTIES
from gendsl.objectives.base import OBJECTIVES, Objective
from gendsl.objectives.baseline import Baseline
from gendsl.objectives.evidence import Gradient

if TYPE_CHECKING:
    from gendsl.lang.model import Model

__all__ = ["FORMAT", "VERSION", "decode", "dumps", "encode", "is_model", "loads"]

FORMAT, VERSION = "gendsl-model", 1
_AGAIN = "write the file again with model.to_json(), or take an undamaged copy"
_CLASSES: dict[str, type[Any]] = {**OBJECTIVES, **GUIDES, **LOSSES, **PENALTIES, "Baseline": Baseline}


def encode(value: Any) -> Any:
    """An objective, or a part of one, as JSON values."""
    from gendsl.lang.model import Model

    if _CLASSES.get(type(value).__name__) is type(value):
        own = {f.name: encode(getattr(value, f.name)) for f in fields(value) if f.init}
        return {"class": type(value).__name__, "fields": own}
    if isinstance(value, Model):
        return {"model": json.loads(value.to_json())}
    if isinstance(value, Spec):
        return {"spec": Codec((), ()).encode(value, "objective")}
    if isinstance(value, Gradient):
        return {"gradient": value.name}
    if isinstance(value, Mapping):
        return {"map": {str(k): encode(v) for k, v in value.items()}}
    if isinstance(value, Choice):
        return value.value
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, tuple):
        return [encode(v) for v in value]
    raise FormatError("the objective holds a value that cannot be written", given=repr(value)[:80])


def decode(content: Any) -> Objective:
    """The objective that `encode` wrote.

    Raises:
        FormatError: if it is none, or of a class or with fields that this version does not know.
    """
    out = _value(content)
    if not isinstance(out, Objective):
        raise FormatError("the objective is none", given=repr(out)[:80], needed=", ".join(OBJECTIVES), fix=_AGAIN)
    return out


def _value(content: Any) -> Any:
    if isinstance(content, list):
        return tuple(_value(v) for v in content)
    if not isinstance(content, dict):
        return content
    readers: dict[frozenset[str], Callable[[dict[str, Any]], Any]] = {
        frozenset({"class", "fields"}): _object,
        frozenset({"model"}): _model,
        frozenset({"spec"}): lambda c: Codec((), ()).decode(c["spec"], "objective"),
        frozenset({"gradient"}): lambda c: _gradient(c["gradient"]),
        frozenset({"map"}): lambda c: {k: _value(v) for k, v in dict(c["map"]).items()},
    }
    reader = readers.get(frozenset(content))
    if reader is None:
        raise FormatError("a part of the objective is damaged", given=repr(content)[:80], fix=_AGAIN)
    return reader(content)


def _model(content: dict[str, Any]) -> Model:
    from gendsl.lang.model import Model

    return Model.from_json(json.dumps(content["model"]))


def _gradient(name: Any) -> Gradient:
    if name not in Gradient.__members__:
        raise FormatError("unknown gradient", given=repr(name)[:80], needed=", ".join(Gradient.__members__), fix=_AGAIN)
    return Gradient[name]


def _object(content: dict[str, Any]) -> Any:
    kind, given = _CLASSES.get(str(content["class"])), content["fields"]
    if kind is None or not isinstance(given, dict):
        raise FormatError(
            f"the objective '{content['class']}' is unknown",
            given=repr(content["class"])[:80],
            needed=f"one of {', '.join(_CLASSES)}",
            fix="upgrade gendsl: pip install --upgrade gendsl",
        )
    try:
        return kind(**{name: _value(v) for name, v in given.items()})
    except ModelError as e:
        raise FormatError(
            f"the objective {kind.__name__} is damaged", given=str(e).splitlines()[0], fix=_AGAIN
        ) from None


def dumps(graph: str, objective: Objective) -> str:
    """A graph's JSON with an objective, as JSON text.

    Args:
        graph: the graph's own JSON text.
        objective: the objective.
    """
    content = {"format": FORMAT, "version": VERSION, "graph": json.loads(graph), "objective": encode(objective)}
    return json.dumps(content | {"sha256": _checksum(content)}, indent=1, sort_keys=True) + "\n"


def is_model(text: str) -> bool:
    """Whether a text is what `dumps` wrote, rather than a graph."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError, TypeError):
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT


def loads(text: str) -> tuple[str, Objective]:
    """The graph's JSON text and the objective that `dumps` wrote.

    Raises:
        FormatError: if the text is damaged or from a later version.
    """
    content = json.loads(text)
    checksum = content.pop("sha256", None)
    if set(content) != {"format", "version", "graph", "objective"} or checksum != _checksum(content):
        raise FormatError("the model's text is damaged", given="another checksum, or other keys", fix=_AGAIN)
    if content["version"] != VERSION:
        raise FormatError(
            "the model's text is of a later version",
            given=str(content["version"]),
            needed=str(VERSION),
            fix="upgrade gendsl: pip install --upgrade gendsl",
        )
    return json.dumps(content["graph"]), decode(content["objective"])


def _checksum(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
