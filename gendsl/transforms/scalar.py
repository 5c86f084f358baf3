"""Monotone maps of the line with learned parameters, which couplings and autoregressive transforms are made of.

To add one, write a frozen dataclass with `size`, `forward` and `inverse` (gendsl.math.flows.Scalar) and name it in
`SCALARS`; tests/laws/test_transforms.py demands a case for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gendsl.math.flows import affine, spline
from gendsl.networks.spec import Spec

__all__ = ["SCALARS", "Affine", "ScalarSpec", "Spline"]


@dataclass(frozen=True, kw_only=True, repr=False)
class ScalarSpec(Spec):
    """The base of all maps of the line."""

    space: ClassVar[str] = "gd.transform"

    @property
    def size(self) -> int:
        """How many unconstrained numbers its parameters are."""
        raise NotImplementedError

    def forward(self, ops: Any, raw: Any, x: Any) -> tuple[Any, Any]:
        """y and log dy/dx, elementwise; raw is (..., size)."""
        raise NotImplementedError

    def inverse(self, ops: Any, raw: Any, y: Any) -> tuple[Any, Any]:
        """x and log dx/dy, elementwise."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True, repr=False)
class Affine(ScalarSpec):
    """y = exp(s) x + t.

    Args:
        limit: bound of |s|.

    Reference:
        Density estimation using Real NVP (Dinh, Sohl-Dickstein, Bengio, 2016) | https://arxiv.org/abs/1605.08803
    """

    limit: float = 5.0

    def __post_init__(self) -> None:
        self._positive("limit")

    @property
    def size(self) -> int:
        """Shift and log-scale."""
        return affine.SIZE

    def forward(self, ops: Any, raw: Any, x: Any) -> tuple[Any, Any]:
        """y and log dy/dx."""
        return affine.forward(ops, raw, x, self.limit)

    def inverse(self, ops: Any, raw: Any, y: Any) -> tuple[Any, Any]:
        """x and log dx/dy."""
        return affine.inverse(ops, raw, y, self.limit)


@dataclass(frozen=True, kw_only=True, repr=False)
class Spline(ScalarSpec):
    """A monotone rational-quadratic spline, the identity outside [-bound, bound].

    Args:
        bins: pieces of the spline.
        bound: half the side of the box in which it acts; data are best standardised.

    Reference:
        Neural Spline Flows (Durkan, Bekasov, Murray, Papamakarios, 2019) | https://arxiv.org/abs/1906.04032
    """

    bins: int = 8
    bound: float = 5.0

    def __post_init__(self) -> None:
        self._count("bins", 2)
        self._positive("bound")
        if self.bins > spline.MOST:
            self._refuse(
                "the box has no room for so many bins", f"bins={self.bins}", f"at most {spline.MOST}", "bins=16"
            )

    @property
    def size(self) -> int:
        """Widths, heights and slopes."""
        return spline.size(self.bins)

    def forward(self, ops: Any, raw: Any, x: Any) -> tuple[Any, Any]:
        """y and log dy/dx."""
        return spline.forward(ops, raw, x, self.bound)

    def inverse(self, ops: Any, raw: Any, y: Any) -> tuple[Any, Any]:
        """x and log dx/dy."""
        return spline.inverse(ops, raw, y, self.bound)


SCALARS: dict[str, type[ScalarSpec]] = {k.__name__: k for k in (Affine, Spline)}
"""The maps of the line that files may hold, by name."""
