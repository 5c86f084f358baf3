"""An invertible linear map by its triangular factors, over `ops`.

    y = L U x + b,   log|dy/dx| = sum_i m_ii,

with L = I + (m below its diagonal), U = diag(exp(m_ii)) + (m above its diagonal): one matrix m of unconstrained numbers
holds both factors, and all zeros are the identity. (Kingma and Dhariwal's P is a permutation, which stands beside.)

Reference:
    Glow: Generative Flow with Invertible 1x1 Convolutions (Kingma, Dhariwal, 2018) | https://arxiv.org/abs/1807.03039
"""

from __future__ import annotations

from typing import Any

__all__ = ["forward", "inverse"]


def forward(ops: Any, factors: Any, bias: Any, x: Any) -> tuple[Any, Any]:
    """y (..., d) and log|dy/dx| (...).

    Args:
        ops: array functions.
        factors: m, (d, d).
        bias: b, (d,).
        x: the vector, (..., d).
    """
    lower, upper, log_det = _factors(ops, factors)
    y = ops.einsum("ij,...j->...i", lower, ops.einsum("ij,...j->...i", upper, x)) + bias
    return y, ops.broadcast_to(log_det, tuple(x.shape[:-1]))


def inverse(ops: Any, factors: Any, bias: Any, y: Any) -> tuple[Any, Any]:
    """x (..., d) and log|dx/dy| (...); arguments as for `forward`."""
    lower, upper, log_det = _factors(ops, factors)
    columns = ops.moveaxis(ops.reshape(y - bias, (-1, y.shape[-1])), 0, 1)
    x = ops.solve_triangular(upper, ops.solve_triangular(lower, columns, lower=True), lower=False)
    return ops.reshape(ops.moveaxis(x, 0, 1), tuple(y.shape)), ops.broadcast_to(-log_det, tuple(y.shape[:-1]))


def _factors(ops: Any, m: Any) -> tuple[Any, Any, Any]:
    eye = ops.eye(m.shape[-1], like=m)
    diagonal = ops.diagonal(m)
    return ops.tril(m, -1) + eye, ops.triu(m, 1) + eye * ops.exp(diagonal), ops.sum(diagonal)
