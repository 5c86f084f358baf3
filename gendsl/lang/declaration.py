"""The inside of `Model`: claiming names, checking dims, and the declarations that are made of others."""

from __future__ import annotations

import keyword
from enum import Enum
from typing import Any

import numpy as np

from gendsl.errors import Location, ModelError, caller
from gendsl.graph.constraints import Constraint, boolean, implies, real
from gendsl.graph.node import Plate as PlateSpec
from gendsl.graph.types import ArrayType, DistType, DType
from gendsl.lang.builder import Builder
from gendsl.lang.distributions.base import Distribution
from gendsl.lang.expr import Expr, apply
from gendsl.lang.indexing import from_event
from gendsl.lang.plates import Axis, Dims, dim_names

__all__ = ["Declaration", "Missing", "dtype_of", "event_of"]

_DTYPES: dict[Any, DType] = {float: DType.FLOAT, int: DType.INT, bool: DType.BOOL}


class Missing(Enum):
    """What to do with missing (NaN or masked) observations.

    ERROR refuses them. MASK leaves them out of the likelihood. IMPUTE makes them latents, in `<name>_missing`.
    """

    ERROR = "error"
    MASK = "mask"
    IMPUTE = "impute"


class Declaration:
    """A graph under declaration; `Model` is its public side."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder

    def _claim(self, name: str) -> Location | None:
        where = caller()
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
            raise ModelError(
                "a name is a Python identifier",
                node=str(name),
                given=repr(name),
                needed="letters, digits and _, not starting with a digit, not a keyword",
                where=where,
            )
        names = self._builder.names
        if name in names:
            before = f", first declared at {names[name]}" if names[name] else ""
            raise ModelError(
                f"the name '{name}' is taken{before}",
                node=name,
                needed="one name for each node, plate and axis",
                fix=f"choose another name, for example '{name}_2'",
                where=where,
            )
        names[name] = where
        return where

    def _fresh(self, name: str) -> str:
        """A name derived from a user's, made free."""
        out, k = name, 2
        while out in self._builder.names:
            out, k = f"{name}_{k}", k + 1
        self._builder.names[out] = caller()
        return out

    def _dims(self, name: str, dist: Any, dims: Dims, where: Location | None) -> tuple[str, ...]:
        if not isinstance(dist, Distribution):
            given = f"an expression: {dist!r}" if isinstance(dist, Expr) else f"{type(dist).__name__}: {dist!r}"
            raise ModelError(
                "a distribution is needed",
                node=name,
                given=given[:120],
                needed="for example gd.Normal(0, 1)",
                fix=f'to record a value, use m.let("{name}", value)' if isinstance(dist, Expr) else None,
                where=where,
            )
        names = dim_names(dims, self._builder, name)
        t = dist.type
        lacking = [d for d in (*t.dims, *t.joint) if d not in names]
        if lacking:
            whole = ", ".join(dict.fromkeys((*names, *lacking)))
            raise ModelError(
                f"the parameters vary over '{lacking[0]}', which is not among the dims",
                node=name,
                given=f"dims ({', '.join(names)}); {dist!r} varies over ({', '.join((*t.dims, *t.joint))})",
                needed=f"dims=({whole})",
                fix=f"add '{lacking[0]}' to dims, or sum or index the parameters over it first",
                where=where,
            )
        return names

    def _shown(self, node: int) -> Expr:
        """A site as the user sees it: joint axes as dims again."""
        n = self._builder.nodes[node]
        out = Expr(self._builder, node)
        if n.op == "latent":
            t = self._builder.type(n.args[0])
            if isinstance(t, DistType) and t.joint:
                return from_event(out, t.joint)
        return out

    def _restricted(
        self,
        name: str,
        dist: Distribution,
        names: tuple[str, ...],
        constraint: Constraint,
        where: Location | None,
    ) -> Expr:
        from gendsl.lang.distributions.structured import ImproperUniform

        t = dist.type
        if t.dtype is not DType.FLOAT or t.joint or not all(isinstance(s, int) for s in t.event):
            raise ModelError(
                "a constraint needs a continuous prior of fixed shape", node=name, given=str(t), where=where
            )
        if not (implies(constraint, t.support) or constraint.rank > t.support.rank):
            raise ModelError(
                "the constraint reaches outside the prior's support",
                node=name,
                given=f"constraint: {constraint}; prior: {t.support}",
                where=where,
            )
        flat = ImproperUniform(constraint, t.event)  # type: ignore[arg-type]
        attrs = {"dims": names, "centered": True, "axes": dist.axes}
        node = self._builder.append("latent", (flat.add_to(self._builder),), attrs, name, where)
        value = Expr(self._builder, node)
        density = dist.log_prob(value)
        self._builder.append("factor", (density.node,), {}, self._fresh(f"{name}_prior"), where)
        return value

    def _derived(
        self,
        name: str,
        what: str,
        names: tuple[str, ...],
        dtype: DType,
        indexes: str | None,
        where: Location | None,
    ) -> Expr:
        """Data that binding computes from the observations `name`: which are there, and where the missing ones go."""
        support = boolean if dtype is DType.BOOL else real
        attrs = {
            "type": ArrayType(names, (), dtype, support),
            "indexes": indexes,
            "axes": (),
            "derived": (what, name),
        }
        return Expr(self._builder, self._builder.append("data", (), attrs, self._fresh(f"{name}_{what}"), where))

    def _impute(self, name: str, x: Expr, names: tuple[str, ...], t: DistType, where: Location | None) -> Expr:
        from gendsl.lang.distributions.structured import ImproperUniform

        if t.dtype is not DType.FLOAT or x.ndim or t.support.dynamic or not names:
            raise ModelError(
                "only continuous scalars over plates, with fixed support, can be imputed",
                node=name,
                given=str(t),
                fix="use missing=gd.Missing.MASK",
                where=where,
            )
        b = self._builder
        plate = self._fresh(f"{name}_missing_element")
        b.plates[plate] = PlateSpec(plate, where=where)
        observed = self._derived(name, "observed", names, DType.BOOL, None, where)
        position = self._derived(name, "missing_position", names, DType.INT, plate, where)
        flat = ImproperUniform(t.support)
        latent_attrs = {"dims": (plate,), "centered": True, "axes": ()}
        v = Expr(b, b.append("latent", (flat.add_to(b),), latent_attrs, self._fresh(f"{name}_missing"), where))
        return apply("where", observed, x, v[position])


def dtype_of(dtype: Any, name: str, where: Location | None) -> DType:
    if isinstance(dtype, DType):
        return dtype
    if dtype in _DTYPES:
        return _DTYPES[dtype]
    kind = {"f": DType.FLOAT, "i": DType.INT, "u": DType.INT, "b": DType.BOOL}
    try:
        return kind[np.dtype(dtype).kind]
    except (TypeError, KeyError):
        raise ModelError(
            "an unknown dtype", node=name, given=repr(dtype), needed="float, int or bool", where=where
        ) from None


def event_of(event: Any, name: str, where: Location | None) -> tuple[tuple[int, ...], tuple[str | None, ...]]:
    items = event if isinstance(event, (tuple, list)) else (event,)
    sizes, axes = [], []
    for e in items:
        if isinstance(e, bool) or not isinstance(e, (int, np.integer, Axis)) or int(e.__index__()) < 1:
            raise ModelError(
                "event axes have positive lengths",
                node=name,
                given=repr(e),
                needed="an integer or an axis of the model; a plate goes into dims",
                where=where,
            )
        sizes.append(int(e.__index__()))
        axes.append(e.name if isinstance(e, Axis) else None)
    return tuple(sizes), tuple(axes)
