"""The inside of `Model`: claiming names, checking dims, and the declarations that are made of others."""

from __future__ import annotations

import functools
import inspect
import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from gendsl.errors import Location, ModelError, caller, check_call
from gendsl.graph.constraints import Constraint, boolean, implies, real
from gendsl.graph.node import Plate as PlateSpec
from gendsl.graph.types import ArrayType, DistType, DType, Size
from gendsl.lang.builder import Builder, identity
from gendsl.lang.distributions.base import Distribution
from gendsl.lang.expr import Expr, apply
from gendsl.lang.indexing import from_event
from gendsl.lang.plates import Axis, Dims, dim_names

__all__ = ["Declaration", "Missing", "atomic", "axis_names", "constraint_of", "dtype_of", "event_of", "labels_of"]

P = ParamSpec("P")
R = TypeVar("R")
D = TypeVar("D", bound="Declaration")

_DTYPES: dict[Any, DType] = {float: DType.FLOAT, int: DType.INT, bool: DType.BOOL}


class Missing(Enum):
    """What to do with missing (NaN or masked) observations.

    ERROR refuses them. MASK leaves them out of the likelihood. IMPUTE makes them latents, in `<name>_missing`.
    """

    ERROR = "error"
    MASK = "mask"
    IMPUTE = "impute"


def _sources(x: Expr) -> list[int]:
    """The named nodes that an expression is made of."""
    nodes, out, todo = x.builder.nodes, dict[int, None](), [x.node]
    seen = set(todo)
    while todo:
        i = todo.pop()
        if nodes[i].name is not None:
            out[i] = None
            continue
        todo += (new := [a for a in reversed(nodes[i].args) if a not in seen])
        seen.update(new)
    return list(out)


_OTHER = {"shape": "event", "dim": "dims", "support": "constraint"}
"""Names of arguments that other libraries or declarations have -> names here."""


def atomic(declare: Callable[Concatenate[D, P], R]) -> Callable[Concatenate[D, P], R]:
    """A declaration that fails leaves the model as it was, so that the line can be mended and run again."""

    signature = inspect.signature(declare)

    @functools.wraps(declare)
    def wrapped(self: D, /, *args: P.args, **kwargs: P.kwargs) -> R:
        _check_named(declare.__name__, signature, args, kwargs)
        check_call(f"m.{declare.__name__}", signature, (self, *args), kwargs, _OTHER)
        before = self._builder.mark()
        try:
            return declare(self, *args, **kwargs)
        except Exception:
            self._builder.reset(before)
            raise

    return wrapped


