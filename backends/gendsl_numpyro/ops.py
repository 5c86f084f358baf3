"""The array functions of gendsl's mathematics, on jax."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy import special

__all__ = ["OPS"]

OPS: Any = SimpleNamespace(
    abs=jnp.abs,
    broadcast_to=jnp.broadcast_to,
    concatenate=jnp.concatenate,
    constant=lambda values, like: jnp.asarray(values, like.dtype),
    exp=jnp.exp,
    expm1=jnp.expm1,
    gammaln=special.gammaln,
    i0e=special.i0e,
    log=jnp.log,
    log1p=jnp.log1p,
    logsumexp=special.logsumexp,
    maximum=jnp.maximum,
    minimum=jnp.minimum,
    moveaxis=jnp.moveaxis,
    off_diagonal=lambda x, k: jnp.vectorize(lambda v: jnp.diag(v, k), signature="(n)->(m,m)")(x),
    solve_unit_triangular=lambda a, b, upper: jax.lax.linalg.triangular_solve(
        a, b, left_side=True, lower=not upper, unit_diagonal=True
    ),
    stack=jnp.stack,
    unstack=lambda x, axis: jnp.unstack(x, axis=axis),
    where=jnp.where,
    log_ndtr=special.log_ndtr,
    ndtr=special.ndtr,
    ndtri=special.ndtri,
)
