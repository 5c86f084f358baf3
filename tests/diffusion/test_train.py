"""Trained end to end: a network on eight Gaussians, judged by its probability-flow log-density on held-out data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gendsl as gd

ANGLES = np.arange(8) * np.pi / 4
CENTRES = 4.0 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], -1)
ENTROPY = 2.832  # of the mixture, of which tests/families/test_flows.py trains splines
NET = gd.MLP(2, hidden=(96, 96, 96), time=gd.Fourier(size=32, width=64, scale=1.0))
CASES: dict[str, tuple[gd.Distribution, gd.Objective, int]] = {  # and steps; the simple weight takes more of them
    "simple": (gd.Diffusion(gd.VP(), network=NET, event=2), gd.DenoisingScoreMatching(), 8000),
    "likelihood": (
        gd.Diffusion(gd.VP(), network=NET, predicts=gd.Predicts.V, event=2),
        gd.DenoisingScoreMatching(weight=gd.Weight.LIKELIHOOD),
        3000,
    ),
    "flow": (
        gd.Diffusion(gd.Rectified(), network=NET, predicts=gd.Predicts.VELOCITY, event=2),
        gd.FlowMatching(),
        3000,
    ),
}


def eight_gaussians(seed: int, count: int) -> np.ndarray:
    """Draws, (count, 2)."""
    rng = np.random.default_rng(seed)
    return (CENTRES[rng.integers(8, size=count)] + 0.5 * rng.normal(size=(count, 2))) / np.sqrt(2.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_eight_gaussians(name: str, backend: str) -> None:
    """Held-out log-density within 0.15 nats of the entropy; every mode has its share of the draws of either sampler."""
    m = gd.Model("eight_gaussians")
    diffusion, objective, steps = CASES[name]
    m.observe("x", diffusion, dims=m.plate("row"))
    m.objective(objective)
    method = gd.Train(steps=steps, batch_size=512, optimizer=gd.optim.Adam(gd.optim.Cosine(3e-3)), ema=0.999)
    fit = m.fit({"x": eight_gaussians(0, 50_000)}, method, backend=backend, seed=0, progress=False)
    found = fit.log_prob({"x": eight_gaussians(1, 2_000)})
    assert found.kind == "exact"
    gap = -found.value / 2_000 - ENTROPY
    print(f"{gap:.3f} nats above the entropy")
    assert abs(gap) < 0.15
    for sampler in (None, gd.sampler.EulerMaruyama(steps=200)):
        _check_modes(fit.sample(draws=1, sizes={"row": 4000}, sampler=sampler)["x"])


def _check_modes(x: Any) -> None:
    points = x.reshape(-1, 2) * np.sqrt(2.0)
    distance = np.linalg.norm(points[:, None] - CENTRES, axis=-1)
    near = distance.min(1) < 1.5
    assert near.mean() > 0.94  # of the mixture itself 0.989
    share = np.bincount(distance.argmin(1)[near], minlength=8) / near.sum()
    np.testing.assert_allclose(share, 1 / 8, atol=0.04)
