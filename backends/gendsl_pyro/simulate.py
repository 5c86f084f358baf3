"""The PPL model run forward: one trace for many draws, which stand on the left of all plates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyro
import torch
from pyro.poutine.messenger import Messenger

from gendsl.backend import Simulation
from gendsl_pyro.seeded import seeded

__all__ = ["simulate"]


def simulate(run: Simulation) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """See `gendsl.backend.Backend.simulate`. Draws of a chunk come from the seed and the chunk's number."""
    values: dict[str, list[np.ndarray]] = {name: [] for name in run.names}
    terms: dict[str, list[np.ndarray]] = {name: [] for name in run.log_probs}
    for k, start in enumerate(range(0, run.count, run.chunk)):
        stop = min(start + run.chunk, run.count)
        given = {name: _wide(x[start:stop], run, name) for name, x in run.given.items()}
        seed = int(np.random.SeedSequence([*run.seed, k]).generate_state(1, np.uint64)[0] >> np.uint64(1))
        with seeded(seed, run.device), torch.no_grad(), _Forward(given, stop - start, run.depth):
            sites: Any = pyro.poutine.trace(run.model).get_trace(*run.arguments).nodes
        lead = stop - start
        for name in run.names:
            values[name].append(_lead(sites[name]["value"], lead, run.depth + run.ranks[name]))
        for name in run.log_probs:
            x = _log_prob(sites[name], name in run.checked)
            terms[name].append(_lead(x, lead, run.depth))
    return {k: np.concatenate(v) for k, v in values.items()}, {k: np.concatenate(v) for k, v in terms.items()}


class _Forward(Messenger):
    """Sets the given latents, and draws the others once for each run."""

    def __init__(self, given: dict[str, torch.Tensor], count: int, depth: int) -> None:
        super().__init__()
        self.given, self.shape = given, (count, *(1,) * depth)

    def _pyro_sample(self, msg: Any) -> None:
        if msg["is_observed"] or msg["done"] or pyro.poutine.util.site_is_subsample(msg):
            return
        if msg["name"] in self.given:
            msg["value"] = self.given[msg["name"]]
        else:
            fn = msg["fn"]
            msg["value"] = fn.expand(torch.broadcast_shapes(fn.batch_shape, self.shape))()
        msg["done"] = True


def _log_prob(site: Any, check: bool) -> torch.Tensor:
    fn, value = site["fn"], site["value"]
    out: torch.Tensor = fn.log_prob(value)
    if check and not isinstance(fn, pyro.distributions.MaskedDistribution):  # which knows its own
        out = torch.where(fn.support.check(value), out, -torch.inf)
    return out


def _wide(x: np.ndarray, run: Simulation, name: str) -> torch.Tensor:
    """Draws with all plate slots between them and the event."""
    shape = (x.shape[0], *(1,) * (1 + run.depth + run.ranks[name] - x.ndim), *x.shape[1:])
    dtype = getattr(torch, run.precision) if x.dtype.kind == "f" else None
    return torch.tensor(x, dtype=dtype).reshape(shape)


def _lead(x: torch.Tensor, count: int, rank: int) -> np.ndarray:
    """A value with the draws as leading axis and `rank` axes after it."""
    out = x.detach().reshape((*(1,) * (1 + rank - x.ndim), *x.shape))
    return np.array(out.expand(count, *out.shape[1:]).cpu().numpy())
