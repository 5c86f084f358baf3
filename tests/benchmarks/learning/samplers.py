"""Time of a sampler for each call of its network on torch, against diffusers and azula, which call the same network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import gendsl as gd
from gendsl.backend import get_backend
from gendsl.densities import DiffusionDensity
from gendsl.math.diffusion.predicts import Predicts
from gendsl.math.diffusion.table import run
from gendsl.samplers import DDIM, DPMSolver, Heun, Sampler
from gendsl.samplers.grids import UniformTime
from tests.benchmarks.learning.turns import Against, resident

__all__ = ["measure"]

_SIZE, _ROWS, _STEPS, _ROUNDS = 64, 64, 40, 40
_PROCESS = gd.VP(gd.schedule.Linear(0.1, 20.0))

Net = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class _Run:
    """A sampler.

    Attributes:
        draw: from noise to data.
        calls: of the network.
        goal: of the ratio of ours to it.
    """

    draw: Callable[[torch.Tensor], torch.Tensor]
    calls: int
    goal: float | None = 1.0


def measure() -> list[Against]:
    """DDIM, Heun and DPM-Solver++ 2M, 40 steps each, 64 rows of 64 numbers."""
    spec, b = DiffusionDensity(_PROCESS, gd.MLP(_SIZE, hidden=(256, 256, 256))), get_backend("pyro")
    params = {k: b.array(np.asarray(v), "float32") for k, v in spec.init((_SIZE,), 0).items()}
    x = torch.tensor(np.random.default_rng(0).normal(size=(_ROWS, _SIZE)), dtype=torch.float32)
    net, out = spec.net(b.layers, params, (_SIZE,)), []
    samplers: dict[str, Sampler] = {
        "DDIM": DDIM(steps=_STEPS, grid=UniformTime()),
        "Heun": Heun(steps=_STEPS, grid=UniformTime()),
        "DPM-Solver++ 2M": DPMSolver(steps=_STEPS),
    }
    others = dict(_others(net))
    with torch.no_grad():
        for name, sampler in samplers.items():
            table = sampler.network_table(_PROCESS, Predicts.EPS)
            ours = _Run(lambda x, table=table: run(b.ops, table, net, x), table.evaluations)
            runs = {"ours": ours, "the network alone": _alone(net, table.evaluations)}
            for library in ("diffusers", "azula"):
                other = others[library](name) if library in others else None
                if other is None:
                    out.append(Against(f"sampler call, {name}", library, note=f"{library} is absent"))
                else:
                    runs[library] = other
            _check(name, runs, x)
            out += _in_turn(f"sampler call, {name}", runs, x)
    return out


def _check(name: str, runs: dict[str, _Run], x: torch.Tensor) -> None:
    """Raise where azula's DDIM or Heun, on our times and levels, ends elsewhere."""
    if "azula" in runs and name in ("DDIM", "Heun"):
        a, b = runs["ours"].draw(x), runs["azula"].draw(x)
        if float((a - b).abs().max()) > 1e-3 * float(a.abs().max()):
            raise ValueError(f"{name}: azula's draws differ by {float((a - b).abs().max()):.3g}")


def _in_turn(what: str, runs: dict[str, _Run], x: torch.Tensor) -> list[Against]:
    times, grown = np.zeros((_ROUNDS, len(runs))), np.zeros(len(runs), int)
    for _ in range(2):
        for one in runs.values():
            one.draw(x)
    for i in range(_ROUNDS):
        for k, one in enumerate(runs.values()):
            held, began = resident(), time.perf_counter()
            one.draw(x)
            times[i, k] = (time.perf_counter() - began) / one.calls
            grown[k] += resident() - held
    out = []
    for k, (name, one) in enumerate(runs.items()):
        if k:
            low, median, high = (float(q) for q in np.quantile(times[:, 0] / times[:, k], [0.1, 0.5, 0.9]))
            middle = float(np.median(times[:, 0])), float(np.median(times[:, k]))
            both, calls = (int(grown[0]), int(grown[k])), _ROUNDS * runs["ours"].calls
            out.append(Against(what, name, *middle, low, median, high, one.goal, both, calls))
    return out


def _alone(net: Net, calls: int) -> _Run:
    """The network, called so often."""
    t = torch.tensor(0.5)

    def draw(x: torch.Tensor) -> torch.Tensor:
        for _ in range(calls):
            x = net(x, t)
        return x

    return _Run(draw, calls, None)


def _others(net: Net) -> Iterator[tuple[str, Callable[[str], _Run]]]:
    """The libraries that are there: name -> sampler -> its run."""
    for name, make in (("diffusers", _diffusers), ("azula", _azula)):
        try:
            yield name, make(net)
        except ImportError:
            continue


def _diffusers(net: Net) -> Callable[[str], _Run]:
    import diffusers

    levels: dict[str, Any] = {"num_train_timesteps": 1000, "beta_start": 1e-4, "beta_end": 0.02}

    def made(name: str) -> _Run:
        if name == "DDIM":
            scheduler: Any = diffusers.DDIMScheduler(**levels, clip_sample=False)
        elif name == "Heun":
            scheduler = diffusers.HeunDiscreteScheduler(**levels)
        else:
            scheduler = diffusers.DPMSolverMultistepScheduler(**levels, solver_order=2)

        def draw(x: torch.Tensor) -> torch.Tensor:
            scheduler.set_timesteps(_STEPS)
            for t in scheduler.timesteps:
                seen = scheduler.scale_model_input(x, t)
                x = scheduler.step(net(seen, t / 1000), t, x).prev_sample
            return x

        scheduler.set_timesteps(_STEPS)
        return _Run(draw, len(scheduler.timesteps))

    return made


def _azula(net: Net) -> Callable[[str], _Run]:
    from azula.denoise import Denoiser, DiracPosterior
    from azula.noise import Schedule
    from azula.sample import DDIMSampler, HeunSampler, xEABSampler

    class Levels(Schedule):  # type: ignore[misc]  # azula has no types
        def __call__(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            integral = 0.1 * t + 0.5 * 19.9 * t * t
            return torch.exp(-0.5 * integral), torch.sqrt(-torch.expm1(-integral))

    class Noise(Denoiser):  # type: ignore[misc]  # likewise
        def __init__(self) -> None:
            super().__init__()
            self.schedule = Levels()

        def forward(self, x: torch.Tensor, t: torch.Tensor) -> Any:
            alpha, sigma = self.schedule(t)
            return DiracPosterior((x - sigma * net(x, t)) / alpha)

    def made(name: str) -> _Run:
        options: dict[str, Any] = {"start": 1.0, "stop": 1e-3, "steps": _STEPS, "silent": True}
        if name == "DDIM":
            return _Run(DDIMSampler(Noise(), **options), _STEPS)
        if name == "Heun":
            return _Run(HeunSampler(Noise(), **options), 2 * _STEPS)
        return _Run(xEABSampler(Noise(), order=2, **options), _STEPS)

    return made
