"""Denoising objectives bound to models: the game's law across backends, rows and batches, and what a fit offers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.objectives import diffused
from gendsl.objectives.diffusion import DiffusionObjective
from gendsl.objectives.setting import Setting
from tests.families.densities import BACKENDS

RNG = np.random.default_rng(3)
NET = gd.MLP(2, hidden=(8,), time=gd.Fourier(size=4, width=4, scale=1.0))
OBJECTIVES: dict[str, DiffusionObjective] = {
    "simple": gd.DenoisingScoreMatching(),
    "likelihood": gd.DenoisingScoreMatching(weight=gd.Weight.LIKELIHOOD, times=gd.Times.UNIFORM),
    "flow": gd.FlowMatching(),
}
Built = tuple[gd.Model, dict[str, Any]]


def plain(**options: Any) -> Built:
    m = gd.Model("plain")
    m.observe("x", gd.Diffusion(gd.VP(), network=NET, predicts="v", event=2, **options), dims=m.plate("row"))  # type: ignore[arg-type]
    return m, {"x": RNG.normal(size=(12, 2))}


def several() -> Built:
    """Two sites over one plate: one in copies over a second plate; events of two axes; another process."""
    m = gd.Model("several")
    row, part = m.plate("row"), m.plate("part")
    m.observe("x", gd.Diffusion(gd.VP(), network=NET, event=2).expand(3), dims=(part, row))
    net = gd.MLP((2, 1), hidden=(4,), time=gd.Fourier(size=4, width=4, scale=1.0))
    y = gd.Diffusion(gd.EDM(0.05, 5.0), network=net, predicts="F", event=(2, 1), data_scale=0.7)  # type: ignore[arg-type]
    m.observe("y", y, dims=row)
    return m, {"x": RNG.normal(size=(2, 12, 3, 2)), "y": RNG.normal(size=(12, 2, 1))}


def shared() -> Built:
    """One set of parameters for two sites."""
    m = gd.Model("shared")
    row, d = m.plate("row"), gd.Diffusion(gd.Rectified(), network=NET, predicts="velocity", event=2, name="common")  # type: ignore[arg-type]
    m.observe("x", d, dims=row)
    m.observe("y", d, dims=row)
    return m, {"x": RNG.normal(size=(12, 2)), "y": RNG.normal(size=(12, 2))}


def conditional() -> Built:
    """Two sites: one under what a network makes of its rows' class, in copies over a second plate; one beside it."""
    m = gd.Model("conditional")
    row, part = m.plate("row"), m.plate("part")
    label = m.data("label", dims=row, event=3)
    seen = m.network("seen", gd.MLP(2, hidden=(4,)))(label)
    m.observe("x", gd.Diffusion(gd.VP(), network=NET, event=2, context=seen).expand(3), dims=(part, row))
    shifted = label + m.param("shift", np.array([0.1, -0.2, 0.3]))
    more: dict[str, Any] = {"predicts": "velocity", "flow": gd.ProbabilityFlow(steps=4)}
    m.observe("y", gd.Diffusion(gd.Rectified(), network=NET, event=2, context=shifted, **more), dims=row)
    label_of = np.eye(3)[RNG.integers(0, 3, 12)]
    return m, {"label": label_of, "x": RNG.normal(size=(2, 12, 3, 2)), "y": RNG.normal(size=(12, 2))}


MODELS = {"plain": plain, "several": several, "shared": shared, "conditional": conditional}


