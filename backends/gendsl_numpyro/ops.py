"""The array functions of gendsl's mathematics, on jax; names and meanings as in gendsl.backend.Ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy import special
from jax.scipy.linalg import solve_triangular

from gendsl_numpyro import random

__all__ = ["OPS"]


def _scan(step: Callable[..., Any], init: Any, xs: Any, length: int | None = None, reverse: bool = False) -> Any:
    return jax.lax.scan(step, init, xs, length=length, reverse=reverse)


def _vjp(function: Callable[..., Any], *primals: Any) -> Any:
    return jax.vjp(function, *primals)


def _jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    return jax.jvp(function, tuple(primals), tuple(tangents))


def _solve_ode(rhs: Callable[..., Any], y0: Any, t0: float, t1: float, rtol: float, atol: float, max_steps: int) -> Any:
    import diffrax  # loaded where an equation is solved

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: rhs(t, y)),
        diffrax.Dopri5(),
        t0=jnp.asarray(t0, y0.dtype),
        t1=jnp.asarray(t1, y0.dtype),
        dt0=None,
        y0=y0,
        stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atol, norm=lambda e: jnp.max(jnp.abs(e))),
        max_steps=max_steps,
        throw=False,
    )
    return solution.ys[-1]


def _like(make: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """A function that makes an array with the dtype of another."""

    def call(*args: Any, like: jax.Array) -> jax.Array:
        return make(*args, dtype=like.dtype)

    return call


OPS: Any = SimpleNamespace(
    # array functions
    abs=jnp.abs,
    arange=_like(jnp.arange),
    arctan2=jnp.arctan2,
    broadcast_to=jnp.broadcast_to,
    cholesky=jnp.linalg.cholesky,
    clip=lambda x, low, high: jnp.clip(x, low, high),
    concatenate=jnp.concatenate,
    constant=lambda values, like: jnp.asarray(values, like.dtype),
    cos=jnp.cos,
    cumsum=jnp.cumsum,
    diagonal=lambda x: jnp.diagonal(x, axis1=-2, axis2=-1),
    einsum=jnp.einsum,
    erf=special.erf,
    exp=jnp.exp,
    expm1=jnp.expm1,
    eye=_like(jnp.eye),
    flip=jnp.flip,
    floor=jnp.floor,
    full=_like(jnp.full),
    gammaln=special.gammaln,
    gelu=partial(jax.nn.gelu, approximate=False),
    i0e=special.i0e,
    isfinite=jnp.isfinite,
    log=jnp.log,
    log1p=jnp.log1p,
    log_ndtr=special.log_ndtr,
    log_sigmoid=jax.nn.log_sigmoid,
    log_softmax=jax.nn.log_softmax,
    logsumexp=special.logsumexp,
    matmul=jnp.matmul,
    max=jnp.max,
    maximum=jnp.maximum,
    mean=jnp.mean,
    min=jnp.min,
    minimum=jnp.minimum,
    moveaxis=jnp.moveaxis,
    ndtr=special.ndtr,
    ndtri=special.ndtri,
    off_diagonal=lambda x, k: jnp.vectorize(lambda v: jnp.diag(v, k), signature="(n)->(m,m)")(x),
    ones=_like(jnp.ones),
    ones_like=jnp.ones_like,
    relu=jax.nn.relu,
    reshape=jnp.reshape,
    round=jnp.round,
    sigmoid=jax.nn.sigmoid,
    sign=jnp.sign,
    silu=jax.nn.silu,
    sin=jnp.sin,
    softmax=jax.nn.softmax,
    softplus=jax.nn.softplus,
    solve_triangular=lambda a, b, lower: solve_triangular(a, b, lower=lower),
    solve_unit_triangular=lambda a, b, upper: jax.lax.linalg.triangular_solve(
        a, b, left_side=True, lower=not upper, unit_diagonal=True
    ),
    sqrt=jnp.sqrt,
    square=jnp.square,
    stack=jnp.stack,
    stop_gradient=jax.lax.stop_gradient,
    sum=jnp.sum,
    take=jnp.take,
    take_along_axis=jnp.take_along_axis,
    tanh=jnp.tanh,
    tril=jnp.tril,
    triu=jnp.triu,
    unstack=lambda x, axis: jnp.unstack(x, axis=axis),
    where=jnp.where,
    zeros=_like(jnp.zeros),
    zeros_like=jnp.zeros_like,
    # transformations of functions
    grad=jax.grad,
    jvp=_jvp,
    scan=_scan,
    solve_ode=_solve_ode,
    value_and_grad=jax.value_and_grad,
    vjp=_vjp,
    vmap=jax.vmap,
    while_loop=jax.lax.while_loop,
    # keyed draws
    fold_in=random.fold_in,
    key=random.key,
    normal=random.normal,
    permutation=random.permutation,
    rademacher=random.rademacher,
    randint=random.randint,
    split=random.split,
    uniform=random.uniform,
)
