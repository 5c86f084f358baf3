"""Densities of directions and of angles, over `ops`.

Projected normal, x = z / |z| with z ~ N(c, I) in n dimensions. Along the ray of x, with t = c . x,

    p(x) = (2 pi)^(-n/2) exp(-|c|^2 / 2) int_0^inf r^(n-1) exp(t r - r^2 / 2) dr.

For t > -3 the integral is exp(t^2 / 2) sqrt(2 pi) J_n(t) with J_1 = Phi(t), J_2 = phi(t) + t Phi(t) and
J_(k+1) = t J_k + (k - 1) J_(k-1). Further against the mean direction that cancels (both engines lose all digits near
t = -8); there, with s = -t r, Gauss-Laguerre quadrature is exact:

    int = |t|^(-n) int_0^inf s^(n-1) exp(-s^2 / (2 t^2)) exp(-s) ds.

Normaliser of exp(a cos u + b cos v + rho sin u sin v) on the torus: the integral over v is 2 pi I0(R) with
R^2 = b^2 + rho^2 sin^2 u, and the trapezoidal rule over u is exact, the integrand being periodic.

References:
    The offset normal distribution (Mardia, Jupp, 2000, Directional Statistics, section 3.5.6)
    Probabilistic model for two dependent circular variables (Singh, Hnizdo, Demchuk, 2002) |
    https://doi.org/10.1093/biomet/89.3.719
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["projected_normal_log_prob", "torus_log_normaliser"]

_FAR = -3.0
_S, _W = np.polynomial.laguerre.laggauss(60)
_ANGLES = 2 * np.pi * np.arange(1024) / 1024  # enough for concentrations up to 1e4


def projected_normal_log_prob(ops: Any, x: Any, c: Any) -> Any:
    """The log-density with respect to the surface measure; x and c are (..., n)."""
    n = x.shape[-1]
    t = (c * x).sum(-1)
    scale = -0.5 * n * math.log(2 * math.pi) - 0.5 * (c * c).sum(-1)
    near = t > _FAR
    inner = ops.where(near, t, 0.0)
    density = ops.exp(-0.5 * inner * inner) / math.sqrt(2 * math.pi)
    before, now = density, ops.ndtr(inner)  # J_0 by its place in the recurrence, J_1
    for k in range(1, n):
        before, now = now, inner * now + (density if k == 1 else (k - 1) * before)
    direct = 0.5 * inner * inner + 0.5 * math.log(2 * math.pi) + ops.log(now)
    far = ops.where(near, _FAR, t)
    weight, half = ops.constant(_W * _S ** (n - 1), t), ops.constant(0.5 * _S * _S, t)
    total = (weight * ops.exp(-half / (far * far)[..., None])).sum(-1)
    return scale + ops.where(near, direct, ops.log(total) - n * ops.log(-far))


def torus_log_normaliser(ops: Any, a: Any, b: Any, rho: Any) -> Any:
    """log of the integral of exp(a cos u + b cos v + rho sin u sin v) over the torus."""
    cos, sin = ops.constant(np.cos(_ANGLES), a), ops.constant(np.sin(_ANGLES), a)
    a, b, rho = a[..., None], b[..., None], rho[..., None]
    r = (b * b + (rho * sin) ** 2) ** 0.5
    terms = a * cos + r + ops.log(ops.i0e(r))
    return ops.logsumexp(terms, -1) + math.log(4 * math.pi**2 / len(_ANGLES))
