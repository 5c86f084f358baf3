"""The affine map of the line with learned parameters, over `ops`.

    y = exp(s) x + t,   log dy/dx = s,   s = limit tanh(raw_s / limit),   t = raw_t.

The limit keeps one layer's scale within exp(-limit) and exp(limit).

References:
    NICE: Non-linear Independent Components Estimation (Dinh, Krueger, Bengio, 2014) | https://arxiv.org/abs/1410.8516
    Density estimation using Real NVP (Dinh, Sohl-Dickstein, Bengio, 2016) | https://arxiv.org/abs/1605.08803
"""

from __future__ import annotations

from typing import Any

from gendsl.math.flows.scalar import aligned

__all__ = ["SIZE", "forward", "inverse"]

SIZE = 2
"""Numbers of `raw`: shift, log-scale."""


def forward(ops: Any, raw: Any, x: Any, limit: float) -> tuple[Any, Any]:
    """y and log dy/dx.

    Args:
        ops: array functions.
        raw: shift and unlimited log-scale, (..., 2).
        x: the value, (...).
        limit: bound of the absolute log-scale.
    """
    raw, x = aligned(ops, raw, x)
    s = _log_scale(ops, raw, limit)
    return ops.exp(s) * x + raw[..., 0], s


def inverse(ops: Any, raw: Any, y: Any, limit: float) -> tuple[Any, Any]:
    """x and log dx/dy; arguments as for `forward`."""
    raw, y = aligned(ops, raw, y)
    s = _log_scale(ops, raw, limit)
    return (y - raw[..., 0]) * ops.exp(-s), -s


def _log_scale(ops: Any, raw: Any, limit: float) -> Any:
    return limit * ops.tanh(raw[..., 1] / limit)
