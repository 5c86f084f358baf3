"""Affine recurrences on torch, their gradient a recurrence too: gendsl/math/recurrences.py as one function."""

from __future__ import annotations

from typing import Any

import torch

from gendsl.math import recurrences
from gendsl_pyro.ops import OPS

__all__ = ["affine_scan"]


def affine_scan(
    a: torch.Tensor,
    b: torch.Tensor,
    init: torch.Tensor,
    axis: int = -1,
    *,
    matrix: bool = False,
    reverse: bool = False,
) -> torch.Tensor:
    """x[t] = a[t] x[t-1] + b[t] for all t; everything else broadcasts.

    Args:
        a: coefficients; matrices (..., k, k), where elements are vectors.
        b: what is added, the sequence along `axis`; vectors (..., k).
        init: what stands before the first element: like b without the axis.
        axis: the axis of b that the recurrence runs along, counted from the right.
        matrix: whether elements are vectors, along the last axis of b; `axis` is then -2 or less.
        reverse: whether to start at the end: x[t] = a[t] x[t+1] + b[t].
    """
    if matrix and axis == -1:
        axis = -2
    last = b.shape[-1:] if matrix else ()
    head = a.shape[: a.ndim - len(last)]
    shape = torch.broadcast_shapes(head, b.shape, init.unsqueeze(axis).shape)
    a, b = _expanded(a, shape + last), _expanded(b, shape)
    init = _expanded(init, shape[:axis] + shape[len(shape) + axis + 1 :])
    home = -1 - len(last)
    if axis != home:
        a, b = a.movedim(axis - len(last), home - len(last)), b.movedim(axis, home)
    x: torch.Tensor = _AffineScan.apply(a, b, init, matrix, reverse)
    return x if axis == home else x.movedim(home, axis)


def _expanded(x: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    return x if x.shape == shape else x.expand(shape)


class _AffineScan(torch.autograd.Function):
    """The recurrence along the last axis but those of vectors."""

    @staticmethod
    def forward(a: torch.Tensor, b: torch.Tensor, init: torch.Tensor, matrix: bool, reverse: bool) -> Any:
        """All elements."""
        return recurrences.affine_scan(OPS, a, b, init, matrix=matrix, reverse=reverse)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """What the gradient needs."""
        a, _, init, ctx.matrix, ctx.reverse = inputs
        ctx.save_for_backward(a, output, init)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        """The recurrence in the other direction."""
        a, x, init = ctx.saved_tensors
        options = {"matrix": ctx.matrix, "reverse": ctx.reverse}
        return *recurrences.affine_scan_vjp(OPS, a, x, init, gradient, **options), None, None

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
        """A batch as one more axis on the left, so that the size of the whole decides how it is done."""
        tensors = [
            x.expand(info.batch_size, *x.shape) if at is None else x.movedim(at, 0)
            for x, at in zip(inputs[:3], in_dims[:3], strict=True)
        ]
        return _AffineScan.apply(*tensors, *inputs[3:]), 0
