"""The array functions of gendsl's mathematics, on torch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

__all__ = ["OPS"]

OPS: Any = SimpleNamespace(
    abs=torch.abs,
    broadcast_to=torch.broadcast_to,
    concatenate=torch.cat,
    constant=lambda values, like: torch.as_tensor(values, dtype=like.dtype, device=like.device),
    exp=torch.exp,
    expm1=torch.expm1,
    gammaln=torch.special.gammaln,
    i0e=torch.special.i0e,
    log=torch.log,
    log1p=torch.log1p,
    logsumexp=torch.logsumexp,
    maximum=torch.maximum,
    minimum=torch.minimum,
    moveaxis=torch.movedim,
    off_diagonal=torch.diag_embed,
    solve_unit_triangular=lambda a, b, upper: torch.linalg.solve_triangular(a, b, upper=upper, unitriangular=True),
    stack=torch.stack,
    unstack=torch.unbind,
    where=torch.where,
    log_ndtr=torch.special.log_ndtr,
    ndtr=torch.special.ndtr,
    ndtri=torch.special.ndtri,
)
