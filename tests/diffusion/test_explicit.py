"""The explicit chain as a model and a guide: each engine's ELBO against the closed form on the same noise."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl import optim
from gendsl.math.diffusion.chain import Chain, bound, chain_of, path
from gendsl.math.diffusion.predicts import denoiser
from gendsl.networks import MLP, Fourier, Network
from gendsl.networks.parameter import Init, Parameter
from gendsl.objectives import ELBO
from gendsl.processes import EDM, VP, Rectified
from tests.diffusion.truth import compiled, double
from tests.objectives.gauss import Arrays, Run
from tests.objectives.gauss import bound as bind

NET = MLP(2, hidden=(5,), time=Fourier(size=4, width=4, scale=1.0))
DATA = np.random.default_rng(3).normal(size=(3, 2))
CASES: dict[str, tuple[Any, int, dict[str, Any]]] = {
    "v": (VP(), 3, {}),
    "eps": (VP(), 3, {"grid": gd.sampler.UniformTime()}),
    "velocity": (Rectified(), 2, {}),
    "F": (EDM(0.05, 5.0), 3, {"grid": gd.sampler.Karras()}),
}


@dataclass(frozen=True, kw_only=True, repr=False)
class Affine(Network):
    """(w0 + w1 t) x + c, for any event."""

    @property
    def timed(self) -> bool:
        return True

    def output(self, event: Any) -> tuple[int, ...]:
        return tuple(event)

    def parameters(self, event: Any) -> dict[str, Parameter]:
        return {"w": Parameter((2,), Init.ONES), "c": Parameter(())}

    def forward(self, nn: Any, params: Any, x: Any, time: Any, event: Any) -> Any:
        return (params["w"][0] + params["w"][1] * time) * x + params["c"]


def _levels(process: Any, steps: int, grid: Any = gd.sampler.UniformLogSNR()) -> Chain:
    return chain_of(process, grid.times(process, steps - 1)[::-1])


def _built(name: str) -> tuple[gd.Model, gd.Model, Chain, Any]:
    process, steps, options = CASES[name]
    diffusion = gd.Diffusion(process, network=NET, predicts=name, event=2, data_scale=0.7)
    return *diffusion.chain(steps, **options), _levels(process, steps, **options), diffusion.params["spec"]


def _closed(backend: str, spec: Any, chain: Chain, params: Arrays, noise: Arrays, data: Arrays) -> dict[str, Any]:
    """States of the path and the bound's parts at them, by gendsl.math; (particles, rows)."""
    with double(backend) as (b, ops):
        own = {k.removeprefix("x_network."): b.array(v, "float64") for k, v in params.items()}
        net = lambda x, t: spec.network.apply(b.layers, own, x, event=x.shape[2:], time=t)  # noqa: E731
        mean = denoiser(ops, spec.process, spec.predicts, net, data["x"].ndim - 1, spec.data_scale)
        eps = np.stack([noise[f"x_{k + 1}"] for k in range(len(chain.times))])
        x = np.broadcast_to(data["x"], eps.shape[1:])
        states = path(ops, chain, b.array(x, "float64"), b.array(eps, "float64"))
        parts = bound(ops, chain, mean, b.array(x, "float64"), states, data["x"].ndim - 1)
        return {k: b.numpy(getattr(parts, k)) for k in ("prior", "steps")} | {"states": b.numpy(states)}


