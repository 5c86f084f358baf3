"""The law of samplers, of grids and of what networks predict, for every entry of their registries."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gendsl.errors import ModelError
from gendsl.graph.json.nodes import Codec
from gendsl.math.diffusion.losses import Weight
from gendsl.math.diffusion.predicts import Predicts, convert
from gendsl.math.diffusion.table import run
from gendsl.math.numpy_ops import NUMPY
from gendsl.objectives.diffusion import DenoisingScoreMatching, DiffusionObjective, FlowMatching
from gendsl.processes import EDM, VE, VP, Rectified
from gendsl.samplers import (
    DDIM,
    SAMPLERS,
    Ancestral,
    DPMSolver,
    EulerMaruyama,
    GivenTimes,
    Heun,
    Karras,
    Sampler,
    UniformLogSNR,
    UniformTime,
    Variance,
)
from tests.diffusion.test_samplers import gaussian_variance
from tests.diffusion.truth import CASES, Mixture, compiled, double

CASES_OF_SAMPLERS: dict[str, Sampler] = {
    "Ancestral": Ancestral(steps=7),
    "Ancestral large": Ancestral(steps=7, variance=Variance.FIXED_LARGE, grid=Karras(5.0)),
    "DDIM": DDIM(steps=7),
    "DDIM 0.5": DDIM(steps=7, eta=0.5, denoise=True),
    "DPMSolver 1": DPMSolver(steps=7, order=1),
    "DPMSolver 2": DPMSolver(steps=7, denoise=True),
    "DPMSolver 3": DPMSolver(steps=7, order=3, grid=UniformTime()),
    "EulerMaruyama": EulerMaruyama(steps=7),
    "Heun": Heun(steps=7, denoise=True),
}
EVALUATIONS = {"Heun": 2}
CODEC = Codec(set(), set())


def test_every_entry_has_a_case() -> None:
    assert {type(s) for s in CASES_OF_SAMPLERS.values()} == set(SAMPLERS.values())


@pytest.mark.parametrize("case", CASES_OF_SAMPLERS)
def test_backends_agree_on_equal_noise(case: str) -> None:
    """And every parameterization gives the posterior mean's own samples, folded into the coefficients or not."""
    sampler, p = CASES_OF_SAMPLERS[case], VP()
    truth, rng = Mixture(p), np.random.default_rng(0)
    table = sampler.table(p)
    assert table.evaluations == 7 * EVALUATIONS.get(case, 1) + sampler.denoise
    assert table.stochastic == sampler.stochastic
    x, z = rng.normal(size=(4, 2)), rng.normal(size=(table.evaluations, 4, 2))
    out = []
    for name in ("pyro", "numpyro"):
        with double(name) as (b, ops):
            start, noise = b.array(x, "float64"), b.array(z, "float64")
            denoise = truth.denoise(ops)
            out.append(b.numpy(run(ops, table, denoise, start, noise)))
            for kind in Predicts if name == "pyro" else (Predicts.EPS, Predicts.F):
                folded = sampler.network_table(p, kind, 0.7)

                def net(y: Any, t: Any, kind: Predicts = kind, ops: Any = ops, denoise: Any = denoise) -> Any:
                    if kind is Predicts.F:
                        y = y * ops.sqrt(p.sigma(ops, t) ** 2 + 0.49 * p.alpha(ops, t) ** 2)
                    rows = ops.broadcast_to(t, y.shape[:1])
                    return convert(ops, p, Predicts.X0, kind, y, rows, denoise(y, t), 1, 0.7)

                got = b.numpy(run(ops, folded, net, start, noise))
                np.testing.assert_allclose(got, out[-1], rtol=1e-9, atol=1e-9, err_msg=kind)
    np.testing.assert_allclose(out[0], out[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("case", CASES_OF_SAMPLERS)
def test_backends_agree_on_gradients(case: str) -> None:
    """Of a weighted sum of the draws, in a number of the network, in the start and in the noise."""
    table, rng = CASES_OF_SAMPLERS[case].table(VP()), np.random.default_rng(0)
    arrays = {"x": rng.normal(size=(4, 2)), "z": rng.normal(size=(table.evaluations, 4, 2)), "w": np.array(0.7)}
    weights, out = rng.normal(size=(4, 2)), []
    for name in ("pyro", "numpyro"):
        with double(name) as (b, ops):
            weight = b.array(weights, "float64")

            def value(v: dict[str, Any], ops: Any = ops, weight: Any = weight) -> Any:
                drawn = run(ops, table, lambda y, t: ops.tanh(v["w"] * y) * (1.0 + t), v["x"], v["z"])
                return ops.sum(weight * drawn)

            grad = compiled(name, ops.grad(value))({k: b.array(v, "float64") for k, v in arrays.items()})
            out.append({k: b.numpy(v) for k, v in grad.items()})
    for k, g in out[0].items():
        assert np.any(g != 0) == (k != "z" or table.stochastic)
        np.testing.assert_allclose(g, out[1][k], rtol=1e-10, atol=1e-10 * (1 + np.abs(g).max()))


@pytest.mark.parametrize("case", CASES_OF_SAMPLERS)
def test_the_declared_order_is_measured(case: str) -> None:
    """The variance of what it makes of Gaussian data falls to the true one with the declared order."""
    sampler, p, c = CASES_OF_SAMPLERS[case], VP(start=0.02), 0.6
    wanted = (p.alpha(NUMPY, np.array(p.start)) * c) ** 2 + p.sigma(NUMPY, np.array(p.start)) ** 2
    steps = np.array([100, 200])
    errors = [
        abs(
            gaussian_variance(replace(sampler, steps=int(n), denoise=False, grid=UniformLogSNR()).table(p), p, c)
            - wanted
        )
        for n in steps
    ]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(sampler.order, abs=0.3 if sampler.order == 3 else 0.15)


@pytest.mark.parametrize("process", CASES)
@pytest.mark.parametrize("case", CASES_OF_SAMPLERS)
def test_tables_of_every_process_are_finite(case: str, process: str) -> None:
    table = replace(CASES_OF_SAMPLERS[case], steps=50).network_table(CASES[process], Predicts.V)
    for value in (table.times, table.carry, table.gain, table.noise, table.scale):
        assert np.all(np.isfinite(value))


def test_a_last_step_may_end_without_noise_and_a_first_begin_without_signal() -> None:
    """GivenTimes 1 and 0 of the straight path: one step is the posterior mean."""
    for sampler in (DDIM(steps=1, grid=GivenTimes((1.0, 0.0))), DPMSolver(steps=1, grid=GivenTimes((1.0, 0.0)))):
        table = sampler.table(Rectified())
        assert table.gain[0, 0] == 1.0
        assert table.carry[0, 0, 0] == 0.0
    table = DPMSolver(steps=4, order=3, grid=GivenTimes((1.0, 0.7, 0.5, 0.2, 0.0))).table(Rectified())
    assert np.all(np.isfinite(table.carry))
    assert [int(np.count_nonzero(row)) for row in table.carry[:, 0]] == [1, 1, 2, 0]


def test_grids_run_from_end_to_start() -> None:
    for p in (VP(), VE(), EDM(), Rectified()):
        for grid in (UniformTime(), UniformLogSNR(), Karras()):
            t = grid.times(p, 9)
            assert t.shape == (10,)
            np.testing.assert_allclose(t[[0, -1]], [p.end, p.start], rtol=1e-12, atol=1e-15)
            assert np.all(np.diff(t) < 0)
    np.testing.assert_allclose(np.diff(VE().gamma(NUMPY, UniformLogSNR().times(VE(), 9)), 2), 0.0, atol=1e-9)
    roots = EDM().sigma(NUMPY, Karras(7.0).times(EDM(), 9)) ** (1 / 7)
    np.testing.assert_allclose(np.diff(roots, 2), 0.0, atol=1e-9)


@pytest.mark.parametrize("case", CASES_OF_SAMPLERS)
def test_json(case: str) -> None:
    sampler = CASES_OF_SAMPLERS[case]
    assert CODEC.decode(json.loads(json.dumps(CODEC.encode(sampler, "sampler"))), "sampler") == sampler


def test_arguments_are_checked() -> None:
    with pytest.raises(ModelError, match="DDIM: eta is a number at least 0 and at most 1"):
        DDIM(eta=2.0)
    with pytest.raises(ModelError, match="DPMSolver: order is 1, 2 or 3"):
        DPMSolver(order=4)
    with pytest.raises(ModelError, match="Ancestral: variance is none that is known"):
        Ancestral(variance="large")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="GivenTimes: values are times that fall"):
        GivenTimes((0.1, 0.5))
    with pytest.raises(ModelError, match="takes another number of steps"):
        DDIM(steps=3, grid=GivenTimes((1.0, 0.5))).table(VP())


OBJECTIVES: dict[str, DiffusionObjective] = {
    "simple": DenoisingScoreMatching(),
    "likelihood": DenoisingScoreMatching(weight=Weight.LIKELIHOOD),
    "flow": FlowMatching(),
}


@pytest.mark.parametrize("kind", Predicts)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_and_gradients_agree(name: str, kind: Predicts) -> None:
    """On equal data, noise and parameters of a network that is linear and then curved."""
    rng = np.random.default_rng(0)
    x, eps, w = rng.normal(size=(6, 3)), rng.normal(size=(6, 3)), rng.normal(size=(3, 3))
    u = np.linspace(0.02, 0.98, 6)
    p = Rectified() if name == "flow" else VP()
    out = []
    for backend in ("pyro", "numpyro"):
        with double(backend) as (b, ops):
            x0, noise, params, uniform = (b.array(v, "float64") for v in (x, eps, w, u))

            def loss(params: Any, ops: Any = ops, x0: Any = x0, noise: Any = noise, uniform: Any = uniform) -> Any:
                net = lambda y, t: ops.tanh(ops.matmul(y, params)) * (1.0 + t)[:, None]  # noqa: E731
                rows = OBJECTIVES[name].loss(ops, p, kind, net, x0, {"u": uniform, "eps": noise}, 1, 0.7)
                return ops.mean(rows)

            value, grad = ops.value_and_grad(loss)(params)
            out.append((b.numpy(value), b.numpy(grad)))
    np.testing.assert_allclose(out[0][0], out[1][0], rtol=1e-10)
    np.testing.assert_allclose(out[0][1], out[1][1], rtol=1e-10, atol=1e-10 * np.abs(out[0][1]).max())


def test_specs_print_as_they_are_written() -> None:
    assert repr(DDIM(steps=7, grid=Karras(5.0))) == "DDIM(steps=7, grid=Karras(5.0))"
    assert repr(VP()) == "VP(LinearSchedule(0.1, 20.0), 0.001, 1.0)"
    assert repr(Ancestral(variance="fixed large")) == "Ancestral(variance=Variance.FIXED_LARGE)"  # type: ignore[arg-type]
