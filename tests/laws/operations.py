"""The cases of every operation: how it is written, on what, and its numpy value on one element.

A case is tried with plain operands, with operands over plates (the first over a, the second over b, the third over
both: its value is that of the loop over the plates), and with further event axes on the left of its operands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

import gendsl as gd
from gendsl.graph.ops import OPS
from gendsl.graph.ops.elementwise import BINARY, UNARY
from gendsl.lang.expr import Expr, apply

__all__ = ["CASES", "Case", "Operand"]


@dataclass(frozen=True)
class Operand:
    """Random values of an event shape; `kind` is a float latent, or integer or boolean data."""

    event: tuple[int, ...] = ()
    low: float = -2.0
    high: float = 2.0
    kind: str = "float"
    spd: bool = False

    def draw(self, rng: np.random.Generator, lead: tuple[int, ...]) -> np.ndarray:
        """Values over further leading axes."""
        shape = (*lead, *self.event)
        if self.kind == "bool":
            return rng.random(shape) < 0.5
        if self.kind == "int":
            return rng.integers(int(self.low), int(self.high) + 1, shape)
        x = rng.uniform(self.low, self.high, shape)
        return x @ np.swapaxes(x, -1, -2) + np.eye(x.shape[-1]) if self.spd else x


F, POSITIVE, UNIT = Operand(), Operand(low=0.2, high=3.0), Operand(low=0.05, high=0.95)
INT, B = Operand(low=0, high=5, kind="int"), Operand(kind="bool")
V, M, SPD = Operand((3,)), Operand((3, 3)), Operand((3, 3), spd=True)


@dataclass(frozen=True)
class Case:
    """One way to use an operation.

    Attributes:
        build: the expression of the operands.
        operands: what they are.
        value: its numpy value on one element of the plates.
        modes: the kinds of operands it is tried with.
    """

    build: Callable[..., Expr]
    operands: tuple[Operand, ...]
    value: Callable[..., Any]
    modes: tuple[str, ...] = field(default=("plain", "plated", "event"))


CASES: dict[str, list[Case]] = {}
NOT_EVENT = ("plain", "plated")


def _add(op: str, build: Callable[..., Expr], *operands: Operand, value: Any = None, modes: Any = None) -> None:
    case = Case(build, operands, value or OPS[op].numpy, modes or ("plain", "plated", "event"))
    CASES.setdefault(op, []).append(case)


# -- elementwise ------------------------------------------------------------------------------------------------------
_DOMAIN = {
    **dict.fromkeys(("log", "log1p", "sqrt", "gammaln", "digamma", "reciprocal"), POSITIVE),
    **dict.fromkeys(("arcsin", "arccos", "erfinv"), Operand(low=-0.9, high=0.9)),
    **dict.fromkeys(("logit", "ndtri"), UNIT),
    "tan": Operand(low=-1.2, high=1.2),
    "logical_not": B,
}
_INTEGERS = ("neg", "abs", "sign", "square", "sqrt", "exp", "to_float", "relu", "sin", "gammaln")
for _name in UNARY:
    _add(_name, lambda x, op=_name: apply(op, x), _DOMAIN.get(_name, F))
    if _name in _INTEGERS:
        _add(_name, lambda x, op=_name: apply(op, x), Operand(low=1, high=5, kind="int"))
_add("to_int", gd.to_int, B)
_add("to_float", gd.to_float, B)

_LEFT = {"pow": POSITIVE, "xlogy": POSITIVE, "logical_and": B, "logical_or": B, "logical_xor": B}
_RIGHT = {
    **dict.fromkeys(("div", "floordiv", "mod", "xlogy"), Operand(low=0.3, high=2.0)),
    "logical_and": B,
    "logical_or": B,
    "logical_xor": B,
}
for _name in BINARY:
    _left, _right = _LEFT.get(_name, F), _RIGHT.get(_name, F)
    _add(_name, lambda a, b, op=_name: apply(op, a, b), _left, _right)
    if not _name.startswith("logical"):
        _add(_name, lambda a, b, op=_name: apply(op, a, b), INT, Operand(low=1, high=4, kind="int"))
        _add(_name, lambda b, op=_name: apply(op, 2.5, b), _right, value=lambda b, op=_name: BINARY[op][0](2.5, b))
        _add(_name, lambda a, op=_name: apply(op, a, 2), _left, value=lambda a, op=_name: BINARY[op][0](a, 2))
_add("add", lambda a, b: a + b, F, B)
_add("pow", lambda a, b: a**b, Operand(low=1, high=5, kind="int"), INT, value=lambda a, b: np.power(a * 1.0, b))
_add("pow", lambda a: a**-1, Operand(low=1, high=5, kind="int"), value=lambda a: 1 / a)
_add("pow", lambda b: 2 ** (1 - b), INT, value=lambda b: 2.0 ** (1 - b))
_add("mul", lambda a, b: a * b, INT, F)
_add("where", gd.where, B, F, F)
_add("where", lambda c, a: gd.where(c, a, 1), B, INT, value=lambda c, a: np.where(c, a, 1))
_add("where", lambda c: gd.where(c, 2, 3), B, value=lambda c: np.where(c, 2, 3))
_add("clip", lambda x: gd.clip(x, -0.51, 1), F, value=lambda x: np.clip(x, -0.51, 1))
_add("clip", gd.clip, F, Operand(low=-1.0, high=0.0), Operand(low=0.1, high=1.0))


# -- reductions -------------------------------------------------------------------------------------------------------
def _reduced(op: str, **attrs: Any) -> Any:
    return lambda x: OPS[op].numpy(x, **attrs)  # type: ignore[misc]


for _name in ("sum", "prod", "mean", "max", "min", "logsumexp", "all", "any"):
    _x = Operand((3, 2), kind="bool") if _name in ("all", "any") else Operand((3, 2))
    for _axes in ((-1,), (-2,), (-2, -1)):
        _add(
            _name,
            lambda x, op=_name, axes=_axes: apply(op, x, axes=axes, dims=()),
            _x,
            value=_reduced(_name, axes=_axes, dims=()),
        )
_add("sum", lambda x: x.sum(), Operand((3,), kind="int", high=4), value=lambda x: x.sum(-1), modes=NOT_EVENT)
_add("max", lambda x: x.max(-1), Operand((3,), kind="bool"), value=lambda x: x.max(-1))
for _axis in (-1, 0):
    _value = partial(OPS["softmax"].numpy, axis=_axis)
    _add("softmax", lambda x, a=_axis: gd.softmax(x, a), M, value=_value, modes=NOT_EVENT)
for _name in ("cumsum", "cumprod", "logcumsumexp"):
    for _axis in (-1, -2):
        _add(
            _name,
            lambda x, op=_name, axis=_axis: apply(op, x, axis=axis),
            Operand((3, 2)),
            value=_reduced(_name, axis=_axis),
        )
_COUNTS, _CONDITIONS = Operand((3,), kind="int", high=4), Operand((3,), kind="bool")
for _given in (_COUNTS, _CONDITIONS):
    _add("mean", lambda x: x.mean(), _given, value=lambda x: x.mean(-1), modes=NOT_EVENT)
    _add("logsumexp", gd.logsumexp, _given, value=lambda x: np.log(np.exp(x * 1.0).sum(-1)), modes=NOT_EVENT)
    _add("logcumsumexp", gd.logcumsumexp, _given, value=lambda x: np.log(np.exp(x * 1.0).cumsum(-1)), modes=NOT_EVENT)
    _add("matmul", lambda a, b: a @ b, _given, _given, value=lambda a, b: (a * 1.0) @ b, modes=NOT_EVENT)
_add("cumsum", lambda x: gd.cumsum(x), Operand((3,), kind="int", high=4), value=lambda x: x.cumsum(-1))

# -- shape ------------------------------------------------------------------------------------------------------------
_X = Operand((2, 3))
_add("reshape", lambda x: x.reshape(3, 2), _X, value=lambda x: x.reshape(3, 2), modes=NOT_EVENT)
_add("reshape", lambda x: gd.reshape(x, -1), _X, value=lambda x: x.reshape(-1), modes=NOT_EVENT)
_add("transpose", lambda x: x.T, _X, value=lambda x: np.swapaxes(x, -1, -2))
_add(
    "transpose",
    lambda x: gd.transpose(x, (1, 2, 0)),
    Operand((2, 3, 2)),
    value=lambda x: np.transpose(x, (1, 2, 0)),
    modes=NOT_EVENT,
)
_add("expand_dims", lambda x: gd.expand_dims(x, -1), _X, value=lambda x: x[..., None])
_add("expand_dims", lambda x: x[..., None, :], _X, value=lambda x: x[..., None, :])
_add(
    "broadcast_event",
    lambda x: gd.broadcast_to(x, (4, 3)),
    V,
    value=lambda x: np.broadcast_to(x, (4, 3)),
    modes=NOT_EVENT,
)
_add(
    "broadcast_event", lambda x: gd.broadcast_to(x, (2,)), F, value=lambda x: np.broadcast_to(x, (2,)), modes=NOT_EVENT
)
_add("stack", lambda a, b: gd.stack([a, b]), F, F)
_add(
    "stack",
    lambda a, b: gd.stack([a, b, 0.5], 0),
    V,
    F,
    value=lambda a, b: np.stack(np.broadcast_arrays(a, b, 0.5)),
    modes=NOT_EVENT,
)
_add("stack", lambda a, b: gd.stack([a, 2, b]), INT, INT, value=lambda a, b: np.stack(np.broadcast_arrays(a, 2, b), -1))
_add(
    "concatenate",
    lambda a, b: gd.concatenate([a, b]),
    V,
    Operand((2,)),
    value=lambda a, b: np.concatenate([a, b]),
    modes=NOT_EVENT,
)
_add(
    "concatenate",
    lambda a, b: gd.concatenate([b, np.ones((1, 3)), a], 0),
    _X,
    Operand((1, 3), kind="int"),
    value=lambda a, b: np.concatenate([b, np.ones((1, 3)), a], 0),
    modes=NOT_EVENT,
)
_add("flip", lambda x: gd.flip(x), _X, value=lambda x: np.flip(x, -1))
_add("flip", lambda x: gd.flip(x, -2), _X, value=lambda x: np.flip(x, -2))
for _key in (slice(1, None), slice(None, -1), slice(None, None, 2), slice(None, None, -1), slice(2, 0, -1)):
    _add("slice", lambda x, k=_key: x[..., k], V, value=lambda x, k=_key: x[..., k])
    _add("slice", lambda x, k=_key: x[..., k, :], Operand((3, 2)), value=lambda x, k=_key: x[..., k, :])
_add("index", lambda x: x[..., 1], _X, value=lambda x: x[..., 1])
_add("index", lambda x: x[..., -1, :], _X, value=lambda x: x[..., -1, :])
_PICKS = np.array([[2, 0], [1, 1]])
_add("gather", lambda x: x[..., _PICKS], V, value=lambda x: x[..., _PICKS], modes=NOT_EVENT)
_add(
    "gather",
    lambda x, i: x[..., i],
    V,
    Operand(high=2, low=0, kind="int"),
    value=lambda x, i: x[..., i],
    modes=NOT_EVENT,
)
_add(
    "gather",
    lambda x, i, j: x[..., i, j],
    _X,
    Operand((4,), 0, 1, "int"),
    Operand((4,), 0, 2, "int"),
    value=lambda x, i, j: x[i, j],
    modes=NOT_EVENT,
)
_add("gather", lambda x, i: x[..., i, :], _X, Operand((4,), 0, 1, "int"), value=lambda x, i: x[i], modes=NOT_EVENT)

# -- linear algebra ---------------------------------------------------------------------------------------------------
for _a, _b in (((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 2)), ((4, 2, 3), (3,)), ((3,), (4, 3, 2))):
    _add("matmul", gd.matmul, Operand(_a), Operand(_b), modes=NOT_EVENT)
_add("matmul", gd.matmul, _X, Operand((3, 2)))
_add("matmul", lambda a, b: a * (b @ a), V, M, value=lambda a, b: a * (b @ a), modes=NOT_EVENT)
_add("matmul", lambda a: a @ np.ones((3, 2)), _X, value=lambda a: a @ np.ones((3, 2)))
_add("outer", gd.outer, V, Operand((2,)))
_add("cholesky", gd.cholesky, SPD)
_add("inv", gd.inv, SPD)
_add("logdet", gd.logdet, SPD)
_add("solve", gd.solve, SPD, V, value=np.linalg.solve, modes=NOT_EVENT)
_add("solve", gd.solve, SPD, Operand((3, 3)), value=np.linalg.solve)
_add("solve", lambda a: gd.solve(a, np.ones((3, 3))), SPD, value=lambda a: np.linalg.solve(a, np.ones((3, 3))))


def _triangular(a: np.ndarray, b: np.ndarray, lower: bool, transposed: bool) -> np.ndarray:
    t = np.tril(a) if lower else np.triu(a)
    return np.linalg.solve(np.swapaxes(t, -1, -2) if transposed else t, b)


for _lower in (True, False):
    for _turned in (True, False):
        _flags = {"lower": _lower, "transposed": _turned}
        _value = lambda a, b, f=_flags: _triangular(a, b, **f)  # noqa: E731
        _add(
            "solve_triangular",
            lambda a, b, f=_flags: gd.solve_triangular(a, b, **f),
            SPD,
            Operand((3, 2)),
            value=_value,
        )
        _add(
            "solve_triangular",
            lambda a, b, f=_flags: gd.solve_triangular(a, b, **f),
            SPD,
            V,
            value=_value,
            modes=NOT_EVENT,
        )
_add("diag", gd.diag, V)
_add("diagonal", gd.diagonal, M)
_add("add_diagonal", gd.add_diagonal, M, F, value=lambda x, d: x + d * np.eye(3), modes=NOT_EVENT)
_add("add_diagonal", gd.add_diagonal, M, V, value=lambda x, d: x + d[..., None] * np.eye(3))
_add("tril", lambda x: gd.tril(x, -1), M, value=lambda x: np.tril(x, -1))


def _rows(x: np.ndarray) -> np.ndarray:
    out = np.zeros((*x.shape[:-1], 3, 3))
    out[..., *np.tril_indices(3)] = x
    return out


_add("vector_to_tril", lambda x: apply("vector_to_tril", x, size=3), Operand((6,)), value=_rows)
_add("const", lambda x: x + np.arange(3.0), F, value=lambda x: x + np.arange(3.0), modes=NOT_EVENT)
_add(
    "const",
    lambda x: x * np.arange(24.0).reshape(8, 3),
    V,
    value=lambda x: x * np.arange(24.0).reshape(8, 3),
    modes=NOT_EVENT,
)
_add("eye", lambda x: x * apply("eye", builder=x.builder, size=3), V, value=lambda x: x * np.eye(3), modes=NOT_EVENT)
_add("let", lambda x: x * 2.0, F, value=lambda x: x * 2.0)