def _check_named(name: str, signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise where the name of what is declared was left out, so that what follows it came first."""
    _, first, *others = [*signature.parameters, ""]
    if first != "name" or "name" in kwargs or not args or not isinstance(args[0], (Expr, Distribution)):
        return
    if any(isinstance(a, str) for a in args):
        return  # it stands elsewhere: name and distribution are exchanged
    required = [p for p in others if p and signature.parameters[p].default is inspect.Parameter.empty]
    where = caller()
    target = re.match(r"([A-Za-z]\w*)\s*=[^=]", where.text) if where else None
    chosen = target[1] if target else "x"
    raise ModelError(
        f"m.{name}: the name is missing",
        given=repr(args[0])[:100],
        needed=f"m.{name}({', '.join(['name', *required])})",
        fix=f'the name comes first: m.{name}("{chosen}", ...)',
        where=where,
    )


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
        if name in ("chain", "draw"):
            raise ModelError(
                f"the name '{name}' is kept for the draws of a fit",
                node=name,
                needed="another name",
                fix=f"for example '{name}_'",
                where=where,
            )
        names, key = self._builder.names, identity(name)
        if key in names:
            before = f", first declared at {names[key]}" if names[key] else ""
            alike = "" if name.isascii() else "; names that Python reads as one (equal under NFKC) are one"
            raise ModelError(
                f"the name '{name}' is taken{before}{alike}",
                node=name,
                needed="one name for each node, plate and axis",
                fix=f"choose another name, for example '{name}_2'",
                where=where,
            )
        names[key] = where
        return where

    def _fresh(self, name: str) -> str:
        """A name derived from a user's, made free."""
        out, k = name, 2
        while identity(out) in self._builder.names:
            out, k = f"{name}_{k}", k + 1
        self._builder.names[identity(out)] = caller()
        return out

    def _dims(self, name: str, dist: Any, dims: Dims, where: Location | None) -> tuple[str, ...]:
        if not isinstance(dist, Distribution):
            given = f"an expression: {dist!r}" if isinstance(dist, Expr) else f"{type(dist).__name__}: {dist!r}"
            raise ModelError(
                "a distribution is needed",
                node=name,
                given=given[:120],
                needed="for example gd.Normal(0, 1)",
                fix=_as_distribution(name, dist),
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
                fix=self._over(lacking[0], names, dist),
                where=where,
            )
        return names

    def _over(self, plate: str, names: tuple[str, ...], dist: Distribution) -> str:
        """What mends parameters over a plate that is not among the dims: most often, an index is forgotten."""
        add = f"add '{plate}' to dims, or sum the parameters over it"
        if not names or plate in dist.type.joint:
            return add
        nodes = self._builder.nodes
        of = next((v for v in dist.params.values() if isinstance(v, Expr) and plate in v.dims), None)
        sources = [] if of is None else _sources(of)
        x = next((n for n in sources if plate in getattr(nodes[n].type, "dims", ())), None)
        what = nodes[x].name if x is not None else "x"
        index = next((n.name for n in nodes if n.op == "data" and dict(n.attrs).get("indexes") == plate), None)
        if index is not None:
            return f"'{index}' says which '{plate}' each row belongs to: {what}[{index}]; otherwise {add}"
        rows = names[0] if len(names) == 1 else f"({', '.join(names)})"
        return (
            f"where each '{rows}' belongs to one '{plate}', index: "
            f'{plate}_of = m.data("{plate}_of", dims={rows}, indexes={plate}) and {what}[{plate}_of]; otherwise {add}'
        )

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
        axes: tuple[str | None, ...],
        where: Location | None,
    ) -> Expr:
        from gendsl.lang.distributions.structured import ImproperUniform

        t = dist.type
        if t.dtype is not DType.FLOAT or t.joint or not all(isinstance(s, int) for s in t.event):
            raise ModelError(
                "a constraint needs a continuous prior of fixed shape",
                node=name,
                given=str(t),
                needed="for example gd.Normal(0, 1).expand(3)",
                where=where,
            )
        if constraint.rank > t.rank:
            raise ModelError(
                f"a value that is {constraint} has event axes",
                node=name,
                given=str(t),
                needed=f"a prior with {constraint.rank} event {'axis' if constraint.rank == 1 else 'axes'}",
                fix="draw several: gd.Normal(0, 1).expand(3)",
                where=where,
            )
        if not (implies(constraint, t.support) or constraint.rank > t.support.rank):
            raise ModelError(
                "the constraint reaches outside the prior's support",
                node=name,
                given=f"constraint: {constraint}; prior: {t.support}",
                needed="a constraint within the support of the prior",
                fix="choose a prior whose support has the constraint's values",
                where=where,
            )
        flat = ImproperUniform(constraint, t.event)  # type: ignore[arg-type]
        attrs = {"dims": names, "centered": True, "axes": axes}
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


def _as_distribution(name: str, given: Any) -> str:
    """What to write instead of something that is no distribution."""
    if isinstance(given, Expr):
        return f'to record a value, use m.let("{name}", value)'
    if isinstance(given, type) and issubclass(given, Distribution):
        return f"give its parameters: gd.{given.__name__}(...)"
    if isinstance(given, (int, float, np.ndarray, list, np.number)):
        return f'a fixed value is used as it is; given at fit, m.data("{name}"); around it, gd.Normal({given!r:.20}, 1)'
    return "pass a distribution of gendsl, for example gd.Normal(0, 1)"


