"""A method's configuration as JSON values, and back.

    {"class": "NUTS", "fields": {"chains": 4, "target_accept": 0.9, "engine": "native", ...}}

The classes that can be read, and so written, are gendsl's own: those of gendsl.methods, those that their fields name,
and classes derived from these; reading runs no code but their own checks. A field that a later version has added takes
its default in what an earlier one wrote.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, get_args, get_type_hints

import numpy as np

from gendsl import methods
from gendsl.errors import FormatError, ModelError, caller
from gendsl.methods import Method

__all__ = ["decode", "encode"]


def encode(value: Any, keep: str | None = None) -> Any:
    """A method, or a part of one, as JSON values.

    Args:
        value: the method.
        keep: how a result is kept whose method cannot be written.

    Raises:
        FormatError: if it holds something that JSON has no form for, or a class of the user's own.
    """
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        if _known().get(kind.__name__) is not kind:
            raise FormatError(
                f"the method holds a class of your own, {kind.__name__}, which files cannot hold",
                given=f"{kind.__module__}.{kind.__qualname__}",
                needed="a method that is made of gendsl's own classes",
                fix=keep,
                where=caller(),
            )
        own = {f.name: encode(getattr(value, f.name), keep) for f in fields(value) if f.init}
        return {"class": kind.__name__, "fields": own}
    if isinstance(value, Enum):
        return encode(value.value)
    if isinstance(value, np.generic):
        return encode(value.item())
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, tuple):
        return [encode(v, keep) for v in value]
    if isinstance(value, Mapping) and all(isinstance(k, str) for k in value):
        return {"map": {k: encode(v, keep) for k, v in value.items()}}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"array": data, "dtype": value.dtype.str, "shape": list(value.shape)}
    raise FormatError(
        "the method holds a value that cannot be written", given=repr(value)[:80], fix=keep, where=caller()
    )


def decode(content: Any) -> Method:
    """The method that `encode` wrote.

    Raises:
        FormatError: if it is none, or of a class or with fields that this version does not know.
    """
    out = _object(content)
    if not isinstance(out, Method):
        raise FormatError("the file's method is none", given=repr(out)[:80], needed=", ".join(_known()))
    return out


def _object(content: Any) -> Any:
    if not isinstance(content, dict) or set(content) != {"class", "fields"} or not isinstance(content["fields"], dict):
        raise FormatError("the file's method is damaged", given=repr(content)[:80], needed="a class and its fields")
    kind = _known().get(str(content["class"]))
    if kind is None:
        raise FormatError(
            f"the file's method '{content['class']}' is unknown",
            needed=f"one of {', '.join(_known())}",
            fix="upgrade gendsl, if a later one wrote the file: pip install --upgrade gendsl",
        )
    given, hints = content["fields"], get_type_hints(kind)
    own = {f.name: f for f in fields(kind) if f.init}
    absent = [n for n, f in own.items() if n not in given and f.default is MISSING and f.default_factory is MISSING]
    if odd := sorted(set(given) - set(own)) or absent:
        raise FormatError(
            f"the file's method {kind.__name__} has other fields than it should",
            given=", ".join(given),
            needed=", ".join(own),
            fix=f"'{odd[0]}' is of another version of gendsl: use that",
        )
    try:
        return kind(**{name: _value(hints[name], v) for name, v in given.items()})
    except FormatError:  # of a part, which it names
        raise
    except (ModelError, TypeError, ValueError) as e:
        raise FormatError(f"the file's method {kind.__name__} is damaged", given=str(e).splitlines()[0]) from None


def _value(hint: Any, value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"map"}:
        return {k: _value(None, v) for k, v in value["map"].items()}
    if isinstance(value, dict) and set(value) == {"array", "dtype", "shape"}:
        content = base64.b64decode(value["array"], validate=True)
        return np.frombuffer(content, np.dtype(value["dtype"])).reshape(value["shape"])
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        items = [a for h in (hint, *get_args(hint)) for a in get_args(h) if a is not Ellipsis]
        return tuple(_value(items[0] if items else None, v) for v in value)
    for kind in (hint, *get_args(hint)):
        if isinstance(kind, type) and issubclass(kind, Enum) and value is not None:
            return kind(value)
    return value


@cache
def _known() -> dict[str, type[Any]]:
    """Methods, and the dataclasses that their fields are declared with, by name."""
    todo: list[type[Any]] = [x for x in vars(methods).values() if isinstance(x, type) and issubclass(x, Method)]
    todo.remove(Method)
    out: dict[str, type[Any]] = {}
    while todo:
        kind = todo.pop()
        if kind.__name__ in out:
            continue
        out[kind.__name__] = kind
        parts = list(get_type_hints(kind).values())
        while parts:
            part = parts.pop()
            parts += get_args(part)
            if isinstance(part, type) and is_dataclass(part):
                todo += [part, *_below(part)]
    return out


def _below(kind: type[Any]) -> list[type[Any]]:
    """The classes of gendsl that are derived from one, near and far."""
    return [k for sub in filter(_own, kind.__subclasses__()) for k in (sub, *_below(sub))]


def _own(kind: type[Any]) -> bool:
    """Whether a class is gendsl's own: any script can read it."""
    return kind.__module__.startswith("gendsl.")
