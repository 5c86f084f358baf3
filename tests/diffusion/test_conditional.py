"""Diffusions under a context: a Gaussian given a vector, whose density is known, and classes that are learnt."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl import optim
from gendsl.math.numpy_ops import NUMPY
from gendsl.networks import Network
from gendsl.networks.parameter import Init, Parameter
from gendsl.objectives import diffused
from gendsl.processes import VP, ForwardProcess

PROCESS = VP()
COV = np.array([[0.5, 0.3], [0.3, 0.8]])
VALUES, AXES = np.linalg.eigh(COV)
A, SHIFT = np.array([[1.0, -0.5, 0.0], [0.5, 2.0, -1.0]]), np.array([0.3, -0.7])
FINE: dict[str, Any] = {"sampler": gd.sampler.DPMSolver(steps=200), "flow": gd.ProbabilityFlow(steps=100)}


@dataclass(frozen=True, kw_only=True, repr=False)
class Exact(Network):
    """E[x_0 | x_t, y] of x_0 ~ N(A y + b, COV), linear in x_t and in the context y; the time is the process's own."""

    @property
    def timed(self) -> bool:
        return True

    @property
    def contextual(self) -> bool:
        return True

    def output(self, event: Any) -> tuple[int, ...]:
        return tuple(event)

    def parameters(self, event: Any, context: int = 0) -> dict[str, Parameter]:
        return {"A": Parameter((2, context)), "b": Parameter((2,), Init.ZEROS)}

    def forward(self, nn: Any, params: Any, x: Any, time: Any, event: Any, context: Any = None) -> Any:
        ops, t = nn.ops, time * PROCESS.end
        alpha, sigma = PROCESS.alpha(ops, t)[..., None], PROCESS.sigma(ops, t)[..., None]
        values, axes = ops.constant(VALUES, x), ops.constant(AXES, x)
        mean = ops.sum(params["A"] * context[..., None, :], -1) + params["b"]
        along = ops.matmul((x - alpha * mean)[..., None, :], axes)[..., 0, :]
        gain = alpha * values / (ops.square(alpha) * values + ops.square(sigma))
        return mean + ops.matmul((gain * along)[..., None, :], ops.moveaxis(axes, -1, -2))[..., 0, :]


def density(x: np.ndarray, y: np.ndarray, process: ForwardProcess = PROCESS) -> np.ndarray:
    """log p(x | y) by the ODE solved by hand: along each axis of COV, z - alpha' m = (x - alpha m) sqrt(v' / v)."""
    ends = np.array([process.start, process.end])
    alpha, sigma = process.alpha(NUMPY, ends), process.sigma(NUMPY, ends)
    v = alpha[:, None] ** 2 * VALUES + sigma[:, None] ** 2
    mean = y @ A.T + SHIFT
    stretch = np.sqrt(v[1] / v[0])
    z = (alpha[1] * mean) @ AXES + ((x - alpha[0] * mean) @ AXES) * stretch
    b = process.base_scale
    return np.asarray((-0.5 * (z / b) ** 2 - math.log(b) - 0.5 * math.log(2 * math.pi) + np.log(stretch)).sum(-1))


def gaussian(backend: str, **options: Any) -> Any:
    """A fit whose parameters are the true ones."""
    m = gd.Model("gaussian")
    row = m.plate("row")
    y = m.data("y", dims=row, event=3)
    x = gd.Diffusion(PROCESS, network=Exact(), predicts="x0", event=2, context=y, **(FINE | options))
    m.observe("x", x, dims=row)
    rng = np.random.default_rng(0)
    data = {"y": rng.normal(size=(7, 3)), "x": rng.normal(size=(7, 2))}
    fit = m.fit(data, gd.Train(steps=1, precision=gd.Precision.FLOAT64), backend=backend, progress=False)
    return replace(fit, raw=replace(fit.raw, params={"x.network.A": A, "x.network.b": SHIFT}, average={}))


