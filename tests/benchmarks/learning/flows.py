"""A step of training a flow of spline couplings, against zuko's, of equal widths and bins."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

import gendsl as gd
from tests.benchmarks.learning.turns import RATE, Against, Other, bind, loss_of, same, train

__all__ = ["measure"]

_BATCH, _ROWS, _LAYERS, _BINS, _HIDDEN = 256, 4096, 4, 8, (64, 64)
_GOAL = 1.1


def flow(size: int) -> gd.Model:
    """x is a neural spline flow of couplings."""
    m = gd.Model("flow")
    transforms = gd.flows.nsf(_LAYERS, bins=_BINS, hidden=_HIDDEN)
    m.observe("x", gd.Flow(gd.Normal(0, 1).expand(size), transforms), dims=m.plate("row"))
    return m


def measure() -> list[Against]:
    """On torch, in 2 and in 16 dimensions."""
    out = []
    for size in (2, 16):
        what, data = f"flow step, {size} dimensions, pyro", np.random.default_rng(0).normal(size=(_ROWS, size))
        made = bind(flow(size), {"x": data}, "pyro", True)
        try:
            others = _zuko(size, data, made)
        except ImportError:
            out.append(Against(what, "zuko", note="zuko is absent"))
            continue
        out += train(what, made, "pyro", others, batch=_BATCH)
    return out


def _zuko(size: int, data: np.ndarray, made: Any) -> list[Other]:
    import zuko

    rows = torch.tensor(data, dtype=torch.float32)
    spline = partial(zuko.transforms.MonotonicRQSTransform, slope=1e-3)
    shapes, options = [(_BINS,), (_BINS,), (_BINS - 1,)], {"hidden_features": _HIDDEN, "activation": torch.nn.SiLU}
    coupled = zuko.flows.NICE(size, transforms=_LAYERS, univariate=spline, shapes=shapes, **options)
    masked = zuko.flows.NSF(size, bins=_BINS, transforms=_LAYERS, passes=2, **options)
    params = {k: np.asarray(v, np.float32) for k, v in made.game.initial_params(0).items()}
    ours = loss_of(made, "pyro", params, {}, np.arange(_BATCH))  # the identity at first
    for net in (coupled, masked):
        for transform in net.transform.transforms:
            for w in transform.hyper[-1].parameters():
                torch.nn.init.zeros_(w)
        same("zuko", ours, -net().log_prob(rows[:_BATCH]).mean().item())
    return [
        Other("zuko, couplings", _loop(coupled, rows), _GOAL),
        Other("zuko, NSF of two passes", _loop(masked, rows), _GOAL),
    ]


def _loop(net: Any, rows: torch.Tensor) -> Callable[[int], int]:
    optimizer = torch.optim.Adam(net.parameters(), RATE, fused=True)
    losses: list[float] = []

    def steps(count: int) -> int:
        for _ in range(count):
            loss = -net().log_prob(rows[torch.randint(_ROWS, (_BATCH,))]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return count

    return steps
