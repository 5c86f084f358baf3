"""The registry of distribution families, as the graph sees them.

A family says which parameters it takes, what they must satisfy, and what a draw looks like. The node `dist.<Family>`
has the given parameters as arguments; its attributes hold their names (`params`), static parameters (`static`) and
the event axes that `.expand` put on the left (`expand`).

Event axes of a parameter beyond those that belong to the family are independent axes of the draw: `Normal(loc, 1)` with
`loc` of event (3,) draws three numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gendsl.graph.constraints import Bound, Constraint, Interval, Ref, real
from gendsl.graph.node import Subgraph
from gendsl.graph.ops.registry import Problem
from gendsl.graph.types import ArrayType, DistType, DType, Size, Type, broadcast, join_dims

__all__ = ["FAMILIES", "Family", "Parameter", "Params", "infer_dist"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a family.

    Attributes:
        name: its name.
        constraint: what its value must satisfy.
        rank: event axes that belong to the family (1 for a probability vector, 2 for a matrix).
        required: whether it must be given (of a group: whether one of the group must).
        default: its value when left out; None leaves it out.
        group: alternatives carry the same group; exactly one of them is given.
        kind: "value", "dist" (another distribution), or "static" (a number, string or step fixed at declaration).
        integer: whether it counts.
        boolean: whether it is true or false.
        elementwise: a distribution that is transformed element by element: its event axes are independent axes.
    """

    name: str
    constraint: Constraint = real
    rank: int = 0
    required: bool = True
    default: Any = None
    group: str | None = None
    kind: str = "value"
    integer: bool = False
    boolean: bool = False
    elementwise: bool = False


class Params(Mapping[str, Any]):
    """The given parameters of a distribution: types of values and distributions, values of statics."""

    def __init__(self, types: Mapping[str, Type], static: Mapping[str, Any], ids: Mapping[str, int]) -> None:
        self._types, self._static, self._ids = types, static, ids

    def __getitem__(self, name: str) -> Any:
        return self._types[name] if name in self._types else self._static[name]

    def __iter__(self) -> Any:
        return iter([*self._types, *self._static])

    def __len__(self) -> int:
        return len(self._types) + len(self._static)

    def array(self, name: str) -> ArrayType:
        """The type of a value parameter."""
        out: ArrayType = self._types[name]  # type: ignore[assignment]
        return out

    def dist(self, name: str) -> DistType:
        """The type of a distribution parameter."""
        out: DistType = self._types[name]  # type: ignore[assignment]
        return out

    def bound(self, name: str) -> Bound:
        """The parameter as an interval's bound: a number where it is constant, else a reference."""
        if name not in self._types:
            return None
        s = self.array(name).support
        if isinstance(s, Interval) and s.lower is not None and s.lower == s.upper and not s.dynamic:
            return s.lower
        return Ref(self._ids[name])

    def first(self, *names: str) -> ArrayType:
        """The first of the alternatives that is given."""
        return next(self.array(n) for n in names if n in self._types)


@dataclass(frozen=True)
class Family:
    """One family of distributions.

    Attributes:
        name: its name.
        params: its parameters in order.
        support: where a draw lies, from the given parameters.
        event: event axes of the family, from the given parameters.
        dtype: dtype of a draw.
        reparametrised: whether a draw can be written as a smooth function of noise.
        location_scale: names of the location and scale parameter, where x = loc + scale * z holds.
        joint: plates that the distribution runs over, from the given parameters.
    """

    name: str
    params: tuple[Parameter, ...]
    support: Callable[[Params], Constraint]
    event: Callable[[Params], tuple[Size, ...]] = field(default=lambda p: ())
    dtype: DType | Callable[[Params], DType] = DType.FLOAT
    reparametrised: bool = False
    location_scale: tuple[str, str] | None = None
    joint: Callable[[Params], tuple[str, ...]] = field(default=lambda p: ())

    def parameter(self, name: str) -> Parameter:
        """A parameter by name."""
        return next(p for p in self.params if p.name == name)


FAMILIES: dict[str, Family] = {}


def infer_dist(family: Family, types: Sequence[Type], attrs: Mapping[str, Any], ids: Sequence[int]) -> DistType:
    """The type of `dist.<family>` with the parameters named in `attrs["params"]`."""
    names: tuple[str, ...] = attrs["params"]
    given = dict(zip(names, types, strict=False))
    p = Params(given, dict(attrs.get("static", ())), dict(zip(names, ids, strict=False)))
    batch: list[tuple[Size, ...]] = []
    dims: list[tuple[str, ...]] = []
    for name, t in given.items():
        spec = family.parameter(name)
        if spec.kind == "dist":
            if not isinstance(t, DistType):
                raise Problem(f"'{name}' must be a distribution", given=str(t))
            dims.append(t.dims)
            if spec.elementwise:
                batch.append(t.event)
            continue
        if not isinstance(t, ArrayType):
            raise Problem(f"'{name}' must be a value, not a distribution", given=str(t))
        if t.rank < spec.rank:
            kind = "a vector" if spec.rank == 1 else "a matrix"
            raise Problem(
                f"parameter '{name}' of {family.name} must be {kind}",
                given=str(t),
                needed=f"at least {spec.rank} event axes",
                fix="make event axes with .expand(n), gd.stack, or an array; a plate is not an event axis",
            )
        batch.append(t.event[: t.rank - spec.rank])
        dims.append(t.dims)
    for step in (v for _, v in attrs.get("static", ()) if isinstance(v, Subgraph)):
        dims += [t.dims for k in step.outputs if isinstance(t := step.nodes[k].type, DistType)]
    independent = broadcast(*batch)
    if independent is None:
        shapes = ", ".join(f"{n}: event {t.event}" for n, t in given.items() if isinstance(t, ArrayType))
        raise Problem(f"the parameters of {family.name} do not broadcast", given=shapes, needed="equal shapes or 1")
    own = family.event(p)
    dtype = family.dtype(p) if callable(family.dtype) else family.dtype
    expand: tuple[Size, ...] = attrs.get("expand", ())
    joint = family.joint(p)
    all_dims = tuple(d for d in join_dims(*dims) if d not in joint)
    return DistType(all_dims, expand + independent + own, dtype, family.support(p), joint, len(own))
