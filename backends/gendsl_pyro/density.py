"""The fused density of vectors that hold all unconstrained sites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pyro.ops.integrator import _EXCEPTION_HANDLERS

from gendsl.coordinates import Coordinates
from gendsl.math.affine import placed
from gendsl_pyro.ops import OPS
from gendsl_pyro.straight import ValueAndGrad, recorded, value_and_grad

if TYPE_CHECKING:
    from gendsl.math.langevin import Target
    from gendsl.program import BoundProgram

__all__ = ["LONG", "VectorDensity", "evaluator", "singular", "splitter"]

LONG = 400
"""Iterations from which recording the density (a second or two) pays."""


def singular(e: Exception) -> bool:
    """Whether an exception only says that a point has no density (a singular matrix)."""
    return any(handler(e) for handler in _EXCEPTION_HANDLERS.values())


def splitter(
    shapes: Mapping[str, tuple[int, ...]], coordinates: Coordinates | None, like: torch.Tensor
) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
    """From a vector in some coordinates to sites.

    Args:
        shapes: site -> unconstrained shape, in order.
        coordinates: those of the vector.
        like: a vector of the same dtype and device.
    """
    names = list(shapes)
    sizes = [int(np.prod(shape, dtype=int)) for shape in shapes.values()]
    views = list(shapes.values())

    if coordinates is not None:
        layout = {k: torch.from_numpy(x).to(like.device) for k, x in coordinates.layout(like.numel()).items()}
        layout = {k: x.to(like.dtype) if x.is_floating_point() else x for k, x in layout.items()}

    def split(q: torch.Tensor) -> dict[str, torch.Tensor]:
        if coordinates is not None:
            q = placed(OPS, q, **layout)
        parts = torch.split(q, sizes)
        return {name: part.view(view) for name, part, view in zip(names, parts, views, strict=True)}

    return split


def evaluator(program: BoundProgram) -> Callable[[dict[str, np.ndarray]], tuple[float, dict[str, np.ndarray]]]:
    """The log-density at a point given by site, and its gradient by site; NaN and nothing where it is singular."""
    p = program.program
    both = p.backend.value_and_grad(program.log_density)

    def evaluate(u: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
        try:
            with p.context():
                value, gradient = both({k: p.backend.array(v, p.precision) for k, v in u.items()})
        except RuntimeError as e:
            if singular(e):
                return float("nan"), {}
            raise
        return float(value), {k: p.backend.numpy(g) for k, g in gradient.items()}

    return evaluate


class VectorDensity:
    """The density of many vectors at once; see `gendsl.backend.Density`.

    Args:
        program: the bound program.
        coordinates: those of the vectors; None where they hold the unconstrained values themselves.
        iterations: about how often it will be evaluated; where that is often, its operations are recorded once.

    Attributes:
        data: nothing: the program holds its data.
        evaluate: the density at one point given by site.
    """

    def __init__(self, program: BoundProgram, coordinates: Coordinates | None, iterations: int) -> None:
        self.data: tuple[()] = ()
        self.evaluate = evaluator(program)
        self._program = p = program.program
        with p.context():
            like = p.backend.array(np.zeros(program.dimension), p.precision)
        split, density = splitter(program.shapes, coordinates, like), program.log_density

        def log_density(q: torch.Tensor) -> torch.Tensor:
            return density(split(q))

        self._each = value_and_grad(log_density)
        both = torch.func.vmap(torch.func.grad_and_value(log_density))

        def together(z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            gradient, value = both(z)
            return value.detach(), gradient.detach()

        # A solver with steps of its own cannot be mapped.
        self._together: ValueAndGrad | None = None if p.emitted.adaptive else together
        self._record = self._together is not None and iterations >= LONG

    def __call__(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        """The log-density of one vector, and its gradient."""
        p = self._program
        with p.context():
            value, gradient = self._one(p.backend.array(z, p.precision))
        return float(value), p.backend.numpy(gradient)

    def compiled(self, key: tuple[Any, ...], make: Callable[[Callable[[Any], Target]], Callable[..., Any]]) -> Any:
        """The function itself; there is nothing to compile."""
        return make(lambda data: self._many)

    def _many(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self._record and self._together is not None:
            self._record = False
            self._together = recorded(self._together, [z, 0.5 * z, -z]) or self._together
        if self._together is not None:
            try:
                return self._together(z)
            except RuntimeError as e:
                if not singular(e):
                    raise
        values, gradients = zip(*(self._one(row) for row in z), strict=True)
        return torch.stack(values), torch.stack(gradients)

    def _one(self, q: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        try:
            return self._each(q)
        except RuntimeError as e:
            if not singular(e):
                raise
        return torch.full_like(q[0], torch.nan), torch.zeros_like(q)