class Bound:
    """A game on a backend, of numpy arrays."""

    def __init__(self, built: Built, objective: DiffusionObjective, backend: str, batched: bool = True) -> None:
        self.setting = Setting.of(built[0].graph, built[1], backend, batched=batched)
        self.made, self.b = objective.bind(self.setting), self.setting.backend
        self.game: Any = self.made.game

    def batch(self, index: Any = slice(None)) -> dict[str, np.ndarray]:
        return {k: v[index] for k, v in self.made.rows.items()} | self.made.whole

    def _arrays(self, values: dict[str, np.ndarray]) -> dict[str, Any]:
        return {k: self.b.array(v, "float64") for k, v in values.items()}

    def draw(self, seed: int, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        with self.setting.context():
            noise = self.game.draw(self.game.players[0], self.b.ops.key(seed), self._arrays(batch))
            return {k: self.b.numpy(v) for k, v in noise.items()}

    def params(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(0)
        return {k: v + 0.2 * rng.normal(size=v.shape) for k, v in self.game.initial_params(1).items()}

    def loss(self, batch: dict[str, np.ndarray], noise: dict[str, np.ndarray]) -> tuple[float, dict[str, float]]:
        """The loss and its parts."""
        with self.setting.context():
            given = [self._arrays(x) for x in (self.params(), batch, noise)]
            out = self.game.loss(self.game.players[0], *given, {})
            return float(self.b.numpy(out.value)), {k: float(self.b.numpy(v)) for k, v in out.parts.items()}

    def gradient(self, batch: dict[str, np.ndarray], noise: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The loss's gradient."""
        with self.setting.context():
            params, *given = (self._arrays(x) for x in (self.params(), batch, noise))
            loss = lambda p: self.game.loss(self.game.players[0], p, *given, {}).value  # noqa: E731
            return {k: self.b.numpy(v) for k, v in self.b.value_and_grad(loss)(params)[1].items()}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_backends_agree(name: str, objective: str) -> None:
    built = MODELS[name]()
    ours, theirs = (Bound(built, OBJECTIVES[objective], b) for b in BACKENDS)
    batch = ours.batch(slice(0, 5))
    noise = ours.draw(3, batch)
    assert {k: v.shape for k, v in noise.items()} == {k: v.shape for k, v in theirs.draw(3, batch).items()}
    (value, parts), (other, others) = ours.loss(batch, noise), theirs.loss(batch, noise)
    assert value == pytest.approx(other, rel=1e-10)
    assert sum(parts.values()) == pytest.approx(value if parts else 0.0, rel=1e-12)
    assert parts == pytest.approx(others, rel=1e-10)
    more = theirs.gradient(batch, noise)
    for k, g in ours.gradient(batch, noise).items():
        assert np.any(g != 0), k
        np.testing.assert_allclose(g, more[k], rtol=1e-10, atol=1e-10 * np.abs(g).max())


def test_the_loss_is_the_mean_over_rows(backend: str) -> None:
    """Of one site: the spec's own loss, row by row, with the network on its parameters."""
    built, objective = plain(), OBJECTIVES["likelihood"]
    own = Bound(built, objective, backend)
    batch = own.batch()
    noise = own.draw(0, batch)
    with own.setting.context():
        ops = own.b.ops
        params = {k.removeprefix("x.network."): own.b.array(v, "float64") for k, v in own.params().items()}
        u, eps, x = (own.b.array(v, "float64") for v in (noise["x.u"], noise["x.eps"], built[1]["x"]))
        net = lambda y, t: NET.apply(own.b.layers, params, y, time=t)  # noqa: E731
        each = own.b.numpy(objective.loss(ops, gd.VP(), gd.Predicts.V, net, x, {"u": u, "eps": eps}))
    assert each.shape == (12,)
    assert own.loss(batch, noise)[0] == pytest.approx(each.mean(), rel=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_batches_are_unbiased(name: str, backend: str) -> None:
    """With equal noise for all events, the mean over all batches of a pass is the loss of all rows."""
    built = MODELS[name]()
    own = Bound(built, OBJECTIVES["simple"], backend)

    def loss(index: Any) -> float:
        batch = own.batch(index)
        noise = own.draw(0, batch)
        level = {k: 0.3 if k.endswith(".u") else 0.7 for k in noise}
        return own.loss(batch, {k: np.full(v.shape, level[k]) for k, v in noise.items()})[0]

    parts = [loss(slice(k, k + 3)) for k in range(0, 12, 3)]
    assert np.std(parts) > 0.01
    assert np.mean(parts) == pytest.approx(loss(slice(None)), rel=1e-12)
    whole = Bound(built, OBJECTIVES["simple"], backend, batched=False)
    noise = {k: np.full(v.shape, 0.4) for k, v in own.draw(0, own.batch()).items()}
    assert whole.loss(whole.batch(), noise)[1] == pytest.approx(own.loss(own.batch(), noise)[1], rel=1e-12)


def test_json_and_words() -> None:
    for objective in OBJECTIVES.values():
        m = shared()[0]
        m.objective(objective)
        again = gd.Model.from_json(m.to_json())
        assert again == m
        assert again.objective() == objective
    assert str(m).endswith("objective FlowMatching()")
    assert _words(m, "DenoisingScoreMatching") == "a diffusion, by the noise that its network finds in data"
    assert _words(m, "FlowMatching").startswith("a diffusion")
    assert _words(m, "SlicedScoreMatching").startswith("no:")
    m = gd.Model("other")
    m.observe("y", gd.Normal(m.latent("z", gd.Normal(0, 1)), 1.0))
    assert _words(m, "FlowMatching") == "no: model 'other' observes no diffusion"
    m = plain()[0]
    m.latent("z", gd.Normal(0, 1))
    assert _words(m, "FlowMatching") == "no: gd.FlowMatching learns diffusions of data, and 'z' is drawn"


def _words(m: gd.Model, objective: str) -> str:
    """What `explain` says of an objective."""
    start = f"Train({objective})"
    return next(x.strip().removeprefix(start).strip() for x in str(m.explain()).splitlines() if start in x)


def test_a_file_with_a_damaged_objective_is_refused() -> None:
    from gendsl.objectives.json import decode, encode

    content = encode(gd.DenoisingScoreMatching(weight=gd.Weight.LIKELIHOOD))
    assert content["fields"] == {"times": "stratified", "density": None, "weight": "likelihood"}
    with pytest.raises(gd.FormatError, match="DenoisingScoreMatching is damaged"):
        decode({"class": "DenoisingScoreMatching", "fields": content["fields"] | {"weight": "elbo"}})


# -- what a fit offers ------------------------------------------------------------------------------------------------
def _fit(built: Built, backend: str, **options: Any) -> gd.TrainedFit:
    m, data = built
    if m.objective() is None:
        m.objective(gd.DenoisingScoreMatching())
    method = gd.Train(steps=20, **({"precision": gd.Precision.FLOAT64, "batch_size": 4} | options))
    return m.fit(data, method, backend=backend, progress=False)


def _still(fit: gd.TrainedFit) -> gd.TrainedFit:
    """The fit with a network that gives 0: for v, the posterior mean is alpha x, so x is N(0, 1) at every time."""
    return _with(fit, {k: np.zeros_like(v) for k, v in fit.raw.best.items()})


def _with(fit: gd.TrainedFit, params: dict[str, np.ndarray]) -> gd.TrainedFit:
    return replace(fit, raw=replace(fit.raw, params=params, average={}))


@pytest.mark.parametrize("precision", list(gd.Precision))
def test_every_precision_trains(precision: gd.Precision, backend: str) -> None:
    validation = gd.Validation(fraction=0.25, every=10)
    fit = _fit(plain(), backend, precision=precision, ema=0.9, validation=validation, batch_size=3)
    assert np.isfinite(fit.history.curves["loss"]).all()
    assert np.isfinite(fit.history.validation["loss"]).all()
    fit = _still(fit)
    x = np.array([[0.3, -1.0], [2.0, 0.1]])
    found = fit.log_prob({"x": x})
    wanted = (-0.5 * x**2 - 0.5 * np.log(2 * np.pi)).sum(-1)
    np.testing.assert_allclose(found.elements["x"], wanted, rtol=1e-12 if precision is gd.Precision.FLOAT64 else 1e-5)
    draws = fit.sample(draws=5, sampler=gd.sampler.EulerMaruyama(steps=4))["x"]
    assert draws.shape == (1, 5, 12, 2)


def test_the_log_density_says_what_it_is(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact as the program's, in one piece or in several; with probes an estimate of it, to its standard error."""
    few = gd.ProbabilityFlow(steps=10)
    fit = _fit(plain(flow=few), backend)
    new = {"x": RNG.normal(size=(7, 2))}
    found = fit.log_prob(new)
    assert found.kind == "exact"
    assert (found.se, found.ok) == (0.0, True)
    assert found.elements["x"].shape == found.element_se["x"].shape == (7,)
    assert found.elements["x"].sum() == pytest.approx(found.value, rel=1e-12)
    assert found.value == pytest.approx(fit.on(new)._log_density(), rel=1e-10)
    assert "exact, probability flow, 10 steps of order 4, exact trace; the solver leaves about" in str(found)
    monkeypatch.setattr(diffused, "_JUDGED", 12)  # three rows a piece
    assert fit.log_prob(new).value == pytest.approx(found.value, rel=1e-10)
    monkeypatch.undo()

    other = _with(_fit(plain(flow=gd.ProbabilityFlow(steps=10, probes=8)), backend), fit.raw.best)
    estimate = other.log_prob(new)
    assert estimate.kind == "estimate"
    assert 0 < estimate.se < 5
    assert estimate.ok
    assert str(estimate).endswith("nats)")
    assert abs(estimate.value - found.value) < 4 * estimate.se + 1e-6
    assert other.log_prob(new, seed=1).value != estimate.value
    one = _fit(plain(flow=gd.ProbabilityFlow(steps=10, probes=1)), backend).log_prob(new)
    assert np.isnan(one.se)
    assert not one.ok


def test_files_and_the_other_backend(tmp_path: Path) -> None:
    """The objective travels with the fit, and the density is the same."""
    fit = _fit(plain(flow=gd.ProbabilityFlow(steps=4)), "pyro")
    new = {"x": RNG.normal(size=(3, 2))}
    fit.save(tmp_path / "fit.safetensors")
    again = gd.load(tmp_path / "fit.safetensors")
    assert again.objective == fit.objective
    assert again.log_prob(new).value == fit.log_prob(new).value
    assert fit.to("numpyro").log_prob(new).value == pytest.approx(fit.log_prob(new).value, rel=1e-10)


def test_sites_with_more_axes(backend: str) -> None:
    """Elements are those of the dims; copies and events are summed."""
    fit = _fit(several(), backend)
    found = fit.evidence()
    assert {k: v.shape for k, v in found.elements.items()} == {"x": (2, 12), "y": (12,)}
    assert found.value == pytest.approx(fit._log_density(), rel=1e-10)
    curves = fit.history.curves
    np.testing.assert_allclose(curves["loss"], curves["loss.x"] + curves["loss.y"], rtol=1e-12)
    draws = fit.sample(draws=3, sampler=gd.sampler.DDIM(steps=3))
    assert {k: v.shape for k, v in draws.items()} == {"x": (1, 3, 2, 12, 3, 2), "y": (1, 3, 12, 2, 1)}


SAMPLERS = {
    "Euler-Maruyama": gd.sampler.EulerMaruyama(steps=50),
    "ancestral": gd.sampler.Ancestral(steps=50, variance=gd.sampler.Variance.FIXED_LARGE),
    "DDIM": gd.sampler.DDIM(steps=50, eta=0.5),
    "DPM": gd.sampler.DPMSolver(steps=20, order=3),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_another_sampler_draws_the_same_distribution(name: str, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """N(0, 1), in pieces; noise is a function of the seed, and of the piece."""
    fit, sampler = _still(_fit(plain(), backend)), SAMPLERS[name]
    monkeypatch.setattr(diffused, "_DRAWN", 4000)
    x = fit.sample(draws=2, sizes={"row": 2500}, seed=1, sampler=sampler)["x"]
    assert x.shape == (1, 2, 2500, 2)
    flat = x.reshape(-1)
    assert len(np.unique(flat)) == len(flat)
    n = len(flat)
    assert abs(flat.mean()) < 4 / np.sqrt(n)
    truth = _variance(sampler)
    assert abs(flat.var() / truth - 1.0) < 4 * np.sqrt(2 / n)
    halves = x.reshape(2, -1)
    assert abs(np.corrcoef(halves)[0, 1]) < 4 / np.sqrt(n / 2)
    again = fit.sample(draws=2, sizes={"row": 2500}, seed=1, sampler=sampler)["x"]
    np.testing.assert_array_equal(x, again)
    assert np.all(x != fit.sample(draws=2, sizes={"row": 2500}, seed=2, sampler=sampler)["x"])


def _variance(sampler: gd.sampler.Sampler) -> float:
    """What the sampler's table makes of N(0, 1) with a network that gives 0: its steps leave something of their own."""
    table = sampler.network_table(gd.VP(), gd.Predicts.V)
    c = np.zeros(table.carry.shape[1:])
    c[0, 0] = 1.0
    for carry, noise in zip(table.carry, table.noise, strict=True):
        c = carry @ c @ carry.T + np.outer(noise, noise)
    return float(c[0, 0])


def test_a_number_of_rows_is_drawn() -> None:
    fit = _fit(plain(), "pyro")
    np.testing.assert_array_equal(fit.sample(5, seed=3)["x"], fit.sample(draws=1, sizes={"row": 5}, seed=3)["x"])
    assert fit.sample(5, draws=2)["x"].shape == (1, 2, 5, 2)
    with pytest.raises(gd.FitError, match="rows is a positive integer"):
        fit.sample(0)
    with pytest.raises(gd.FitError, match="not clear of which plate rows are to be drawn"):
        _fit(several(), "pyro", batch_size=None).sample(5)


def test_a_sampler_of_a_latent_reaches_what_is_observed(backend: str) -> None:
    """A prior: y is drawn given what the sampler made of z."""
    m, g = gd.Model("prior"), gd.Model("guide")
    row, flow = m.plate("row"), gd.ProbabilityFlow(steps=2)
    z = m.latent("z", gd.Diffusion(gd.VP(), network=NET, predicts="v", event=2, flow=flow), dims=row)  # type: ignore[arg-type]
    m.observe("y", gd.Normal(z, 0.1), dims=row)
    y = g.data("y", dims=g.plate("row"), event=2)
    g.latent("z", gd.Normal(y, 1.0), dims="row")
    m.objective(gd.ELBO(guide=g))
    fit = _still(_fit((m, {"y": np.zeros((4, 2))}), backend))
    out = fit.sample(names=["z", "y"], draws=500, sampler=gd.sampler.EulerMaruyama(steps=50))
    assert out["z"].shape == out["y"].shape == (1, 500, 4, 2)
    assert abs((out["y"] - out["z"]).std() - 0.1) < 0.01
    scale = np.sqrt(_variance(gd.sampler.EulerMaruyama(steps=50)))
    assert abs(out["z"].std() / scale - 1.0) < 4 / np.sqrt(2 * 4000)
