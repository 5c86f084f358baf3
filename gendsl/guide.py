"""Guides on unconstrained space: families q(z) that approximate the posterior of all latents at once.

z in R^D holds the unconstrained latents of a program, one after another. A guide is a distribution of z with
parameters, and a map from base noise eps to z:

    MeanField   z = m + s eps,                       s = exp(log_scale)
    FullRank    z = m + L eps,                       L = tril(lower, -1) + diag(exp(log_diagonal))
    LowRank     z = m + W eps_1 + d^(1/2) eps_2,     d = exp(2 log_diagonal), W of rank r
    Delta       z = m                                the mode of the density of z (MAP)
    Laplace     N(m, H^-1), H the negative Hessian of the log density at the mode m

The density of z has the log-determinants of the constraining maps in it, so the mode is that of the unconstrained
latents, which for a latent on the real line is the usual one.

Reference:
    Automatic Differentiation Variational Inference (Kucukelbir, Tran, Ranganath, Gelman, Blei, 2017)
    | https://jmlr.org/papers/v18/16-107.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gendsl.checked import Configuration, number, whole
from gendsl.namespace import namespace

__all__ = ["GUIDES", "Delta", "FullRank", "Guide", "Laplace", "LowRank", "MeanField", "hessian"]

Array = Any
_STREAM = 0x6D1D  # keeps the starts of guides apart from those of networks


@dataclass(frozen=True, kw_only=True)
class Guide(Configuration):
    """A family on unconstrained space."""

    where: ClassVar[str] = "gd.guide"
    draws: ClassVar[bool] = True
    """Whether it has a density to draw from while it is trained."""

    def noise(self, size: int) -> int:
        """How many standard normal numbers make a draw of `size` numbers."""
        return size

    def initial(self, size: int, seed: int) -> dict[str, np.ndarray]:
        """Parameters before the first step: the location near zero, by a keyed draw that breaks symmetries."""
        at = np.random.default_rng([_STREAM, seed]).normal(0.0, 0.1, size)
        return {"location": at} | self._spread(size, seed)

    def _spread(self, size: int, seed: int) -> dict[str, np.ndarray]:
        return {}

    def distribution(self, dist: Any, ops: Any, params: Mapping[str, Array]) -> Any:
        """The distribution of z.

        Args:
            dist: the engine's distributions.
            ops: its array functions.
            params: arrays by the names of `initial`.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class MeanField(Guide):
    """Independent normals.

    Args:
        scale: of each at the start.
    """

    scale: float = field(default=0.1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", number(self.who(), "scale", self.scale, usual="0.1"))

    def _spread(self, size: int, seed: int) -> dict[str, np.ndarray]:
        return {"log_scale": np.full(size, np.log(self.scale))}

    def distribution(self, dist: Any, ops: Any, params: Mapping[str, Array]) -> Any:
        """Independent normals with one event axis."""
        return dist.Normal(params["location"], ops.exp(params["log_scale"])).to_event(1)


@dataclass(frozen=True, kw_only=True)
class FullRank(Guide):
    """One multivariate normal, by the Cholesky factor of its covariance.

    Args:
        scale: of each coordinate at the start.
    """

    scale: float = field(default=0.1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", number(self.who(), "scale", self.scale, usual="0.1"))

    def _spread(self, size: int, seed: int) -> dict[str, np.ndarray]:
        return {"log_diagonal": np.full(size, np.log(self.scale)), "lower": np.zeros((size, size))}

    def distribution(self, dist: Any, ops: Any, params: Mapping[str, Array]) -> Any:
        """A multivariate normal."""
        d = ops.exp(params["log_diagonal"])
        tril = ops.tril(params["lower"], -1) + d[:, None] * ops.eye(d.shape[0], like=d)
        return dist.MultivariateNormal(params["location"], scale_tril=tril)


@dataclass(frozen=True, kw_only=True)
class LowRank(Guide):
    """One multivariate normal whose covariance is diagonal plus a matrix of low rank.

    Args:
        rank: that rank; where there are fewer unconstrained latents, it is their number.
        scale: of each coordinate at the start.
    """

    rank: int = field(default=10)
    scale: float = field(default=0.1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rank", whole(self.who(), "rank", self.rank, usual="10"))
        object.__setattr__(self, "scale", number(self.who(), "scale", self.scale, usual="0.1"))

    def noise(self, size: int) -> int:
        """Those of the factor, then those of the diagonal."""
        return size + min(self.rank, size)

    def _spread(self, size: int, seed: int) -> dict[str, np.ndarray]:
        rank = min(self.rank, size)
        w = np.random.default_rng([_STREAM, seed, 1]).normal(0.0, self.scale / np.sqrt(2 * rank), (size, rank))
        return {"factor": w, "log_diagonal": np.full(size, np.log(self.scale / np.sqrt(2.0)))}

    def distribution(self, dist: Any, ops: Any, params: Mapping[str, Array]) -> Any:
        """A low-rank multivariate normal."""
        d = ops.exp(2.0 * params["log_diagonal"])
        return dist.LowRankMultivariateNormal(params["location"], params["factor"], d)


@dataclass(frozen=True, kw_only=True)
class Delta(Guide):
    """A point, the mode of the unconstrained density: maximum a posteriori."""

    draws: ClassVar[bool] = False

    def noise(self, size: int) -> int:
        """None."""
        return 0

    def distribution(self, dist: Any, ops: Any, params: Mapping[str, Array]) -> Any:
        """A point mass of density 1."""
        return dist.Delta(params["location"], event_dim=1)


@dataclass(frozen=True, kw_only=True)
class Laplace(Delta):
    """A normal at the mode with the curvature there; trained as a point, the curvature is taken at the end."""


def hessian(value: Callable[[Array], Array], ops: Any, at: Array) -> Array:
    """The Hessian of a function of a vector.

    Args:
        value: scalar, such as the log density of z.
        ops: array functions.
        at: where, (D,).

    Returns:
        (D, D).
    """
    gradient = ops.grad(value)
    return ops.stack([ops.jvp(gradient, (at,), (e,))[1] for e in ops.eye(at.shape[0], like=at)])


GUIDES: dict[str, type[Guide]] = {g.__name__: g for g in (MeanField, FullRank, LowRank, Delta, Laplace)}
"""The guides by name."""

_OTHER = {
    "AutoNormal": "MeanField",
    "AutoDiagonalNormal": "MeanField",
    "AutoMultivariateNormal": "FullRank",
    "AutoLowRankMultivariateNormal": "LowRank",
    "AutoDelta": "Delta",
    "AutoLaplaceApproximation": "Laplace",
}
"""Names that Pyro and NumPyro have for these."""

if not TYPE_CHECKING:  # where types are checked, a name that is not there is found by that
    __getattr__, __dir__ = namespace("gd.guide", [*GUIDES, "Guide"], _OTHER)
