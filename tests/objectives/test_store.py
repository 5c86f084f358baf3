"""Trained fits written, read and taken to the other backend: the same numbers, and training that goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.optim import Adam
from tests.objectives.gauss import ppca, regression

RNG = np.random.default_rng(0)
DOUBLE = gd.Precision.FLOAT64


def vae() -> tuple[gd.Model, dict[str, Any], gd.Train]:
    """A model as guide, rows in batches, an average, held-out rows."""
    m, g, data, _ = ppca(40)
    m.objective(gd.ELBO(guide=g))
    method = gd.Train(
        steps=12,
        batch_size=8,
        optimizer=Adam(0.01),
        ema=0.9,
        precision=DOUBLE,
        validation=gd.Validation(fraction=0.25, every=4),
    )
    return m, data, method


def flow() -> tuple[gd.Model, dict[str, Any], gd.Train]:
    m = gd.Model("flow")
    m.observe("x", gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.nsf(2, bins=4, hidden=(4,))), dims=m.plate("row"))
    m.objective(gd.MaximumLikelihood())
    return m, {"x": RNG.normal(size=(30, 2))}, gd.Train(steps=10, batch_size=10, precision=DOUBLE)


def line() -> tuple[gd.Model, dict[str, Any], gd.Train]:
    m, data = regression()
    m.objective(gd.ELBO(guide=gd.guide.LowRank(rank=1), particles=2))
    return m, data, gd.Train(steps=10, precision=DOUBLE)


CASES: dict[str, Callable[[], tuple[gd.Model, dict[str, Any], gd.Train]]] = {"vae": vae, "flow": flow, "line": line}


def fitted(name: str, backend: str) -> tuple[gd.Model, dict[str, Any], gd.TrainedFit]:
    m, data, method = CASES[name]()
    return m, data, m.fit(data, method, backend=backend, seed=3, progress=False)


def value(fit: gd.TrainedFit, at: gd.TrainedFit | None = None) -> float:
    """The loss of all rows at the trained parameters, on noise that does not depend on the backend."""
    game, setting = (at or fit).made.game, (at or fit).setting
    b = setting.backend
    rng = np.random.default_rng(5)
    with setting.context():
        batch = {k: b.array(x, "float64") for k, x in ((at or fit).made.rows | (at or fit).made.whole).items()}
        drawn = game.draw(game.players[0], b.ops.key(0), batch)
        noise = {k: b.array(rng.normal(size=tuple(x.shape)), "float64") for k, x in drawn.items()}
        params = {k: b.array(x, "float64") for k, x in fit.raw.best.items()}
        return float(b.numpy(game.loss(game.players[0], params, batch, noise, {}).value))


def other(backend: str) -> str:
    return "pyro" if backend == "numpyro" else "numpyro"


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_the_fit(name: str, backend: str, tmp_path: Path) -> None:
    m, data, fit = fitted(name, backend)
    fit.save(tmp_path / "fit.safetensors")
    back = gd.load(tmp_path / "fit.safetensors")
    assert isinstance(back, gd.TrainedFit)
    assert back.objective == fit.objective
    assert back.method == fit.method
    assert back.setting.graph == fit.setting.graph
    assert (back.raw.complete, back.raw.note, back.raw.step) == (fit.raw.complete, fit.raw.note, fit.raw.step)
    assert back.seconds == fit.seconds
    assert list(back.params) == list(fit.params)
    for k, x in fit.params.items():
        np.testing.assert_array_equal(back.params[k], x)
    for k, x in fit.history.curves.items():
        np.testing.assert_array_equal(back.history.curves[k], x)
    assert value(back) == value(fit)
    for k, x in fit.sample(draws=5).items():
        np.testing.assert_array_equal(back.sample(draws=5)[k], x)
    if fit.setting.graph.of("latent"):
        for k, x in fit.draws.items():
            np.testing.assert_array_equal(back.draws[k], x)
    method = gd.Train(**{**vars(fit.method), "steps": 16})
    onward, again = (m.fit(data, method, backend=backend, seed=3, progress=False, resume=f) for f in (fit, back))
    for k, x in onward.params.items():
        np.testing.assert_array_equal(again.params[k], x)


@pytest.mark.parametrize("name", CASES)
def test_there_and_back(name: str, backend: str) -> None:
    """Equal losses on equal noise, exactly the same parameters, and training that goes on over there."""
    m, data, fit = fitted(name, backend)
    there = fit.to(other(backend))
    assert there.setting.backend.name == other(backend)
    assert value(there) == pytest.approx(value(fit), rel=1e-10)
    for k, x in there.to(backend).params.items():
        np.testing.assert_array_equal(x, fit.params[k])
    if name == "flow":
        x = {"x": RNG.normal(size=(7, 2))}
        assert there.log_prob(x).value == pytest.approx(fit.log_prob(x).value, rel=1e-10)
    method = gd.Train(**{**vars(fit.method), "steps": 14})
    more = m.fit(data, method, backend=other(backend), seed=3, progress=False, resume=there)
    assert more.raw.step == 14 or fit.method.validation is not None


def test_it_goes_on_over_there(backend: str) -> None:
    """Of data that one backend holds twice, once of each type, as the model and its guide read them."""
    m, g = gd.Model("vae"), gd.Model("encoder")
    row, own = m.plate("row"), g.plate("row")
    z = m.latent("z", gd.Normal(0, 1), dims=row)
    m.observe("x", gd.Bernoulli(logits=z * np.ones(3)), dims=row)
    g.latent("z", gd.Normal(g.param("w", np.zeros(3)) @ g.data("x", dims=own, event=3), 0.5), dims=own)
    m.objective(gd.ELBO(guide=g))
    data = {"x": (RNG.random((12, 3)) < 0.5).astype(float)}
    fit = m.fit(data, gd.Train(steps=2, batch_size=4), backend=backend, progress=False)
    more = m.fit(data, gd.Train(steps=3, batch_size=4), backend=other(backend), progress=False, resume=fit)
    assert more.raw.step == 3
    old = {**fit.raw.state.signature, "data": {"rows": 12, "arrays": {"guide.x": [3], "x": [3]}}}
    state = replace(fit.raw.state, signature=old)  # as earlier versions wrote it
    assert m.fit(data, gd.Train(steps=3, batch_size=4), backend=backend, progress=False, resume=state).raw.step == 3
    with pytest.raises(gd.FitError, match="of other data"):
        m.fit({"x": data["x"][:8]}, gd.Train(steps=3, batch_size=4), backend=backend, progress=False, resume=fit)


def diffusion() -> tuple[gd.Model, dict[str, Any], gd.Train]:
    m = gd.Model("diffusion")
    net = gd.MLP(2, hidden=(6,), time=gd.Fourier(size=4, width=4, scale=1.0))
    few: dict[str, Any] = {"sampler": gd.sampler.DDIM(steps=3), "flow": gd.ProbabilityFlow(steps=2)}
    m.observe("x", gd.Diffusion(gd.VP(), network=net, predicts=gd.Predicts.V, event=2, **few), dims=m.plate("row"))
    m.objective(gd.DenoisingScoreMatching())
    return m, {"x": RNG.normal(size=(30, 2))}, gd.Train(steps=5, batch_size=10, ema=0.9, precision=DOUBLE)


def _drawn(fit: gd.TrainedFit, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the trained distribution makes of given noise, and its log-density there."""
    b = fit.setting.backend
    with fit.setting.context():
        d = fit.program.namespace["x_density"](fit.bound.params)
        x = d.image(b.array(noise, "float64"))
        return b.numpy(x), b.numpy(d.log_prob(x))