def test_the_density_is_that_of_the_gaussian_given_the_context(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row by row, in one piece and in several; of the program too."""
    fit = gaussian(backend)
    rng = np.random.default_rng(1)
    new = {"y": rng.normal(size=(5, 3)), "x": rng.normal(size=(5, 2))}
    wanted = density(new["x"], new["y"])
    found = fit.log_prob(new)
    np.testing.assert_allclose(found.elements["x"], wanted, atol=1e-6)
    assert fit.on(new)._log_density() == pytest.approx(found.value, rel=1e-10)
    monkeypatch.setattr(diffused, "_JUDGED", 8)  # two rows a piece
    np.testing.assert_allclose(fit.log_prob(new).elements["x"], wanted, atol=1e-6)
    precision = np.linalg.inv(COV)  # the base at the end is not the marginal there, nor data without noise
    off = new["x"] - new["y"] @ A.T - SHIFT
    log_n = -0.5 * np.einsum("ni,ij,nj->n", off, precision, off) - 0.5 * np.log(np.linalg.det(2 * np.pi * COV))
    np.testing.assert_allclose(wanted, log_n, rtol=0.02, atol=0.05)


def test_probes_estimate_it(backend: str) -> None:
    fit = gaussian(backend, flow=gd.ProbabilityFlow(steps=20, probes=16))
    new = {"y": np.ones((3, 3)), "x": np.zeros((3, 2))}
    found = fit.log_prob(new)
    assert found.kind == "estimate"
    assert abs(found.value - density(new["x"], new["y"]).sum()) < 4 * found.se + 1e-3


SAMPLERS = {"own": None, "Euler-Maruyama": gd.sampler.EulerMaruyama(steps=200)}


@pytest.mark.parametrize("name", SAMPLERS)
def test_draws_are_those_of_the_gaussian_given_the_context(
    name: str, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row under its own context, in pieces of rows that do not fill the last."""
    fit = gaussian(backend, sampler=gd.sampler.DPMSolver(steps=30))
    monkeypatch.setattr(diffused, "_DRAWN", 2 * 1001)
    y = np.array([[0.0, 0.0, 0.0], [2.0, -1.0, 0.5], [0.0, 3.0, 1.0]])
    x = fit.sample({"y": y}, draws=1500, seed=1, sampler=SAMPLERS[name])["x"][0]
    assert x.shape == (1500, 3, 2)
    error = 4 * np.sqrt(COV.diagonal() / 1500)
    assert (np.abs(x.mean(0) - y @ A.T - SHIFT) < error + 0.02).all()
    for k in range(3):
        np.testing.assert_allclose(np.cov(x[:, k], rowvar=False), COV, atol=4 * 0.8 * math.sqrt(2 / 1500) + 0.03)


def test_without_data_rows_are_those_of_the_fit(backend: str) -> None:
    fit = gaussian(backend, sampler=gd.sampler.DDIM(steps=5))
    mean = fit.setting.bound.arrays["y"] @ A.T + SHIFT
    for sampler in (None, gd.sampler.DDIM(steps=5)):
        x = fit.sample(draws=300, sampler=sampler)["x"]
        assert x.shape == (1, 300, 7, 2)
        assert np.abs(x[0].mean(0) - mean).max() < 0.4


def test_training_finds_the_regression() -> None:
    """Denoising: A and b are those of least squares, whatever the weight of times."""
    rng = np.random.default_rng(2)
    y = rng.normal(size=(600, 3))
    x = y @ A.T + SHIFT + rng.normal(size=(600, 2)) @ np.linalg.cholesky(COV).T
    m = gd.Model("regression")
    row = m.plate("row")
    given = m.data("y", dims=row, event=3)
    m.observe("x", gd.Diffusion(PROCESS, network=Exact(), predicts="x0", event=2, context=given), dims=row)
    method = gd.Train(steps=800, batch_size=200, optimizer=optim.Adam(optim.Cosine(0.03)), ema=0.99)
    for objective in (gd.DenoisingScoreMatching(weight=gd.Weight.LIKELIHOOD), gd.FlowMatching()):
        m.objective(objective)
        fit = m.fit({"x": x, "y": y}, method, backend="numpyro", progress=False)
        best = np.linalg.lstsq(np.column_stack([y, np.ones(600)]), x, rcond=None)[0].T
        found = np.column_stack([fit.params["x.network.A"], fit.params["x.network.b"]])
        np.testing.assert_allclose(found, best, atol=0.1)


# -- classes ----------------------------------------------------------------------------------------------------------
def _two_moons(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classes that no Gaussian is: half circles that do not meet."""
    rng = np.random.default_rng(seed)
    k, angle = rng.integers(0, 2, count), rng.uniform(0, np.pi, count)
    sign = 1.0 - 2.0 * k
    x = np.stack([2 * np.cos(angle), sign * (2 * np.sin(angle) + 1.0)], 1)
    return x + 0.1 * rng.standard_normal((count, 2)), k


def _moons(steps: int, backend: str, width: int) -> Any:
    x, k = _two_moons(1000, 0)
    m = gd.Model("moons")
    row = m.plate("row")
    label = m.data("label", dims=row, event=2)
    net = gd.MLP(2, hidden=(width, width), time=gd.Fourier(size=16, width=32, scale=1.0))
    m.observe("x", gd.Diffusion(gd.VP(), network=net, predicts="v", event=2, context=label), dims=row)
    method = gd.Train(steps=steps, batch_size=250, optimizer=optim.Adam(optim.Cosine(5e-3)), ema=0.99)
    return m.fit({"x": x, "label": np.eye(2)[k]}, method, backend=backend, progress=False)


def _off(fit: Any, at: int, other: int) -> np.ndarray:
    """Distances of a class's draws to the half circle of a class."""
    y = fit.sample({"label": np.eye(2)[np.full(500, at)]}, draws=1)["x"][0, 0]
    side = y[:, 1] * (1.0 - 2.0 * other) - 1.0
    angle = np.clip(np.arctan2(side, y[:, 0]), 0, np.pi)
    angle = np.where((side < 0) & (y[:, 0] < 0), np.pi, angle)
    return np.hypot(y[:, 0] - 2 * np.cos(angle), side - 2 * np.sin(angle))


def test_each_class_has_its_own_points(tmp_path: Path) -> None:
    """By draws, by the log-density, and from a file on the other backend."""
    fit = _moons(500, "numpyro", 32)
    for at in range(2):
        assert np.quantile(_off(fit, at, at), 0.9) < 0.6
        assert np.median(_off(fit, at, 1 - at)) > 1.5
    x, k = _two_moons(50, 1)
    own, other = (fit.log_prob({"x": x, "label": np.eye(2)[c]}) for c in (k, 1 - k))
    assert own.value - other.value > 50 * 3.0
    fit.save(tmp_path / "moons.safetensors")
    there = gd.load(tmp_path / "moons.safetensors").to("pyro")
    again = there.log_prob({"x": x[:5], "label": np.eye(2)[k[:5]]}).elements["x"]
    np.testing.assert_allclose(again, own.elements["x"][:5], rtol=1e-4, atol=1e-3)  # trained in single precision


@pytest.mark.slow
def test_each_class_is_learnt_well(backend: str) -> None:
    """The log-density of held-out rows is near that of the truth, arcs of 2 pi smoothed by 0.1."""
    fit = _moons(4000, backend, 96)
    for at in range(2):
        assert np.quantile(_off(fit, at, at), 0.9) < 0.3
    x, k = _two_moons(400, 2)
    found = fit.log_prob({"x": x, "label": np.eye(2)[k]}).value / 400
    arc = np.stack([2 * np.cos(a := np.linspace(0, np.pi, 4001)), 2 * np.sin(a) + 1.0], 1)
    y = x * np.stack([np.ones(400), 1.0 - 2.0 * k], 1)
    d = ((y[:, None] - arc) ** 2).sum(-1)
    exact = np.log(np.exp(-0.5 * d / 0.01).mean(1) / (2 * np.pi * 0.01)).mean()
    assert abs(found - exact) < 0.3
