"""Trained end to end: a network on eight Gaussians, judged by its probability-flow log-density on held-out data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gendsl.math.diffusion.grids import uniform_log_snr
from gendsl.math.diffusion.likelihood import log_density
from gendsl.math.diffusion.predicts import Predicts, denoiser
from gendsl.math.diffusion.table import run
from gendsl.networks import MLP, Fourier
from gendsl.objectives.diffusion import DenoisingScoreMatching, DiffusionObjective, FlowMatching
from gendsl.processes import VP, ForwardProcess, Rectified
from gendsl.samplers import DPMSolver
from tests.diffusion.truth import double

RADIUS, WIDTH = 1.4, 0.15
ANGLES = 2 * np.pi * np.arange(8) / 8
CENTERS = RADIUS * np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1)
ENTROPY = math.log(8) + math.log(2 * math.pi * math.e * WIDTH**2)  # the modes are 7 widths apart


def eight_gaussians(count: int, seed: int) -> np.ndarray:
    """Draws, (count, 2)."""
    rng = np.random.default_rng(seed)
    return CENTERS[rng.integers(8, size=count)] + WIDTH * rng.normal(size=(count, 2))


def train(
    net: MLP, objective: DiffusionObjective, process: ForwardProcess, predicts: Predicts, steps: int, rows: int = 256
) -> dict[str, np.ndarray]:
    """Parameters after `steps` of Adam with a cosine schedule, averaged over the last fifth."""
    import jax
    import jax.numpy as jnp
    import optax

    from gendsl_numpyro.networks import LAYERS

    ops = LAYERS.ops
    params = {k: jnp.asarray(v, jnp.float32) for k, v in net.init((2,), 0).items()}
    data = jnp.asarray(eight_gaussians(50_000, 1), jnp.float32)
    optimiser = optax.adam(optax.cosine_decay_schedule(2e-3, steps))

    def step(state: Any, k: Any) -> Any:
        params, moments, mean = state
        key = ops.fold_in(ops.key(2), k)
        first, second = ops.split(key)
        x0 = data[ops.randint(first, (rows,), 0, len(data), like=data)]
        noise = objective.draw(ops, second, x0)

        def loss(p: Any) -> Any:
            f = lambda x, t: net.apply(LAYERS, p, x, time=t)  # noqa: E731
            return ops.mean(objective.loss(ops, process, predicts, f, x0, noise))

        value, grads = jax.value_and_grad(loss)(params)
        updates, moments = optimiser.update(grads, moments)
        params = optax.apply_updates(params, updates)
        mean = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b, mean, params)
        return (params, moments, mean), value

    go = jax.jit(lambda state: jax.lax.scan(step, state, jnp.arange(steps)))
    (_, _, mean), losses = go((params, optimiser.init(params), params))
    assert np.all(np.isfinite(losses))
    return {k: np.asarray(v, np.float64) for k, v in mean.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("objective", "process", "predicts"),
    [
        (DenoisingScoreMatching(), VP(), Predicts.EPS),
        (DenoisingScoreMatching(weight="likelihood"), VP(), Predicts.V),  # type: ignore[arg-type]
        (FlowMatching(), Rectified(), Predicts.VELOCITY),
    ],
    ids=["simple", "likelihood", "flow"],
)
def test_eight_gaussians(objective: DiffusionObjective, process: ForwardProcess, predicts: Predicts) -> None:
    """Held-out log-density within 0.15 nats of the entropy, and every mode has its share of the samples."""
    import jax

    from gendsl_numpyro.networks import LAYERS

    net = MLP(2, hidden=(96, 96, 96), time=Fourier(size=32, width=64, scale=1.0))
    trained = train(net, objective, process, predicts, 8_000)
    held_out = eight_gaussians(1_000, 7)
    with double("numpyro") as (b, ops):
        params = {k: b.array(v, "float64") for k, v in trained.items()}
        f = lambda x, t: net.apply(LAYERS, params, x, time=t)  # noqa: E731
        denoise = denoiser(ops, process, predicts, f)
        grid = uniform_log_snr(process, 50)[::-1]
        out = jax.jit(
            lambda x: (lambda d: (d.value, d.error))(log_density(ops, process, denoise, x, grid, check=True))
        )(b.array(held_out, "float64"))
        mean, error = float(np.mean(b.numpy(out[0]))), float(np.mean(b.numpy(out[1])))
        table = DPMSolver(steps=40).network_table(process, predicts)
        start = process.base_scale * ops.normal(ops.key(3), (2_000, 2), like=out[0])
        x = b.numpy(jax.jit(lambda x: run(ops, table, lambda y, t: f(y, ops.broadcast_to(t, y.shape[:1])), x))(start))
    print(f"{mean:.3f} of {-ENTROPY:.3f}, solver {error:.1e}")
    assert error < 1e-2
    assert abs(mean + ENTROPY) < 0.15
    distance = np.linalg.norm(x[:, None] - CENTERS, axis=-1)
    assert np.mean(distance.min(1) < 4 * WIDTH) > 0.97
    shares = np.bincount(distance.argmin(1), minlength=8) / len(x)
    assert np.all(np.abs(shares - 1 / 8) < 0.04)
