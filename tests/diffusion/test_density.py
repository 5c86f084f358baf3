"""Diffusions as densities: draws and log-densities are of one map, on both backends."""

from __future__ import annotations

import json
import math
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from gendsl.densities import CONDITIONALS, DENSITIES, DiffusionDensity
from gendsl.errors import ModelError
from gendsl.graph.json.nodes import Codec
from gendsl.log_density import Kind
from gendsl.math.diffusion.predicts import Predicts
from gendsl.networks import MLP, NETWORKS, TIMES, Fourier
from gendsl.processes import EDM, PROCESSES, SCHEDULES, VP, Rectified
from gendsl.samplers import DDIM, GRIDS, SAMPLERS, Ancestral, DPMSolver, ProbabilityFlow, Probe
from gendsl.transforms import SCALARS, TRANSFORMS
from tests.diffusion.truth import compiled, double

HALF = 0.5 * math.log(2 * math.pi)
TIME = Fourier(size=8, width=16, scale=1.0)
NET = MLP(2, hidden=(16,), time=TIME)
FEW = ProbabilityFlow(steps=2)  # equal on both backends, however wrong
CASES: dict[str, tuple[DiffusionDensity, tuple[int, ...]]] = {
    "VP": (DiffusionDensity(VP(start=0.02), NET, predicts="v", sampler=DPMSolver(steps=5), flow=FEW), (2,)),  # type: ignore[arg-type]
    "EDM": (
        DiffusionDensity(
            EDM(0.05, 5.0), NET, predicts=Predicts.F, sampler=DPMSolver(steps=5), flow=FEW, data_scale=0.7
        ),
        (2,),
    ),
    "rectified": (
        DiffusionDensity(Rectified(), NET, predicts=Predicts.VELOCITY, sampler=DDIM(steps=4), flow=FEW),
        (2,),
    ),
    "conditional": (
        DiffusionDensity(VP(start=0.02), NET, predicts=Predicts.V, sampler=DPMSolver(steps=5), flow=FEW, context=3),
        (2,),
    ),
    "image": (
        DiffusionDensity(
            VP(),
            MLP((3, 3, 1), hidden=(6,), time=TIME),
            predicts=Predicts.V,
            sampler=DDIM(steps=2),
            flow=ProbabilityFlow(steps=2, probes=2),
        ),
        (3, 3, 1),
    ),
}


def layers(backend: str) -> Any:
    return import_module(f"gendsl_{backend}.networks").LAYERS