def labels_of(coords: Any, name: str, where: Location | None) -> tuple[Any, ...] | None:
    """The labels of a plate or an axis: numbers or strings, each once; dates become ISO strings."""
    if coords is None:
        return None
    try:
        x = np.asarray(coords)
    except ValueError:
        x = np.asarray(None)
    if x.ndim != 1 or not x.size or isinstance(coords, str):
        raise ModelError(
            "coords are a list of labels",
            node=name,
            given=repr(coords)[:80],
            needed="one number or string for each element",
            fix="for a size without labels, size=n",
            where=where,
        )
    labels = tuple(np.datetime_as_string(x, unit="auto").tolist() if x.dtype.kind == "M" else x.tolist())
    if any(k is None or k != k for k in labels):
        raise ModelError(
            "a label is missing among the coords",
            node=name,
            given=repr(coords)[:80],
            needed="one number or string for each element",
            fix="drop or name the elements without a label (NaN, None)",
            where=where,
        )
    if len(set(labels)) != len(labels):
        twice = next(k for i, k in enumerate(labels) if k in labels[:i])
        raise ModelError(
            "coords are not unique",
            node=name,
            given=f"{twice!r} more than once",
            needed="one label for each element",
            fix="np.unique(labels) has each once",
            where=where,
        )
    return labels


def constraint_of(c: Any, what: str, name: str, where: Location | None) -> Constraint:
    """A support or constraint as the user gave it."""
    if isinstance(c, Constraint) and not c.dynamic:
        return c
    raise ModelError(
        f"{what} is a set such as gd.positive",
        node=name,
        given=repr(c)[:80],
        needed="gd.real, gd.positive, gd.unit_interval, gd.simplex, gd.ordered, gd.Interval(low, high), ...",
        fix="for example gd.positive, or gd.Interval(0, 10)",
        where=where,
    )


def axis_names(
    axes: Any, event: tuple[Size, ...], known: tuple[str | None, ...], name: str, where: Location | None
) -> tuple[str | None, ...]:
    """Names of event axes as given, or as the distribution knows them."""
    given = tuple(axes) if isinstance(axes, (tuple, list)) else (axes,)
    if not given:
        return known
    for axis, size in zip(given, event, strict=False):
        if axis is not None and (not isinstance(axis, Axis) or axis.size != size):
            raise ModelError(
                "an axis does not fit the event",
                node=name,
                given=repr(axis),
                needed=f"an axis of length {size}",
                fix='declare it: m.axis("name", length)',
                where=where,
            )
    if len(given) > len(event):
        raise ModelError(
            "more axes than event axes", node=name, given=str(given), needed=f"at most {len(event)}", where=where
        )
    return tuple(a.name if a is not None else None for a in given)


def dtype_of(dtype: Any, name: str, where: Location | None) -> DType:
    """float, int or bool, as Python's or numpy's types."""
    if isinstance(dtype, DType):
        return dtype
    if isinstance(dtype, type) and dtype in _DTYPES:
        return _DTYPES[dtype]
    kind = {"f": DType.FLOAT, "i": DType.INT, "u": DType.INT, "b": DType.BOOL}
    try:
        return kind[np.dtype(dtype).kind]
    except (TypeError, KeyError, ValueError):
        raise ModelError(
            "an unknown dtype",
            node=name,
            given=repr(dtype)[:80],
            needed="float, int or bool",
            fix="dtype=float; several values for each element are event=...",
            where=where,
        ) from None


def event_of(event: Any, name: str, where: Location | None) -> tuple[tuple[int, ...], tuple[str | None, ...]]:
    """The lengths of event axes, and their names where they have some."""
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
