"""The NumPyro backend: one object that satisfies gendsl.backend.Backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from gendsl.backend import CPU
from gendsl_numpyro.dialect import DIALECT
from gendsl_numpyro.ops import OPS

if TYPE_CHECKING:
    from gendsl.backend import Simulation
    from gendsl.emit.dialect import Dialect

__all__ = ["NumpyroBackend", "backend"]


_PLATFORMS = {CPU: CPU, "cuda": "gpu"}
"""Kind of device -> jax's platform."""


class _Both(AbstractContextManager[None]):
    """Two contexts as one, without the cost of a generator."""

    def __init__(self, *parts: AbstractContextManager[Any]) -> None:
        self._parts = parts

    def __enter__(self) -> None:
        for part in self._parts:
            part.__enter__()

    def __exit__(self, *error: Any) -> None:
        for part in reversed(self._parts):
            part.__exit__(*error)


def _device(name: str) -> Any:
    kind, _, number = name.partition(":")
    return jax.devices(_PLATFORMS[kind])[int(number or 0)]


class NumpyroBackend:
    """NumPyro on JAX."""

    name = "numpyro"
    dialect: Dialect = DIALECT
    ops: Any = OPS

    @property
    def layers(self) -> Any:
        """The layers of networks."""
        from gendsl_numpyro.networks import LAYERS

        return LAYERS

    @property
    def evidence(self) -> Any:
        """NumPyro's bounds on the evidence."""
        from gendsl_numpyro.elbo import NumpyroEvidence

        return NumpyroEvidence()

    @property
    def engine(self) -> Any:
        """NumPyro's samplers."""
        from gendsl_numpyro.mcmc import NumpyroEngine

        return NumpyroEngine()

    def context(self, precision: str, device: str = CPU) -> AbstractContextManager[Any]:
        """jax's x64 mode and default device in this thread, for as long as the context lasts."""
        x64: AbstractContextManager[Any] = jax.enable_x64(precision == "float64")
        if device == CPU == jax.default_backend():
            return x64
        return _Both(x64, jax.default_device(_device(device)))

    def devices(self) -> list[str]:
        """jax's devices: "cpu" (and "cpu:1", ... where XLA was told to split it), "cuda:0", ..."""
        out = []
        for kind, platform in _PLATFORMS.items():
            with suppress(RuntimeError):  # jax was told to do without, or there is none
                out += [f"{kind}:{k}" for k in range(len(jax.devices(platform)))]
        return [CPU if name == f"{CPU}:0" else name for name in out]

    def array(self, value: np.ndarray, precision: str) -> Any:
        """A numpy array on the context's device."""
        x = np.asarray(value)
        return jax.numpy.asarray(x, precision if x.dtype.kind == "f" else None)

    def numpy(self, value: Any) -> np.ndarray:
        """A jax array as numpy."""
        return np.asarray(value)

    def value_and_grad(self, function: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
        """The compiled value and gradient."""
        out: Callable[[dict[str, Any]], Any] = jax.jit(jax.value_and_grad(function))
        return out

    def vmap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The compiled function over the leading axis. Sizes are static; arrays are inputs of what is compiled."""

        @partial(jax.jit, static_argnums=2)
        def mapped(first: Any, arrays: list[dict[str, Any]], sizes: tuple[tuple[tuple[str, int], ...], ...]) -> Any:
            rest = [a | dict(s) for a, s in zip(arrays, sizes, strict=True)]
            return jax.vmap(lambda x: function(x, *rest))(first)

        def call(first: Any, *rest: dict[str, Any]) -> Any:
            arrays = [{k: v for k, v in group.items() if not isinstance(v, int)} for group in rest]
            sizes = tuple(tuple((k, v) for k, v in group.items() if isinstance(v, int)) for group in rest)
            return mapped(first, arrays, sizes)

        return call

    def log_joint(self, model: Callable[..., Any], u: Mapping[str, Any], *args: Any) -> dict[str, Any]:
        """Terms of the PPL model's log-density at unconstrained latents, by numpyro's own bijections."""
        from gendsl_numpyro.unconstrained import trace_at

        sites, terms = trace_at(model, u, *args)
        for name, site in sites.items():
            if site["type"] == "sample":
                terms[name] = site["fn"].log_prob(site["value"])
        return terms

    def simulate(self, run: Simulation) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Run a PPL model forward many times."""
        from gendsl_numpyro.simulate import simulate

        with self.context(run.precision, run.device):
            return simulate(run)


backend = NumpyroBackend()