@pytest.mark.parametrize(("make", "backend"), [(flow, "numpyro"), (diffusion, "pyro")])
def test_there_and_back_are_equal_draws_and_densities(make: Any, backend: str) -> None:
    """Under the same noise: over there as here, to 1e-10; and back again the same numbers."""
    m, data, method = make()
    fit = m.fit(data, method, backend=backend, seed=3, progress=False)
    there = fit.to(other(backend))
    back = there.to(backend)
    noise = np.random.default_rng(4).normal(size=(9, 2))
    for here, far in zip(_drawn(fit, noise), _drawn(there, noise), strict=True):
        np.testing.assert_allclose(far, here, rtol=1e-10, atol=1e-10)
    x = {"x": noise}
    assert there.log_prob(x).value == pytest.approx(fit.log_prob(x).value, rel=1e-10)
    assert back.log_prob(x).value == fit.log_prob(x).value
    np.testing.assert_array_equal(back.sample(5, seed=1)["x"], fit.sample(5, seed=1)["x"])


def test_labels_and_missing_values_come_back(backend: str, tmp_path: Path) -> None:
    import pandas as pd

    m = gd.Model("m")
    school, day = m.plate("school"), m.plate("day")
    mu = m.latent("mu", gd.Normal(0, 1), dims=(school, day))
    m.observe("y", gd.Normal(mu, 1.0), dims=(school, day), missing=gd.Missing.MASK)
    y = pd.DataFrame(
        [[1.0, np.nan, 0.0], [0.5, 1.0, 2.0]],
        index=pd.Index(["north", "south"], name="school"),
        columns=pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-03"], name="day"),
    )
    fit = m.fit({"y": y}, gd.Train(steps=3), backend=backend, progress=False)
    fit.save(tmp_path / "fit.safetensors")
    back = gd.load(tmp_path / "fit.safetensors")
    assert list(back.idata["posterior"]["mu"].coords["school"].values) == ["north", "south"]
    assert back.idata["posterior"]["mu"].coords["day"].values[1] == np.datetime64("2024-01-02")
    np.testing.assert_array_equal(back.draws["mu"], fit.draws["mu"])
    assert back.sample(draws=4)["y"].shape == fit.sample(draws=4)["y"].shape


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    _, _, fit = fitted("line", "numpyro")
    path = tmp_path / "fit.safetensors"
    fit.save(path)
    whole = path.read_bytes()
    for content, words in [
        (whole[:-40], "cut off or damaged"),
        (whole[:-9] + b"\x01" + whole[-8:], "checksum does not fit"),
        (whole[:4], "cut off, or no safetensors file"),
        (whole.replace(b"gendsl-trained", b"gendsl-trainee"), "no trained fit of gendsl"),
    ]:
        path.write_bytes(content)
        with pytest.raises(gd.FormatError, match=words):
            gd.load(path)