def _normal(x: np.ndarray, mean: Any, sd: Any) -> np.ndarray:
    """Log-density summed over the event, the last axis."""
    return np.asarray((-0.5 * ((x - mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)).sum(-1))


def _run(model: gd.Model, guide: gd.Model, backend: str, data: Arrays, **options: Any) -> tuple[Run, Arrays, Arrays]:
    r = Run(bind(model, ELBO(guide=guide, **options), data, backend, True), backend)
    rng = np.random.default_rng(1)
    params = {k: v + 0.3 * rng.normal(size=v.shape) for k, v in r.game.initial_params(0).items()}
    return r, params, r.noise(0)


def _value(r: Run, params: Arrays, noise: Arrays) -> float:
    """The loss without its gradient."""
    with double(r.b.name) as (b, _):
        ins = [{k: b.array(v, "float64") for k, v in x.items()} for x in (params, r.batch(), noise)]
        go = compiled(b.name, lambda p, x, e: r.game.loss(r.game.players[0], p, x, e, {}).value)
        return float(b.numpy(go(*ins)))


@pytest.mark.parametrize("name", CASES)
def test_divergences_in_closed_form(name: str, backend: str) -> None:
    """KL of the top, KL of each step, and -log p(x | x_1), at the same path."""
    model, guide, chain, spec = _built(name)
    r, params, noise = _run(model, guide, backend, {"x": DATA}, analytic_kl=True, particles=2)
    out = _closed(backend, spec, chain, params, noise, {"x": DATA})
    alpha, sigma = chain.alpha[0], chain.sigma[0]
    rest = -_normal(DATA, out["states"][0] / alpha, sigma / alpha)
    expected = (out["prior"] + out["steps"].sum(0) + rest).mean()
    assert _value(r, params, noise) == pytest.approx(expected, rel=1e-10, abs=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_the_sampled_bound(name: str, backend: str) -> None:
    """Trace_ELBO: each divergence is |delta|^2 / 2 + delta z, z the noise of its draw and delta the gap of the means
    over their scale; at the top the log-ratio of two normals."""
    model, guide, chain, spec = _built(name)
    r, params, noise = _run(model, guide, backend, {"x": DATA}, particles=2)
    out = _closed(backend, spec, chain, params, noise, {"x": DATA})
    states, (_, pull, spread) = out["states"], chain.posterior
    top = states[-1]
    expected = _normal(top, chain.alpha[-1] * DATA, chain.sigma[-1]) - _normal(top, 0.0, chain.base_scale)
    with double(backend) as (b, ops):
        own = {k.removeprefix("x_network."): b.array(v, "float64") for k, v in params.items()}
        net = lambda x, t: spec.network.apply(b.layers, own, x, event=(2,), time=t)  # noqa: E731
        mean = denoiser(ops, spec.process, spec.predicts, net, 1, spec.data_scale)
        for k in range(len(chain.times) - 1):
            t = b.array(np.asarray(chain.times[k + 1]), "float64")
            guess = b.numpy(mean(b.array(states[k + 1], "float64"), t))
            delta = pull[k] * (DATA - guess) / spread[k]
            expected = expected + (0.5 * delta**2 + delta * noise[f"x_{k + 1}"]).sum(-1)
            np.testing.assert_allclose(0.5 * (delta**2).sum(-1), out["steps"][k], rtol=1e-8)
    alpha, sigma = chain.alpha[0], chain.sigma[0]
    expected = expected - _normal(DATA, states[0] / alpha, sigma / alpha)
    assert _value(r, params, noise) == pytest.approx(expected.mean(), rel=1e-10, abs=1e-8)


def test_the_sampled_bound_has_the_closed_forms_mean(backend: str) -> None:
    """For an affine network both are quadratic in the noise, whose mean over +-sqrt(n) e_i is exact: Trace_ELBO with
    these points as its particles is the sum of the divergences, and all of it is the closed form of the bound."""
    diffusion = gd.Diffusion(VP(), network=Affine(), predicts="eps", event=1)
    model, guide = diffusion.chain(3)
    chain, x = _levels(VP(), 3), np.array([[0.7]])
    r, params, _ = _run(model, guide, backend, {"x": x}, particles=6)
    points = np.concatenate([np.eye(3), -np.eye(3)]) * np.sqrt(3)
    noise = {f"x_{k + 1}": points[:, k].reshape(6, 1, 1) for k in range(3)}
    out = _closed(backend, diffusion.params["spec"], chain, params, noise, {"x": x})
    width = chain.sigma[0] / chain.alpha[0]
    expected = (out["prior"] + out["steps"].sum(0)).mean() + 0.5 * (1 + np.log(2 * np.pi * width**2))
    assert _value(r, params, noise) == pytest.approx(expected, rel=1e-10, abs=1e-8)
    w, c, gap = params["x_network.w"], float(params["x_network.c"]), []
    for k in (1, 2):  # E |x - x0_hat|^2 over x_k ~ N(alpha x, sigma^2)
        a, s, t = chain.alpha[k], chain.sigma[k], chain.times[k]
        slope = (1 - s * (w[0] + w[1] * t)) / a
        gap.append((0.7 - slope * a * 0.7 + s * c / a) ** 2 + (slope * s) ** 2)
    assert out["steps"].sum(0).mean() == pytest.approx(chain.weights @ gap, rel=1e-10)


def test_the_guide_is_the_forward_chain(backend: str) -> None:
    """q(x_1 | x) q(x_2 | x_1) ... at any path, and the backends agree on gradients."""
    _, guide, chain, _ = _built("v")
    bound = guide.compile(backend).bind({"x": DATA})
    states = np.random.default_rng(2).normal(size=(3, 3, 2))
    with bound.program.context():
        u = {f"x_{k + 1}": bound.program.backend.array(v, "float64") for k, v in enumerate(states)}
        found = float(bound.program.backend.numpy(bound.program.log_density(u, *bound.density_arguments)))
    expected = _normal(states[0], chain.alpha[0] * DATA, chain.sigma[0]).sum()
    for k, (a, s) in enumerate(zip(*chain.forward, strict=True)):
        expected += _normal(states[k + 1], a * states[k], s).sum()
    assert found == pytest.approx(expected, rel=1e-9)


def test_the_backends_agree_on_gradients() -> None:
    model, guide, _, _ = _built("v")
    (pyro, params, noise), (numpyro, _, _) = (_run(model, guide, b, {"x": DATA}) for b in ("pyro", "numpyro"))
    (v, g), (w, h) = (r.value(params, noise) for r in (pyro, numpyro))
    assert v == pytest.approx(w, rel=1e-10)
    for k in g:
        assert np.any(g[k] != 0), k
        np.testing.assert_allclose(g[k], h[k], rtol=1e-9, atol=1e-10 * (1 + np.abs(g[k]).max()))


def test_training_reaches_the_least_bound(backend: str) -> None:
    """Data N(0, c^2): the best x0_hat is linear, and the bound's least value is known."""
    c, chain = 0.5, _levels(VP(), 4)
    x = c * np.random.default_rng(0).normal(size=(2000, 1))
    x *= c / np.sqrt(np.mean(x**2))
    model, guide = gd.Diffusion(VP(), network=Affine(), predicts="x0", event=1).chain(4)
    model.objective(ELBO(guide=guide, analytic_kl=True))
    snr = (chain.alpha / chain.sigma) ** 2
    least = 0.5 * (chain.alpha[-1] ** 2 * c * c + chain.sigma[-1] ** 2 - 1) - np.log(chain.sigma[-1])
    least += 0.5 * np.log(2 * np.pi * np.e / snr[0])
    # one line in t for the three gains: weighted least squares of E |x - (w0 + w1 t) x_t|^2
    t, share = chain.times[1:], chain.weights
    m2, cross = chain.alpha[1:] ** 2 * c * c + chain.sigma[1:] ** 2, chain.alpha[1:] * c * c
    basis = np.stack([np.ones_like(t), t])
    w = np.linalg.solve((basis * share * m2) @ basis.T, basis @ (share * cross))
    gain = w @ basis
    least += share @ (c * c - 2 * gain * cross + gain**2 * m2)
    steps = gd.Train(steps=200, batch_size=500, optimizer=optim.Adam(0.05))
    fit = model.fit({"x": x}, steps, backend=backend, progress=False)
    tail = fit.history.curves["loss"][-100:]
    assert abs(tail.mean() - least) < min(4 * tail.std() / np.sqrt(len(tail)) + 0.01 * least, 0.1 * least)
    drawn = fit.sample(draws=2, sizes={"row": 4})
    assert drawn["x"].shape == (1, 2, 4, 1)
    assert set(fit.idata.posterior.data_vars) == {"x_1", "x_2", "x_3", "x_4"}


def test_it_is_a_model_like_any_other() -> None:
    """Readable source, JSON, names of the user's, and events of several axes."""
    net = gd.UNet(channels=(4,), groups=2, time=gd.Sinusoidal(size=4, width=4))
    diffusion = gd.Diffusion(VP(), network=net, predicts="v", event=(4, 4, 1), name="net")
    model, guide = diffusion.chain(2, name="image", plate="picture")
    assert list(model.networks) == ["net"]
    assert list(model.graph.sites) == ["image_2", "image_1", "image"]
    assert gd.Model.from_json(model.to_json()) == model
    for m in (model, guide):
        ast.parse(source := m.compile("numpyro").source)
        assert 'numpyro.sample("image_1"' in source.replace("\n        ", "").replace("    ", "")
    assert not ELBO(guide=guide, analytic_kl=True).refusals(model.graph)
    r, params, noise = _run(model, guide, "pyro", {"image": np.zeros((2, 4, 4, 1))}, analytic_kl=True)
    assert np.isfinite(_value(r, params, noise))


def test_mistakes() -> None:
    d = gd.Diffusion(VP(), network=NET, event=2)
    for make, says in (
        (lambda: d.chain(1), "steps is an integer, at least 2"),
        (lambda: d.chain(2.0), "steps is an integer"),
        (lambda: d.chain(3, grid="uniform"), "grid says where the levels are"),
        (lambda: d.chain(3, grid=gd.sampler.GivenTimes((1.0, 0.5))), "as many levels as steps"),
        (lambda: d.chain(3, grid=gd.sampler.GivenTimes((2.0, 0.5, 0.0))), "times beyond the process"),
        (lambda: d.chain(3, name="two words"), "name is a Python identifier"),
        (lambda: d.chain(3, plate="x"), "taken"),
        (lambda: d.expand(3).chain(3), "without copies"),
    ):
        with pytest.raises(gd.ModelError, match=says) as e:
            make()  # type: ignore[no-untyped-call]
        assert e.value.where is not None
        assert e.value.where.file == __file__
