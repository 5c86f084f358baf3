"""The array functions of gendsl's mathematics, on torch; names and meanings as in gendsl.backend.Ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch.nn import functional
from torch.utils import _pytree as pytree

from gendsl_pyro import random

__all__ = ["OPS", "log_ndtr"]


def _scan(step: Callable[..., Any], init: Any, xs: Any, length: int | None = None, reverse: bool = False) -> Any:
    leaves, kind = pytree.tree_flatten(xs)
    count = leaves[0].shape[0] if leaves else (length or 0)
    rows = [x.unbind(0) for x in leaves]  # at once: a row's own gradient would be an array of all rows
    carry, outs = init, []
    order = range(count - 1, -1, -1) if reverse else range(count)
    for t in order:
        carry, out = step(carry, pytree.tree_unflatten([x[t] for x in rows], kind))
        outs.append(out)
    if reverse:
        outs.reverse()
    if not outs:
        return carry, None
    flat = [pytree.tree_flatten(o)[0] for o in outs]
    stacked = [None if items[0] is None else torch.stack(items) for items in zip(*flat, strict=True)]
    return carry, pytree.tree_unflatten(stacked, pytree.tree_flatten(outs[0])[1])


def _while_loop(condition: Callable[[Any], Any], body: Callable[[Any], Any], init: Any) -> Any:
    state = init
    while bool(condition(state)):
        state = body(state)
    return state


def _value_and_grad(function: Callable[..., Any], has_aux: bool = False) -> Callable[..., Any]:
    both = torch.func.grad_and_value(function, has_aux=has_aux)

    def call(*args: Any) -> Any:
        grad, value = both(*args)
        return value, grad

    return call


def _vjp(function: Callable[..., Any], *primals: Any) -> Any:
    return torch.func.vjp(function, *primals)


def _jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    return torch.func.jvp(function, tuple(primals), tuple(tangents))


def _vmap(function: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    return torch.func.vmap(function, in_axes, out_axes)


def log_ndtr(x: torch.Tensor) -> torch.Tensor:
    """The logarithm of the normal distribution function; torch.special's has no rule for torch.func.vmap."""
    low, high = torch.clamp(x, max=-1.0), torch.clamp(x, min=-1.0)
    tail = torch.log(torch.special.erfcx(-(0.5**0.5) * low) / 2.0) - low * low / 2.0
    return torch.where(x < -1.0, tail, torch.log1p(-torch.special.erfc(0.5**0.5 * high) / 2.0))


def _cholesky(x: torch.Tensor) -> torch.Tensor:
    lower, failed = torch.linalg.cholesky_ex(x)
    return torch.tril(torch.where(failed[..., None, None] == 0, lower, torch.nan))


def _solve_ode(rhs: Callable[..., Any], y0: Any, t0: float, t1: float, rtol: float, atol: float, max_steps: int) -> Any:
    from torchdiffeq import odeint  # loaded where an equation is solved

    times = torch.tensor([t0, t1], dtype=y0.dtype, device=y0.device)
    options = {"max_num_steps": max_steps, "norm": lambda e: torch.max(torch.abs(e))}
    try:
        return odeint(rhs, y0, times, rtol=rtol, atol=atol, options=options)[-1]
    except AssertionError:  # too many steps, or a step too small
        return torch.full_like(y0, float("nan")) + 0.0 * y0


def _like(make: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """A function that makes an array with the dtype and device of another."""

    def call(*args: Any, like: torch.Tensor) -> torch.Tensor:
        return make(*args, dtype=like.dtype, device=like.device)

    return call


def _axes(axis: int | tuple[int, ...] | None, x: torch.Tensor) -> Any:
    return tuple(range(x.ndim)) if axis is None else axis


OPS: Any = SimpleNamespace(
    # array functions
    abs=torch.abs,
    arange=_like(torch.arange),
    arctan2=torch.arctan2,
    broadcast_to=torch.broadcast_to,
    cholesky=_cholesky,
    clip=lambda x, low, high: torch.clamp(x, low, high),
    concatenate=torch.cat,
    constant=lambda values, like: torch.as_tensor(values, dtype=like.dtype, device=like.device),
    cos=torch.cos,
    cumsum=torch.cumsum,
    diagonal=lambda x: torch.diagonal(x, dim1=-2, dim2=-1),
    einsum=torch.einsum,
    erf=torch.erf,
    exp=torch.exp,
    expm1=torch.expm1,
    eye=_like(torch.eye),
    flip=lambda x, axis: torch.flip(x, (axis,) if isinstance(axis, int) else tuple(axis)),
    floor=torch.floor,
    full=_like(torch.full),
    gammaln=torch.special.gammaln,
    gelu=functional.gelu,
    i0e=torch.special.i0e,
    isfinite=torch.isfinite,
    log=torch.log,
    log1p=torch.log1p,
    log_ndtr=log_ndtr,
    log_sigmoid=functional.logsigmoid,
    log_softmax=lambda x, axis: torch.log_softmax(x, axis),
    logsumexp=torch.logsumexp,
    matmul=torch.matmul,
    max=lambda x, axis=None: torch.amax(x, _axes(axis, x)),
    maximum=torch.maximum,
    mean=lambda x, axis=None, keepdims=False: torch.mean(x, _axes(axis, x), keepdim=keepdims),
    min=lambda x, axis=None: torch.amin(x, _axes(axis, x)),
    minimum=torch.minimum,
    moveaxis=torch.movedim,
    ndtr=torch.special.ndtr,
    ndtri=torch.special.ndtri,
    off_diagonal=torch.diag_embed,
    ones=_like(torch.ones),
    ones_like=torch.ones_like,
    relu=torch.relu,
    reshape=torch.reshape,
    round=torch.round,
    sigmoid=torch.sigmoid,
    sign=torch.sign,
    silu=functional.silu,
    sin=torch.sin,
    softmax=lambda x, axis: torch.softmax(x, axis),
    softplus=lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    solve_triangular=lambda a, b, lower: torch.linalg.solve_triangular(a, b, upper=not lower),
    solve_unit_triangular=lambda a, b, upper: torch.linalg.solve_triangular(a, b, upper=upper, unitriangular=True),
    sqrt=torch.sqrt,
    square=torch.square,
    stack=torch.stack,
    stop_gradient=torch.Tensor.detach,
    sum=lambda x, axis=None, keepdims=False: torch.sum(x, _axes(axis, x), keepdim=keepdims),
    take=lambda x, index, axis: torch.index_select(x, axis, index),
    take_along_axis=torch.take_along_dim,
    tanh=torch.tanh,
    tril=torch.tril,
    triu=torch.triu,
    unstack=torch.unbind,
    where=torch.where,
    zeros=_like(torch.zeros),
    zeros_like=torch.zeros_like,
    # transformations of functions
    grad=torch.func.grad,
    jvp=_jvp,
    scan=_scan,
    solve_ode=_solve_ode,
    value_and_grad=_value_and_grad,
    vjp=_vjp,
    vmap=_vmap,
    while_loop=_while_loop,
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