@pytest.mark.parametrize("case", CASES)
def test_backends_agree(case: str) -> None:
    """Draws on equal noise, log-densities and their gradients."""
    spec, event = CASES[case]
    rng = np.random.default_rng(0)
    params = {k: v + 0.1 * rng.normal(size=v.shape) for k, v in spec.init(event, 3).items()}
    noise = rng.normal(size=(3, *event))
    context = rng.normal(size=(3, spec.context)) if spec.context else None
    draws, values, slopes = [], [], []
    signs = rng.choice([-1.0, 1.0], size=(2, *event)) if spec.flow.probes else None
    for backend in ("pyro", "numpyro"):
        with double(backend) as (b, ops):
            nn, p = layers(backend), {k: b.array(v, "float64") for k, v in params.items()}
            z, c = b.array(noise, "float64"), None if context is None else b.array(context, "float64")

            def density(p: Any, x: Any, ops: Any = ops, nn: Any = nn, b: Any = b, c: Any = c) -> Any:
                if signs is None:
                    return ops.sum(spec.log_prob(nn, p, x, c, event=event))
                probes = ops.broadcast_to(b.array(signs, "float64")[:, None], (2, *x.shape))
                net = spec.denoise(nn, p, event)
                return ops.sum(spec.flow.log_density(ops, spec.process, net, x, probes, rank=len(event)).value)

            draw = compiled(backend, lambda p, z, nn=nn, c=c: spec.sample(nn, p, z, c, event=event))
            draws.append(b.numpy(draw(p, z)))
            value, grad = compiled(backend, ops.value_and_grad(density))(p, b.array(draws[0], "float64"))
            values.append(b.numpy(value))
            slopes.append({k: b.numpy(v) for k, v in grad.items()})
    np.testing.assert_allclose(draws[0], draws[1], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(values[0], values[1], rtol=1e-10)
    assert set(slopes[0]) == set(spec.parameters(event))
    for name, slope in slopes[0].items():
        np.testing.assert_allclose(
            slope, slopes[1][name], rtol=1e-10, atol=1e-10 * (1 + np.abs(slope).max()), err_msg=name
        )
        assert np.any(slope), f"no gradient reaches {name}"


def test_one_value_and_one_noise_under_many_contexts(backend: str) -> None:
    """Left axes that the context has alone are a loop over it."""
    spec, event = CASES["conditional"]
    rng = np.random.default_rng(4)
    with double(backend) as (b, _):
        nn = layers(backend)
        params = {k: b.array(v, "float64") for k, v in spec.init(event, 0).items()}
        x, c = rng.normal(size=(3, 2)), rng.normal(size=(4, 1, 3))
        given = [b.array(v, "float64") for v in (x, c)]
        for function in (spec.log_prob, spec.sample):
            call = compiled(backend, lambda x, c, f=function: f(nn, params, x, c))
            whole = b.numpy(call(*given))
            assert whole.shape[:2] == (4, 3)
            one = b.numpy(call(given[0], given[1][2]))
            np.testing.assert_allclose(whole[2], one, rtol=1e-12)


def test_draws_have_the_density() -> None:
    """log p(f(z)) = log N(z; 0, b^2) - log |df/dz|: the sampler's map and the ODE's density, both with fine steps."""
    fine = DiffusionDensity(
        EDM(0.05, 5.0),
        NET,
        predicts=Predicts.F,
        sampler=DPMSolver(steps=400, order=3),
        flow=ProbabilityFlow(steps=100),
    )
    rng = np.random.default_rng(1)
    with double("numpyro") as (b, ops):
        nn = layers("numpyro")
        params = {k: b.array(v + 0.2 * rng.normal(size=v.shape), "float64") for k, v in fine.init((2,), 0).items()}
        z = b.array(rng.normal(size=(5, 2)), "float64")

        def both(z: Any) -> Any:
            x = fine.sample(nn, params, z)
            basis = [
                ops.jvp(lambda y: fine.sample(nn, params, y), (z,), (ops.broadcast_to(e, z.shape),))[1]
                for e in ops.eye(2, like=z)
            ]
            return x, ops.stack(basis, -1), fine.log_prob(nn, params, x)

        x, jacobian, value = (b.numpy(v) for v in compiled("numpyro", both)(z))
        normal = -0.5 * np.sum(b.numpy(z) ** 2, -1) - math.log(2 * math.pi)
    assert x.shape == (5, 2)
    np.testing.assert_allclose(value, normal - np.log(np.abs(np.linalg.det(jacobian))), atol=2e-5)


def test_what_is_said_of_a_density(backend: str) -> None:
    """Shared probes: a row's estimate does not depend on the others; the kind and the error are there."""
    for probe in Probe:
        spec = DiffusionDensity(EDM(), NET, flow=ProbabilityFlow(steps=4, probes=3, probe=probe))
        with double(backend) as (b, ops):
            nn = layers(backend)
            params = {k: b.array(v, "float64") for k, v in spec.init((2,), 0).items()}
            x = b.array(np.array([[0.3, -1.0], [2.0, 0.4]]), "float64")
            whole = spec.log_density(nn, params, x, check=True)
            assert whole.kind is Kind.ESTIMATE
            assert whole.error is not None
            assert whole.error.shape == (2,)
            assert whole.standard_error is not None
            np.testing.assert_allclose(b.numpy(whole.value)[1], b.numpy(spec.log_prob(nn, params, x[1])), rtol=1e-12)
            assert "3 Hutchinson probes" in whole.note
            like = spec.log_prob(nn, params, x, base=lambda z, ops=ops: ops.sum(-0.5 * z**2 - HALF, -1))
            np.testing.assert_allclose(b.numpy(like), b.numpy(whole.value), rtol=1e-12)


def test_an_adaptive_density_is_that_of_fine_steps(backend: str) -> None:
    both = [ProbabilityFlow(rtol=1e-8), ProbabilityFlow(steps=200)]
    with double(backend) as (b, ops):
        nn, out = layers(backend), []
        for flow in both:
            spec = DiffusionDensity(VP(start=0.02), NET, predicts=Predicts.V, flow=flow)
            params = {k: b.array(v, "float64") for k, v in spec.init((2,), 0).items()}
            x = b.array(np.array([[0.3, -1.0]]), "float64")
            out.append(b.numpy(compiled(backend, lambda x, spec=spec, params=params: spec.log_prob(nn, params, x))(x)))
    np.testing.assert_allclose(out[0], out[1], atol=1e-6)


def test_mistakes() -> None:
    with pytest.raises(ModelError, match="sampler is a function of one normal event"):
        DiffusionDensity(VP(), NET, sampler=Ancestral(steps=10))
    with pytest.raises(ModelError, match=r"gives another shape than it takes.*\n.*\(2,\) -> \(3,\)"):
        DiffusionDensity(VP(), MLP(3)).parameters((2,))
    with pytest.raises(ModelError, match="predicts is none that is known") as caught:
        DiffusionDensity(VP(), NET, predicts="epsilon")  # type: ignore[arg-type]
    assert caught.value.fix == "predicts='eps'"
    with pytest.raises(ModelError, match="process is of another kind") as caught:
        DiffusionDensity(VP, NET)  # type: ignore[arg-type]
    assert caught.value.fix == "process=VP(...)"
    with pytest.raises(ModelError, match="context is an integer of at least 0"):
        DiffusionDensity(VP(), NET, context=-1)
    with pytest.raises(ModelError, match="steps are even"):
        ProbabilityFlow(steps=5)
    assert DiffusionDensity(VP(), MLP(2)).network.timed


@pytest.mark.parametrize("case", CASES)
def test_json(case: str) -> None:
    codec, spec = Codec(set(), set()), CASES[case][0]
    assert codec.decode(json.loads(json.dumps(codec.encode(spec, "x"))), "x") == spec


def test_no_two_classes_of_files_share_a_name() -> None:
    tables = (CONDITIONALS, DENSITIES, GRIDS, NETWORKS, PROCESSES, SAMPLERS, SCALARS, SCHEDULES, TIMES, TRANSFORMS)
    assert len(set().union(*tables)) == sum(map(len, tables))
