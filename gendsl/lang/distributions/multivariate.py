"""Multivariate and matrix families: the last event axis or two belong to one draw."""

from __future__ import annotations

from gendsl.graph.constraints import (
    circular,
    corr_cholesky,
    corr_matrix,
    lower_cholesky,
    positive,
    positive_definite,
    real,
    simplex,
    sphere,
)
from gendsl.graph.families import Params
from gendsl.graph.ops import Problem
from gendsl.graph.types import Size
from gendsl.lang.distributions.base import Distribution, param, static
from gendsl.lang.expr import Value

__all__ = [
    "LKJ",
    "Dirichlet",
    "LKJCholesky",
    "LowRankMultivariateNormal",
    "MultivariateNormal",
    "MultivariateStudentT",
    "ProjectedNormal",
    "SineBivariateVonMises",
    "Wishart",
]


def _vector(p: Params, loc: str, matrix: str) -> tuple[Size, ...]:
    """The common length of a location and a square matrix."""
    rows = p.array(matrix).event[-2:]
    if rows[0] != rows[1]:
        raise Problem(f"'{matrix}' must be square", given=f"event {p.array(matrix).event}")
    given = p.array(loc).event[-1:]
    if given != rows[-1:]:
        raise Problem(
            "the sizes of location and matrix differ",
            given=f"{loc}: event {p.array(loc).event}, {matrix}: event {p.array(matrix).event}",
            needed="a vector of n and a matrix of n x n",
            fix=f"for one {loc} of all elements: {loc} * np.ones({rows[-1]})" if given == (1,) else None,
        )
    return rows[-1:]


class Dirichlet(Distribution):
    """Dirichlet on the simplex: p(x) proportional to prod x[k]^(concentration[k] - 1)."""

    concentration: Value = param(positive, rank=1)
    support = simplex

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        return p.array("concentration").event[-1:]


class MultivariateNormal(Distribution):
    """Multivariate normal, by its covariance, its precision, or the lower Cholesky factor of its covariance."""

    loc: Value = param(real, rank=1)
    covariance_matrix: Value | None = param(positive_definite, rank=2, default=None, group="scale")
    precision_matrix: Value | None = param(positive_definite, rank=2, default=None, group="scale")
    scale_tril: Value | None = param(lower_cholesky, rank=2, default=None, group="scale")
    support = real

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        matrix = next(n for n in ("covariance_matrix", "precision_matrix", "scale_tril") if n in p)
        return _vector(p, "loc", matrix)


class LowRankMultivariateNormal(Distribution):
    """Multivariate normal with covariance cov_factor cov_factor^T + diag(cov_diag)."""

    loc: Value = param(real, rank=1)
    cov_factor: Value = param(real, rank=2)
    cov_diag: Value = param(positive, rank=1)
    support = real

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        rows, diag = p.array("cov_factor").event[-2], p.array("cov_diag").event[-1]
        if not p.array("loc").event[-1:] == (rows,) == (diag,):
            raise Problem(
                "the sizes of location, factor and diagonal differ",
                given=f"loc {p.array('loc').event}, cov_factor {p.array('cov_factor').event}, cov_diag {diag}",
                needed="a vector of n, a matrix with n rows, a vector of n",
            )
        return (rows,)


class MultivariateStudentT(Distribution):
    """Multivariate Student's t with df degrees of freedom and scale matrix scale_tril scale_tril^T."""

    df: Value = param(positive)
    loc: Value = param(real, rank=1)
    scale_tril: Value = param(lower_cholesky, rank=2)
    support = real

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        return _vector(p, "loc", "scale_tril")


class _Correlation(Distribution, abstract=True):
    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        n = p["dim"]
        if not isinstance(n, int) or n < 2:
            raise Problem("dim must be an integer of at least 2", given=repr(n))
        return (n, n)


class LKJ(_Correlation):
    """Correlation matrices: p(R) proportional to det(R)^(concentration - 1).

    Reference:
        Generating random correlation matrices based on vines and extended onion method (Lewandowski, Kurowicka, Joe,
        2009) | https://doi.org/10.1016/j.jmva.2009.04.008
    """

    dim: int = static()
    concentration: Value = param(positive, default=1.0)
    support = corr_matrix
    reparametrised = False


class LKJCholesky(_Correlation):
    """The lower Cholesky factor of an LKJ correlation matrix."""

    dim: int = static()
    concentration: Value = param(positive, default=1.0)
    support = corr_cholesky
    reparametrised = False


class Wishart(Distribution):
    """Wishart: p(X) proportional to det(X)^((df - n - 1) / 2) exp(-tr(V^-1 X) / 2); scale V by one of three forms."""

    df: Value = param(positive)
    covariance_matrix: Value | None = param(positive_definite, rank=2, default=None, group="scale")
    precision_matrix: Value | None = param(positive_definite, rank=2, default=None, group="scale")
    scale_tril: Value | None = param(lower_cholesky, rank=2, default=None, group="scale")
    support = positive_definite

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        t = p.first("covariance_matrix", "precision_matrix", "scale_tril")
        if t.event[-1] != t.event[-2]:
            raise Problem("the scale must be a square matrix", given=f"event {t.event}")
        return t.event[-2:]


class ProjectedNormal(Distribution):
    """The direction x / |x| of x ~ Normal(concentration, 1), on the unit sphere."""

    concentration: Value = param(real, rank=1)
    support = sphere

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        return p.array("concentration").event[-1:]


class SineBivariateVonMises(Distribution):
    """Two angles, correlated through the product of their sines.

    Reference:
        Probabilistic model for two dependent circular variables (Singh, Hnizdo, Demchuk, 2002) |
        https://doi.org/10.1093/biomet/89.3.719
    """

    phi_loc: Value = param(real)
    psi_loc: Value = param(real)
    phi_concentration: Value = param(positive)
    psi_concentration: Value = param(positive)
    correlation: Value | None = param(real, default=None, group="correlation")
    weighted_correlation: Value | None = param(real, default=None, group="correlation")
    reparametrised = False

    support = circular

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        return (2,)