def test_paths_and_networks_that_files_cannot_hold(tmp_path: Path) -> None:
    m, data, method = line()
    fit = m.fit(data, method, backend="pyro", progress=False)
    with pytest.raises(gd.FitError, match="the path does not say the format") as e:
        fit.save(tmp_path / "fit.nc")
    assert "'fit.safetensors'" in str(e.value)
    with pytest.raises(gd.FitError, match=r"no 'absent\.safetensors' to load"):
        gd.load(tmp_path / "absent.safetensors")


class MyAdam(gd.optim.Adam):
    """A class of the user's own."""


def test_what_an_optimizer_of_the_users_own_learnt_is_kept(tmp_path: Path) -> None:
    """Files cannot hold the class; the fit can be saved without it, and a checkpoint goes on with it."""
    m, data, method = line()
    path, run = tmp_path / "fit.safetensors", tmp_path / "run"
    mine = replace(method, steps=6, optimizer=MyAdam(0.05), checkpoint=gd.Checkpoint(path=run, every=3))
    fit = m.fit(data, mine, backend="pyro", progress=False)
    with pytest.raises(gd.FormatError, match=r"a class of your own, MyAdam(.|\n)*dataclasses\.replace"):
        fit.save(path)
    assert not path.exists()
    replace(fit, method=replace(method, steps=6)).save(path)
    back = gd.load(path)
    longer = replace(mine, steps=9)
    whole = m.fit(data, replace(longer, checkpoint=None), backend="pyro", progress=False)
    for resume in (back, run):
        rest = m.fit(data, replace(longer, checkpoint=None), backend="pyro", progress=False, resume=resume)
        for k, x in whole.params.items():
            np.testing.assert_array_equal(rest.params[k], x)


def test_a_network_of_the_users_own_with_other_parameters_is_named() -> None:
    import equinox as eqx
    import torch

    native = gd.Native(
        torch=lambda event: torch.nn.Linear(event[0], 1),
        jax=lambda event, key: eqx.nn.MLP(event[0], 1, 3, 1, key=key),
        out=1,
    )
    m = gd.Model("own")
    row = m.plate("row")
    f = m.network("f", native)
    x = m.data("x", dims=row, event=(2,))
    m.observe("y", gd.Normal(f(x)[..., 0], 1.0), dims=row)
    m.objective(gd.MaximumLikelihood())
    data = {"x": RNG.normal(size=(6, 2)), "y": RNG.normal(size=6)}
    fit = m.fit(data, gd.Train(steps=2), backend="pyro", progress=False)
    with pytest.raises(gd.FitError, match=r"the parameters are not those of the model on numpyro: 'f\.") as e:
        fit.to("numpyro")
    assert "gd.Native" in str(e.value)


def test_posterior_predictions_are_as_many_as_asked_for() -> None:
    m, data, method = line()
    fit = m.fit(data, method, backend="numpyro", progress=False)
    assert fit.sample(draws=5)["y"].shape == (1, 5, 12)
    with pytest.raises(gd.FitError, match="a thousand draws"):
        fit.sample(draws=5000)


def test_a_run_with_a_process_of_the_users_own_goes_on_in_another_process(tmp_path: Path) -> None:
    """Functions print as where they lie in memory, which is nothing that tells models apart."""
    code = """
import sys, numpy as np, gendsl as gd
m = gd.Model("m")
own = gd.Process(alpha=lambda ops, t: 1.0 - 0.9 * t, sigma=lambda ops, t: t, start=0.01, end=0.99)
m.observe("x", gd.Diffusion(own, network=gd.MLP(1, hidden=(2,)), event=1), dims=m.plate("row"))
m.objective(gd.DenoisingScoreMatching())
method = gd.Train(steps=int(sys.argv[2]), checkpoint=gd.Checkpoint(path=sys.argv[1], every=2))
fit = m.fit({"x": np.ones((4, 1))}, method, backend=sys.argv[3], progress=False,
            resume=sys.argv[1] if sys.argv[2] != "2" else None)
print(fit.raw.step)
"""
    for steps, on in (("2", "pyro"), ("4", "pyro"), ("6", "numpyro")):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "run"), steps, on], capture_output=True, text=True, check=False
        )
        assert done.stdout.strip() == steps, done.stderr[-2000:]
