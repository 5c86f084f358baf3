"""The variational autoencoder of the design, tiny, on both backends: networks in model and guide."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import gendsl as gd
from gendsl import optim
from gendsl.methods import Precision, Train
from gendsl.networks import MLP
from gendsl.objectives import ELBO, IWAE, Objective
from tests.objectives.gauss import Run, bound


@cache
def _vae() -> tuple[gd.Model, gd.Model]:
    vae = gd.Model("vae")
    image = vae.plate("image")
    decoder = vae.network("decoder", MLP(6, hidden=(8,)))
    z = vae.latent("z", gd.Normal(0, 1).expand(2), dims=image)
    vae.observe("x", gd.Bernoulli(logits=decoder(z)), dims=image)
    encoder = gd.Model("encoder")
    x = encoder.data("x", dims=encoder.plate("image"), event=(6,))
    h = encoder.network("encoder", MLP(4, hidden=(8,)))(x)
    encoder.latent("z", gd.Normal(h[..., :2], gd.softplus(h[..., 2:])), dims="image")
    return vae, encoder


def _images(count: int = 40) -> np.ndarray:
    rng = np.random.default_rng(0)
    kinds = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]])
    x = kinds[rng.integers(0, 2, count)]
    return np.where(rng.random(x.shape) < 0.05, 1 - x, x)


@pytest.mark.parametrize("objective", [ELBO, IWAE])
def test_backends_agree(objective: type[Objective]) -> None:
    vae, encoder = _vae()
    spec = objective(guide=encoder, particles=3)  # type: ignore[call-arg]
    runs = {b: Run(bound(vae, spec, {"x": _images()}, b, True), b) for b in ("pyro", "numpyro")}
    params = runs["pyro"].game.initial_params(0)
    assert {k.partition(".")[0] for k in params} == {"encoder", "decoder"}
    noise = runs["pyro"].noise(0, slice(4, 20))
    (v, g), (w, h) = (r.value(params, noise, slice(4, 20)) for r in runs.values())
    assert v == pytest.approx(w, rel=1e-10)
    for k in g:
        np.testing.assert_allclose(g[k], h[k], rtol=1e-9, atol=1e-11)
        assert np.abs(g[k]).max() > 0


def test_it_learns(backend: str) -> None:
    vae, encoder = (m.copy() for m in _vae())
    vae.objective(ELBO(guide=encoder))
    data = {"x": _images()}
    method = Train(steps=300, batch_size=20, optimizer=optim.Adam(0.02), precision=Precision.FLOAT32)
    fit = vae.fit(data, method, backend=backend, progress=False)
    curve = fit.history.curves["loss"]
    assert curve[-30:].mean() < 6 * np.log(2) < curve[:10].mean()  # six fair coins
    found = fit.evidence(20)
    assert found.kind == "lower bound"
    assert found.value / 40 == pytest.approx(-curve[-50:].mean(), abs=0.5)
    x = fit.sample(draws=4, sizes={"image": 8})["x"]
    assert x.shape == (1, 4, 8, 6)
    assert set(np.unique(x)) <= {0, 1}
    assert fit.idata.posterior["z"].shape == (1, 1000, 40, 2)
    assert fit.params["decoder.layers.0.weight"].shape == (8, 2)


def test_a_diverged_fit_is_returned_and_says_so(backend: str) -> None:
    """A long step makes a scale zero; torch refuses that as an argument, where jax finds that the loss is nan."""
    vae, encoder = (m.copy() for m in _vae())
    vae.objective(ELBO(guide=encoder))
    method = Train(steps=50, batch_size=20, optimizer=optim.SGD(1e6))
    fit = vae.fit({"x": _images()}, method, backend=backend, progress=False)
    assert 0 < fit.raw.step < 50
    assert fit.raw.error.startswith(f"the loss became nan at step {fit.raw.step + 1}")
    assert len(fit.history.curves["loss"]) == fit.raw.step
    assert all(np.isfinite(x).all() for x in fit.params.values())
    said = fit.check()
    assert said.problems == (fit.raw.note,)
    assert fit.raw.note.startswith(f"training ended early: {fit.raw.error}; the parameters after step {fit.raw.step}")


def test_held_out_rows_that_torch_refuses_have_no_loss() -> None:
    vae, encoder = (m.copy() for m in _vae())
    vae.objective(ELBO(guide=encoder))
    held = gd.Validation(data={"x": _images(10)}, every=1)
    method = Train(steps=50, batch_size=20, optimizer=optim.SGD(1e6), validation=held)
    fit = vae.fit({"x": _images()}, method, backend="pyro", progress=False)
    assert 0 < len(fit.history.validation["loss"]) == fit.raw.step < 50
    assert np.isnan(fit.history.validation["loss"][-1])
