"""optax's optimisers, of the specs in gendsl.optim; what the numbers mean is said there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gendsl.errors import FitError
from gendsl.optim import SGD, Adam, AdamW, Optimizer

__all__ = ["Rule"]

Arrays = dict[str, jax.Array]


class Rule:
    """An optimiser as pure functions.

    Args:
        spec: which.
    """

    def __init__(self, spec: Optimizer) -> None:
        self._transform = _build(spec)

    def begin(self, params: Arrays, memory: Mapping[str, Mapping[str, np.ndarray]], count: int) -> Any:
        """The state of the optimiser.

        Args:
            params: what it moves.
            memory: slot -> parameter -> what is remembered.
            count: moves that were made before.
        """
        kept = {slot: {k: jnp.array(x) for k, x in arrays.items()} for slot, arrays in memory.items()}

        def filled(part: Any) -> Any:
            match part:
                case optax.ScaleByAdamState():
                    return part._replace(count=jnp.array(count, jnp.int32), mu=kept["mean"], nu=kept["square"])
                case optax.TraceState():
                    return part._replace(trace=kept["momentum"])
            return part

        return tuple(filled(part) for part in self._transform.init(params))

    def step(self, params: Arrays, gradients: Arrays, state: Any, rate: jax.Array) -> tuple[Arrays, Any]:
        """Parameters and state after a move with a learning rate."""
        direction, state = self._transform.update(gradients, state, params)
        return {k: x - rate * direction[k] for k, x in params.items()}, state

    def memory(self, state: Any) -> dict[str, Arrays]:
        """What a state remembers: slot -> parameter -> array."""
        out: dict[str, Arrays] = {}
        for part in state:
            match part:
                case optax.ScaleByAdamState():
                    out |= {"mean": part.mu, "square": part.nu}
                case optax.TraceState():
                    out |= {"momentum": part.trace}
        return out


def _build(spec: Optimizer) -> optax.GradientTransformation:
    """optax's optimiser but for the learning rate."""
    match spec:
        case AdamW():
            adam = optax.scale_by_adam(spec.beta1, spec.beta2, spec.eps)
            return optax.chain(adam, optax.add_decayed_weights(spec.weight_decay))
        case Adam():
            return optax.chain(optax.scale_by_adam(spec.beta1, spec.beta2, spec.eps))
        case SGD():
            decay = [optax.add_decayed_weights(spec.weight_decay)] if spec.weight_decay else []
            trace = [optax.trace(spec.momentum, spec.nesterov)] if spec.momentum else []
            return optax.chain(optax.identity(), *decay, *trace)
    raise FitError("this backend does not know the optimiser", given=repr(spec), needed="one of gendsl.optim")
