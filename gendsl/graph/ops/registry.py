"""The registry of operations.

An operation is one entry: its name, the rule that types its result, and, where it can be folded, its value on numpy
arrays. A backend's dialect says how it is spelt. A rule raises `Problem`, which the builder turns into a `ModelError`
with the node's name and line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gendsl.graph.types import ArrayType, Type

__all__ = ["OPS", "Infer", "OpSpec", "Problem", "arrays", "op"]


class Problem(Exception):
    """What is wrong with the arguments of an operation or a family, before the node's name and line are known."""

    def __init__(
        self, problem: str, *, given: str | None = None, needed: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(problem)
        self.problem, self.given, self.needed, self.fix = problem, given, needed, fix


Infer = Callable[[Sequence[Type], Mapping[str, Any]], Type]


@dataclass(frozen=True)
class OpSpec:
    """One operation.

    Attributes:
        name: its name in graphs and JSON.
        infer: argument types and attributes -> result type.
        attrs: names of its attributes (JSON refuses others).
        numpy: its value on numpy arrays and attributes, used to fold constants; None where it is not folded.
        elementwise: arguments broadcast over dims and event axes.
        lowered: only passes make it; it stands in no declared graph.
    """

    name: str
    infer: Infer
    attrs: tuple[str, ...] = ()
    numpy: Callable[..., Any] | None = None
    elementwise: bool = False
    lowered: bool = False


OPS: dict[str, OpSpec] = {}


def op(
    name: str, *attrs: str, numpy: Callable[..., Any] | None = None, elementwise: bool = False
) -> Callable[[Infer], Infer]:
    """Register the decorated typing rule as the operation `name`."""

    def register(infer: Infer) -> Infer:
        if name in OPS:
            raise ValueError(f"operation {name!r} is registered twice")
        OPS[name] = OpSpec(name, infer, attrs, numpy, elementwise)
        return infer

    return register


def arrays(args: Sequence[Type]) -> list[ArrayType]:
    """The arguments, which must all be arrays."""
    out: list[ArrayType] = []
    for a in args:
        if not isinstance(a, ArrayType):
            raise Problem(
                "an operation needs values",
                given=str(a),
                needed="values (draws, data, numbers)",
                fix='give the distribution a name first: x = m.latent("x", dist)',
            )
        out.append(a)
    return out
