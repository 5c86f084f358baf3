"""What tests of densities share: a density on one backend, numpy in and numpy out."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from gendsl.backend import get_backend
from gendsl.densities import Density

__all__ = ["BACKENDS", "Bound", "values"]

BACKENDS = ("pyro", "numpyro")


def values(density: Density, event: tuple[int, ...], seed: int = 0) -> dict[str, np.ndarray]:
    """Parameters far from their start, and smooth enough for grids."""
    rng = np.random.default_rng(seed)
    out = {}
    for name, p in density.parameters(event).items():
        scale = 0.5 / np.sqrt(p.shape[-1]) if name.endswith("weight") else 0.2
        out[name] = scale * rng.normal(size=p.shape)
    return out


class Bound:
    """A density with given parameters on a backend."""

    def __init__(
        self,
        density: Density,
        params: dict[str, np.ndarray],
        backend: str,
        event: tuple[int, ...] | None = None,
    ) -> None:
        self.density, self.params, self.event = density, params, event
        self.b = get_backend(backend)
        self.nn = import_module(f"gendsl_{backend}.networks").LAYERS

    def _call(self, function: Callable[..., Any], *arrays: np.ndarray | None) -> Any:
        if self.b.name == "numpyro":
            import jax

            function = jax.jit(function)
        with self.b.context("float64"):
            params = {k: self.b.array(v, "float64") for k, v in self.params.items()}
            return function(params, *(None if a is None else self.b.array(a, "float64") for a in arrays))

    def log_prob(self, x: np.ndarray, context: np.ndarray | None = None) -> np.ndarray:
        """log p(x)."""
        return self.b.numpy(self._call(lambda p, x, c: self.density.log_prob(self.nn, p, x, c, self.event), x, context))

    def sample(self, noise: np.ndarray, context: np.ndarray | None = None) -> np.ndarray:
        """The draw."""
        run = self._call(lambda p, z, c: self.density.sample(self.nn, p, z, c, self.event), noise, context)
        return self.b.numpy(run)

    def gradient(self, x: np.ndarray, context: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Of the summed log-density in the parameters."""

        def grad(params: Any, x: Any, c: Any) -> Any:
            return self.b.ops.grad(lambda p: self.b.ops.sum(self.density.log_prob(self.nn, p, x, c, self.event)))(
                params
            )

        return {k: self.b.numpy(v) for k, v in self._call(grad, x, context).items()}
