"""G3: a critic that is trained with gradient penalty measures the Wasserstein distance of normals on the line."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gendsl.networks import MLP
from gendsl.objectives.adversarial import WGAN, GradientPenalty
from tests.diffusion.truth import compiled, double

CRITIC = MLP(1, hidden=(32, 32))
PHASES = [(WGAN(critic=CRITIC, penalty=GradientPenalty(w)), steps) for w, steps in ((0.5, 200), (50.0, 800))]


def _folded(mean: float, scale: float) -> float:
    """E |N(mean, scale^2)|."""
    return float(mean if scale == 0 else stats.foldnorm(abs(mean) / scale, scale=scale).mean())


def _adam(ops: Any, params: dict[str, Any], gradient: dict[str, Any], state: Any, t: int, rate: float) -> Any:
    first, second = state
    first = {k: 0.5 * first[k] + 0.5 * g for k, g in gradient.items()}
    second = {k: 0.9 * second[k] + 0.1 * ops.square(g) for k, g in gradient.items()}
    a, c = 1 - 0.5**t, 1 - 0.9**t
    moved = {k: p - rate * (first[k] / a) / (ops.sqrt(second[k] / c) + 1e-8) for k, p in params.items()}
    return moved, (first, second)


@pytest.mark.parametrize(
    ("loc", "scale", "backend"),
    [
        (2.0, 1.0, "numpyro"),
        (1.0, 1.5, "numpyro"),
        pytest.param(0.0, 2.0, "numpyro", marks=pytest.mark.slow),
        pytest.param(2.0, 1.0, "pyro", marks=pytest.mark.slow),
    ],
)
def test_the_distance_of_two_normals(loc: float, scale: float, backend: str) -> None:
    """W1(N(0, 1), N(m, s^2)) = E |N(m, (s - 1)^2)|, which scipy's distance of the samples confirms; within 5 %.

    The best slope under a penalty of weight w is 1 + W1 / (2 w), so w must be large. On the line such a penalty then
    stands between slopes of either sign, so training begins with a small one.
    """
    truth = _folded(loc, abs(scale - 1.0))
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((4000, 1)), loc + scale * rng.standard_normal((4000, 1))
    assert stats.wasserstein_distance(x[:, 0], y[:, 0]) == pytest.approx(truth, rel=0.05)
    network = import_module(f"gendsl_{backend}.networks").network(CRITIC, event=(1,), name="critic")
    with double(backend) as (b, ops):
        params = {k: b.array(v, "float64") for k, v in CRITIC.init((1,), 0, "critic.").items()}
        state: Any = ({k: 0.0 * v for k, v in params.items()},) * 2
        data, samples = b.array(x, "float64"), b.array(y, "float64")

        def critic(p: dict[str, Any]) -> Any:
            return lambda v: network(p, v)[..., 0]

        t, rng = 0, np.random.default_rng(2)
        for objective, steps in PHASES:

            def step(p: Any, state: Any, t: Any, rate: Any, a: Any, c: Any, noise: Any, o: WGAN = objective) -> Any:
                gradient = ops.grad(lambda p: o.critic_loss(ops, critic(p), a, c, noise).value)(p)
                return _adam(ops, p, gradient, state, t, rate)

            step = compiled(backend, step)
            for k in range(steps):
                t += 1
                rows = slice(500 * (t % 8), 500 * (t % 8) + 500)
                numbers = (np.array(float(t)), np.array(5e-3 * (1 - k / steps)), x[rows], y[rows])
                noise = {"mix": b.array(rng.random(500), "float64")}
                params, state = step(params, state, *(b.array(v, "float64") for v in numbers), noise)
        noise = {"mix": b.array(rng.random(4000), "float64")}
        out = PHASES[-1][0].critic_loss(ops, critic(params), data, samples, noise)
        distance, penalty = float(out.parts["value"]), float(out.parts["penalty"])
    assert distance == pytest.approx(truth, rel=0.05)
    assert penalty / 50.0 < 0.05
