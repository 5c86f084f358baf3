"""torch's optimisers, of the specs in gendsl.optim; what the numbers mean is said there.

They are torch's functions in their fused form, without the class around them, whose bookkeeping takes longer than the
arithmetic of a small network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from gendsl.errors import FitError
from gendsl.optim import SGD, Adam, AdamW, Optimizer

__all__ = ["Mover"]


class Mover:
    """An optimiser over some parameters.

    Args:
        spec: which.
        names: of the parameters.
        leaves: the parameters, moved in place.
        memory: slot -> parameter -> what is remembered.
        count: moves that were made before.

    Raises:
        FitError: if the backend does not know it.
    """

    def __init__(
        self,
        spec: Optimizer,
        names: Sequence[str],
        leaves: Sequence[torch.Tensor],
        memory: Mapping[str, Mapping[str, np.ndarray]],
        count: int,
    ) -> None:
        if not isinstance(spec, (Adam, SGD)):
            raise FitError("this backend does not know the optimiser", given=repr(spec), needed="one of gendsl.optim")
        self._spec, self._names, self._leaves = spec, names, list(leaves)
        self._slots = {slot: [torch.zeros_like(x, requires_grad=False) for x in self._leaves] for slot in spec.slots}
        for slot, arrays in memory.items():
            for kept, name in zip(self._slots[slot], names, strict=True):
                kept.copy_(torch.tensor(arrays[name]))
        places = [x.device if x.is_cuda else "cpu" for x in self._leaves]
        self._counts = [torch.tensor(float(count), dtype=torch.float32, device=place) for place in places]

    @torch.no_grad()
    def step(self, gradients: list[torch.Tensor], rate: float) -> None:
        """Move along the gradients, one for each leaf, with a learning rate."""
        spec, leaves = self._spec, self._leaves
        if isinstance(spec, Adam):
            decay = spec.weight_decay if isinstance(spec, AdamW) else 0.0
            adam(
                leaves, gradients, self._slots["mean"], self._slots["square"], [], self._counts, fused=True,
                decoupled_weight_decay=isinstance(spec, AdamW), amsgrad=False, beta1=spec.beta1, beta2=spec.beta2,
                lr=rate, weight_decay=decay, eps=spec.eps, maximize=False,
            )  # fmt: skip
        elif isinstance(spec, SGD):
            momentum: list[torch.Tensor | None] = [*self._slots.get("momentum", [None] * len(leaves))]
            sgd(
                leaves, gradients, momentum, fused=True,
                weight_decay=spec.weight_decay, momentum=spec.momentum, lr=rate, dampening=0.0,
                nesterov=spec.nesterov, maximize=False,
            )  # fmt: skip

    def memory(self) -> dict[str, dict[str, np.ndarray]]:
        """What is remembered, as numpy: slot -> parameter -> array; zeros before the first step."""
        return {
            slot: {name: x.cpu().numpy().copy() for name, x in zip(self._names, kept, strict=True)}
            for slot, kept in self._slots.items()
        }
