"""The Kumaraswamy density, over `ops`.

    log p(x) = log(a b) + (a - 1) log x + (b - 1) log(1 - x^a),   0 < x < 1.

It is exact near both ends. (One engine has it as a chain of powers of a uniform variable, which loses x^a to rounding
and is -inf below about 1e-16^(1/a); the other loses 1 - x^a near 1.)
"""

from __future__ import annotations

from typing import Any

__all__ = ["log_prob"]


def log_prob(ops: Any, x: Any, a: Any, b: Any) -> Any:
    """The log-density inside (0, 1)."""
    log_x = ops.log(x)
    return ops.log(a) + ops.log(b) + (a - 1) * log_x + (b - 1) * ops.log(-ops.expm1(a * log_x))
