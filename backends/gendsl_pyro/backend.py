"""The Pyro backend: one object that satisfies gendsl.backend.Backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gendsl.backend import CPU
from gendsl_pyro.device import on, there_are
from gendsl_pyro.dialect import DIALECT
from gendsl_pyro.ops import OPS
from gendsl_pyro.unconstrained import Unconstrained

if TYPE_CHECKING:
    from gendsl.backend import Simulation
    from gendsl.emit.dialect import Dialect

__all__ = ["PyroBackend", "backend"]


class PyroBackend:
    """Pyro on torch."""

    name = "pyro"
    dialect: Dialect = DIALECT
    ops: Any = OPS

    @property
    def layers(self) -> Any:
        """The layers of networks."""
        from gendsl_pyro.networks import LAYERS

        return LAYERS

    @property
    def evidence(self) -> Any:
        """Pyro's bounds on the evidence."""
        from gendsl_pyro.elbo import PyroEvidence

        return PyroEvidence()

    @property
    def engine(self) -> Any:
        """Pyro's samplers."""
        from gendsl_pyro.mcmc import PyroEngine

        return PyroEngine()

    def context(self, precision: str, device: str = CPU) -> AbstractContextManager[Any]:
        """The device of new tensors; programs and data carry their dtype."""
        return on(device)

    def devices(self) -> list[str]:
        """The CPU, and what CUDA finds."""
        return there_are()

    def array(self, value: np.ndarray, precision: str) -> torch.Tensor:
        """A numpy array as a tensor."""
        x = np.array(value, order="C")  # a copy: torch warns of read-only arrays
        return torch.as_tensor(x, dtype=getattr(torch, precision) if x.dtype.kind == "f" else None)

    def numpy(self, value: torch.Tensor) -> np.ndarray:
        """A tensor as numpy."""
        out: np.ndarray = value.detach().cpu().numpy()
        return out

    def value_and_grad(self, function: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
        """The value and gradient by reverse mode."""

        def both(u: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            leaves = {k: v.detach().requires_grad_(True) for k, v in u.items()}
            value = function(leaves)
            grads = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)
            zero = {k: torch.zeros_like(v) for k, v in leaves.items()}
            return value.detach(), {k: zero[k] if g is None else g for k, g in zip(leaves, grads, strict=True)}

        return both

    def vmap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function over the leading axis; solvers with steps of their own are mapped by a loop."""

        def call(first: Any, *rest: dict[str, Any]) -> Any:
            return torch.func.vmap(lambda x: function(x, *rest))(first)

        return call

    def log_joint(self, model: Callable[..., Any], u: Mapping[str, Any], *args: Any) -> dict[str, Any]:
        """Terms of the PPL model's log-density at unconstrained latents, by torch's own bijections."""
        from pyro import poutine

        terms: dict[str, Any] = {}
        with Unconstrained(u, terms):
            sites: Any = poutine.trace(model).get_trace(*args).nodes
        for name, site in sites.items():
            if (
                site["type"] == "sample"
                and not poutine.util.site_is_subsample(site)
                and not (site["infer"] or {}).get("_deterministic")
            ):
                terms[name] = site["fn"].log_prob(site["value"])
        return terms

    def simulate(self, run: Simulation) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Run a PPL model forward many times."""
        from gendsl_pyro.simulate import simulate

        with self.context(run.precision, run.device):
            return simulate(run)


backend = PyroBackend()
