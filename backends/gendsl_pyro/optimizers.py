"""torch's optimisers, of the specs in gendsl.optim; what the numbers mean is said there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from gendsl.errors import FitError
from gendsl.optim import SGD, Adam, AdamW, Optimizer

__all__ = ["Mover"]

_SLOTS = {"mean": "exp_avg", "square": "exp_avg_sq", "momentum": "momentum_buffer"}
"""gendsl's names of what is remembered -> torch's."""


class Mover:
    """An optimiser over some parameters.

    Args:
        spec: which.
        names: of the parameters.
        leaves: the parameters, moved in place.
        memory: slot -> parameter -> what is remembered.
        count: moves that were made before.
    """

    def __init__(
        self,
        spec: Optimizer,
        names: Sequence[str],
        leaves: Sequence[torch.Tensor],
        memory: Mapping[str, Mapping[str, np.ndarray]],
        count: int,
    ) -> None:
        self._spec, self._names, self._leaves = spec, names, list(leaves)
        self._optimizer = _build(spec, self._leaves)
        (self._group,) = self._optimizer.param_groups
        if count and memory:
            for name, leaf in zip(names, self._leaves, strict=True):
                state = self._optimizer.state[leaf]
                for slot, arrays in memory.items():
                    state[_SLOTS[slot]] = torch.tensor(arrays[name], device=leaf.device)
                if isinstance(spec, Adam):
                    place = leaf.device if leaf.is_cuda else "cpu"
                    state["step"] = torch.tensor(float(count), dtype=torch.float32, device=place)

    def step(self, rate: float) -> None:
        """Move along the gradients, `leaf.grad`, with a learning rate."""
        self._group["lr"] = rate
        self._optimizer.step()

    def memory(self) -> dict[str, dict[str, np.ndarray]]:
        """What is remembered, as numpy: slot -> parameter -> array; zeros before the first step."""
        state = self._optimizer.state
        return {
            slot: {
                name: state[leaf][_SLOTS[slot]].cpu().numpy().copy()
                if leaf in state
                else np.zeros_like(leaf.detach().cpu().numpy())
                for name, leaf in zip(self._names, self._leaves, strict=True)
            }
            for slot in self._spec.slots
        }


def _build(spec: Optimizer, leaves: list[torch.Tensor]) -> torch.optim.Optimizer:
    """torch's optimiser, in its fused form; the learning rate is set at each step."""
    match spec:
        case AdamW():
            return torch.optim.AdamW(
                leaves, 1.0, (spec.beta1, spec.beta2), spec.eps, weight_decay=spec.weight_decay, fused=True
            )
        case Adam():
            return torch.optim.Adam(leaves, 1.0, (spec.beta1, spec.beta2), spec.eps, fused=True)
        case SGD():
            return torch.optim.SGD(
                leaves, 1.0, spec.momentum, weight_decay=spec.weight_decay, nesterov=spec.nesterov, fused=True
            )
    raise FitError("this backend does not know the optimiser", given=repr(spec), needed="one of gendsl.optim")
