"""Constant arrays, and scalars that JSON has no word for."""

from __future__ import annotations

import base64
import binascii
import datetime
import math
from enum import Enum
from typing import Any

import numpy as np

from gendsl.graph.json.check import fail, is_count
from gendsl.graph.node import Array
from gendsl.graph.types import DType
from gendsl.math.diffusion.predicts import Predicts
from gendsl.networks import Activation
from gendsl.samplers import Probe, Variance

__all__ = ["ENUMS", "decode_array", "decode_scalar", "encode_array"]

_SHOWN = 100  # longer arrays are written in base64
_FLOATS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
_DTYPES: dict[str, tuple[str, type]] = {"bool": ("|b1", bool), "int64": ("<i8", int), "float64": ("<f8", float)}

ENUMS: dict[str, type[Enum]] = {k.__name__: k for k in (Activation, DType, Predicts, Probe, Variance)}
"""The enumerations whose members files may hold, by name."""


def decode_scalar(name: str, raw: dict[str, Any], at: str) -> Any:
    """A float that is not finite, a member of an enumeration, a date."""
    value = raw.get("value")
    if set(raw) == {"value"} and isinstance(value, str):
        if name == "Float" and value in _FLOATS:
            return _FLOATS[value]
        if name in ENUMS and value in {m.value for m in ENUMS[name]}:
            return ENUMS[name](value)
        if name in ("Date", "Datetime"):
            try:
                return (datetime.date if name == "Date" else datetime.datetime).fromisoformat(value)
            except ValueError:
                pass
    return fail(f"is no {name}", at, given=repr(raw)[:80])


def encode_array(x: Array) -> dict[str, Any]:
    """As numbers where there are few and the numbers give back the same bytes; else little-endian bytes in base64."""
    values = np.frombuffer(x.data, x.dtype)
    out: dict[str, Any] = {"class": "Array", "dtype": x.dtype, "shape": list(x.shape)}
    if values.size <= _SHOWN and np.isfinite(values).all():
        return out | {"values": values.tolist()}
    return out | {"base64": base64.b64encode(values.astype(_DTYPES[x.dtype][0]).tobytes()).decode("ascii")}


def decode_array(raw: dict[str, Any], at: str) -> Array:
    """The array that `encode_array` wrote."""
    dtype, shape = raw.get("dtype"), raw.get("shape")
    if set(raw) not in ({"dtype", "shape", "values"}, {"dtype", "shape", "base64"}):
        fail("an Array has dtype, shape, and values or base64", at, given=", ".join(sorted(raw)))
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        fail("is no dtype of an Array", f"{at}.dtype", given=repr(dtype)[:40], needed=", ".join(_DTYPES))
    if not isinstance(shape, list) or not all(map(is_count, shape)) or len(shape) > 32:
        fail("is no shape", f"{at}.shape", given=repr(shape)[:80])
    stored, kind = _DTYPES[dtype]
    if "values" in raw:
        items = raw["values"]
        if (
            not isinstance(items, list)
            or not all(type(v) is kind for v in items)
            or (kind is int and not all(-(2**63) <= v < 2**63 for v in items))
        ):
            fail(f"holds other values than {dtype}", f"{at}.values", given=repr(items)[:80])
        data = np.array(items, dtype).tobytes()
    else:
        try:
            coded = base64.b64decode(raw["base64"], validate=True)
            data = np.frombuffer(coded, stored).astype(dtype).tobytes()
        except (TypeError, ValueError, binascii.Error) as e:
            fail(f"holds no array: {e}", f"{at}.base64")
        if kind is bool and not set(coded) <= {0, 1}:
            fail("holds other bytes than 0 and 1", f"{at}.base64")
    if len(data) != math.prod(shape) * np.dtype(dtype).itemsize:
        fail(
            "the shape does not fit the number of values",
            f"{at}.shape",
            given=str(shape),
            needed=f"{len(data) // np.dtype(dtype).itemsize} values",
        )
    return Array(dtype, tuple(shape), data)
