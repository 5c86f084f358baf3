"""Diffusions as distributions of models: the law of the compiler, a known density, prediction, words, mistakes."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.lang.distributions import Diffusion
from gendsl.networks import MLP, Fourier
from gendsl.processes import EDM, VP, Process, Rectified, schedule
from gendsl.samplers import DDIM, Ancestral, DPMSolver, Heun, ProbabilityFlow
from tests.laws.law import bind
from tests.laws.law_whole import examine

RNG = np.random.default_rng(5)
NET = MLP(2, hidden=(4,), time=Fourier(size=4, width=4, scale=1.0))
FEW: dict[str, Any] = {"sampler": DPMSolver(steps=3), "flow": ProbabilityFlow(steps=2)}
Built = tuple[gd.Model, dict[str, Any]]


def observed() -> Built:
    m = gd.Model("observed")
    x = Diffusion(VP(schedule.Cosine()), network=NET, predicts="v", event=2, **FEW)  # type: ignore[arg-type]
    m.observe("x", x, dims=m.plate("row"))
    m.latent("a", gd.Normal(0, 1))
    return m, {"x": RNG.normal(size=(3, 2))}


def prior() -> Built:
    """As the prior of latents over a plate; a process that functions give, and probes."""
    m = gd.Model("prior")
    i = m.plate("i")
    process = Process(alpha=lambda ops, t: ops.cos(1.5 * t), sigma=lambda ops, t: ops.sin(1.5 * t))
    flow = ProbabilityFlow(steps=2, probes=2)
    z = m.latent("z", Diffusion(process, network=NET, event=(2,), sampler=DDIM(steps=2), flow=flow), dims=i)
    m.observe("y", gd.Normal(z.sum(), 1.0), dims=i)
    return m, {"y": RNG.normal(size=2)}


def shared() -> Built:
    """Events of two axes; one set of parameters for two latents, one of them in copies."""
    m = gd.Model("shared")
    net = MLP((2, 1), hidden=(4,), time=Fourier(size=4, width=4, scale=1.0))
    more: dict[str, Any] = {"sampler": Heun(steps=2), "flow": ProbabilityFlow(steps=2)}
    d = Diffusion(EDM(0.05, 5.0), network=net, predicts="F", event=(2, 1), data_scale=0.7, name="common", **more)  # type: ignore[arg-type]
    a, b = m.latent("a", d), m.latent("b", d.expand(2))
    m.observe("y", gd.Normal(a.sum() + b.sum(), 1.0))
    return m, {"y": np.array(0.3)}


def conditional() -> Built:
    """Under a context that a network makes of a latent; in copies, each under a context of its own."""
    m = gd.Model("conditional")
    i = m.plate("i")
    c = m.latent("c", gd.Normal(0, 1).expand(2), dims=i)
    h = m.network("h", MLP(3, hidden=()))(c)
    m.observe("x", Diffusion(VP(), network=NET, event=2, context=h, **FEW), dims=i)
    z = m.latent("z", Diffusion(VP(), network=NET, event=2, context=np.array([[0.3], [-1.0]]), **FEW))
    m.observe("y", gd.Normal(z.sum(), 1.0))
    return m, {"x": RNG.normal(size=(3, 2)), "y": np.array(0.3)}


MODELS: dict[str, Callable[[], Built]] = {f.__name__: f for f in (observed, prior, shared, conditional)}


@pytest.mark.parametrize("name", ["observed", "shared", "conditional"])
def test_the_law(name: str) -> None:
    """Densities, traces and gradients agree; axes on the left are a loop; JSON gives the same programs."""
    assert examine(*MODELS[name](), 2).finite


@pytest.mark.parametrize("name", ["observed", "shared", "conditional"])
def test_gradients_reach_every_parameter_and_agree(name: str) -> None:
    m, data = MODELS[name]()
    grads = {}
    for backend, bound in bind(m, data).items():
        b, program = bound.program.backend, bound.program
        rng = np.random.default_rng(1)
        with b.context("float64"):
            u = {k: b.array(rng.normal(size=s), "float64") for k, s in bound.shapes.items()}
            params = {
                k: b.array(b.numpy(v) + 0.1 * rng.normal(size=v.shape), "float64") for k, v in bound.params.items()
            }
            _, g = b.value_and_grad(lambda p, f=program.log_density, u=u, a=bound.arrays: f(u, a, p))(params)
            grads[backend] = {k: b.numpy(v) for k, v in g.items()}
    for k, g in grads["pyro"].items():
        assert np.any(g != 0), k
        np.testing.assert_allclose(g, grads["numpyro"][k], rtol=1e-10, atol=1e-10 * (1 + np.abs(g).max()))


def _standard(backend: str) -> tuple[Any, Any]:
    """A diffusion whose network gives 0 for v: the posterior mean is alpha x, so it is N(0, 1) at every time."""
    m = gd.Model("standard")
    x = Diffusion(VP(), network=NET, predicts="v", event=2, flow=ProbabilityFlow(steps=10))  # type: ignore[arg-type]
    m.observe("x", x, dims=m.plate("row"))
    bound = m.compile(backend).bind({"x": np.zeros((1, 2))})
    zeros = {k: np.zeros(v.shape) for k, v in bound.program.network_parameters().items()}
    with bound.program.context():
        return bound.program.backend, bound.program.namespace["x_density"](bound.with_params(zeros).params)


def test_a_known_density(backend: str) -> None:
    b, d = _standard(backend)
    x = np.array([[0.3, -1.0], [2.0, 0.1], [0.0, 0.0]])
    with b.context("float64"):
        value = b.numpy(d.log_prob(b.array(x, "float64")))
        draws = b.numpy(_sample(d, backend, (4000,)))
    np.testing.assert_allclose(value, (-0.5 * x**2 - 0.5 * math.log(2 * math.pi)).sum(-1), rtol=1e-12)
    assert draws.shape == (4000, 2)
    assert np.all(np.abs(draws.mean(0)) < 4 / math.sqrt(4000))
    step = DPMSolver(steps=20)  # its own variance of N(0, 1), which is not quite 1
    assert np.all(np.abs(draws.var(0) - 1.0) < 4 * math.sqrt(2 / 4000) + 0.02), step


def _sample(d: Any, backend: str, shape: tuple[int, ...]) -> Any:
    if backend == "pyro":
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(0)
            return d.sample(shape)
    import jax

    return d.sample(jax.random.key(0), shape)


@pytest.mark.parametrize("name", MODELS)
def test_the_prior_predictive_runs(name: str, backend: str) -> None:
    m, _ = MODELS[name]()
    out = m.prior_predictive(
        {}, draws=4, backend=backend, sizes={"observed": {"row": 3}, "shared": {}}.get(name, {"i": 2})
    )
    drawn = {**out.prior.data_vars, **out.prior_predictive.data_vars}
    shapes = {
        "observed": {"x": (3, 2)},
        "prior": {"z": (2, 2), "y": (2,)},
        "shared": {"a": (2, 1), "b": (2, 2, 1), "y": ()},
        "conditional": {"c": (2, 2), "x": (2, 2), "z": (2, 2), "y": ()},
    }
    for k, shape in shapes[name].items():
        assert drawn[k].shape == (1, 4, *shape)
        assert np.isfinite(drawn[k]).all()


def test_functions_are_given_to_the_program(backend: str) -> None:
    """A process that no file can hold is a module of the program, and files refuse it."""
    m, data = prior()
    program = m.compile(backend)
    assert 'density(modules["z"], event=(2,), name="z")' in program.source
    bound = program.bind(data)
    with program.context():
        u = {k: program.backend.array(np.zeros(s), "float64") for k, s in bound.shapes.items()}
        value = program.backend.numpy(program.log_density(u, *bound.density_arguments))
    assert np.isfinite(value)
    with pytest.raises(gd.FormatError, match="given by functions cannot be written"):
        m.to_json()


@pytest.mark.parametrize("backend", ["pyro", "numpyro"])
def test_the_source_is_readable(backend: str) -> None:
    m, _ = MODELS["observed"]()
    source = m.compile(backend).source
    ast.parse(source)
    assert "from gendsl.densities import DiffusionDensity, Predicts\n" in source
    assert "from gendsl.processes import CosineSchedule, VP\n" in source
    assert "from gendsl.samplers import DPMSolver, ProbabilityFlow\n" in source
    assert "        x.network.layers.0: weight [4, 2], bias [4]\n" in source


def test_words() -> None:
    m, _ = MODELS["observed"]()
    assert "x[row] ~ Diffusion(2, DiffusionDensity(VP(" in str(m)
    assert "VP(CosineSchedule(0.008), 0.001, 0.999)" in str(m)
    row = next(r for r in m.explain().rows if r.what == "Diffusion")
    assert row.event == (2,)
    assert {"sample", "reparam", "log_prob", "score"} <= set(row.capabilities)


def test_mistakes() -> None:
    for make, says in (
        (lambda: Diffusion(VP(), NET, event=2), "gd.Diffusion"),
        (lambda: Diffusion(VP(), network=NET), "event"),
        (lambda: Diffusion(VP(), network=NET, event=2, steps=10), "no argument 'steps'"),
        (lambda: Diffusion(VP(), network=NET, event=3), r"gives another shape than it takes"),
        (lambda: Diffusion(VP(), network=NET, event=0), "positive lengths"),
        (lambda: Diffusion(VP(), network=NET, event=2, predicts="noise"), "predicts is none that is known"),
        (lambda: Diffusion(VP(), network=NET, event=2, sampler=Ancestral()), "function of one normal event"),
        (lambda: Diffusion(VP, network=NET, event=2), "process is of another kind"),
        (lambda: Diffusion(Rectified(), network=MLP, event=2), "network is of another kind"),
        (lambda: Diffusion(VP(), network=NET, event=2, name="two words"), "Python identifier"),
    ):
        with pytest.raises(gd.ModelError, match=says) as e:
            make()  # type: ignore[no-untyped-call]
        assert e.value.where is not None
        assert e.value.where.file == __file__
