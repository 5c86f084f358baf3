"""Conditional families: a class that the network sees, learnt from rows of both classes, and drawn for one of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.lang.expr import Expr

RNG = np.random.default_rng(0)
CLASS = RNG.integers(0, 2, 400)
MEANS = np.array([[-2.0, 1.0], [3.0, 0.0]])
DATA = {"label": np.eye(2)[CLASS], "x": MEANS[CLASS] + 0.5 * RNG.normal(size=(400, 2))}


def _flow(label: Expr) -> gd.Distribution:
    """A coupling of each element given the other and the class."""
    return gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.realnvp(2, hidden=(8,)), context=label)


def _autoregressive(label: Expr) -> gd.Distribution:
    return gd.Autoregressive(2, hidden=(8,), context=label)


@pytest.mark.parametrize("family", [_flow, _autoregressive])
def test_a_class_is_learnt_and_drawn(family: Callable[[Expr], gd.Distribution], backend: str) -> None:
    """Means of draws of each class are those of its rows; the density of a row falls under the other class."""
    m = gd.Model("classes")
    row = m.plate("row")
    m.observe("x", family(m.data("label", dims=row, event=2)), dims=row)
    train = gd.Train(steps=400, batch_size=100, optimizer=gd.optim.Adam(0.02))
    fit = m.fit(DATA, train, backend=backend, progress=False)
    assert isinstance(fit.objective, gd.MaximumLikelihood)
    for k in range(2):
        x = fit.sample({"label": np.eye(2)[np.full(400, k)]}, draws=1)["x"][0, 0]
        rows = DATA["x"][k == CLASS]
        np.testing.assert_allclose(x.mean(0), rows.mean(0), atol=0.2)
        np.testing.assert_allclose(x.std(0), rows.std(0), atol=0.2)
    exact = -np.log(2 * np.pi * np.e * 0.25)  # of a row given its class
    assert abs(fit.log_prob(DATA).value / 400 - exact) < 0.15
    assert fit.log_prob(DATA | {"label": 1 - DATA["label"]}).value / 400 < exact - 5


# -- what has no likelihood to learn by -------------------------------------------------------------------------------
def _diffusion(label: Expr) -> gd.Distribution:
    net = gd.MLP(2, hidden=(32,), time=gd.Fourier(size=8, width=16, scale=1.0))
    return gd.Diffusion(gd.VP(), network=net, predicts=gd.Predicts.V, event=2, context=label)


def _energy(label: Expr) -> gd.Distribution:
    return gd.Energy(gd.MLP(1, hidden=(32,)), 2, spread=3.0, context=label)


def _pushforward(label: Expr) -> gd.Distribution:
    return gd.Pushforward(gd.Normal(0, 1).expand(2), gd.MLP(2, hidden=()), context=label)


FAMILIES: dict[str, tuple[Callable[[Expr], gd.Distribution], Any, int, dict[str, Any]]] = {
    "diffusion": (_diffusion, gd.DenoisingScoreMatching(), 600, {}),
    "energy": (_energy, gd.SlicedScoreMatching(), 600, {"sampler": gd.MALA(chains=4, warmup=200, draws=100)}),
    "pushforward": (_pushforward, gd.GAN(critic=gd.MLP(1, hidden=(32,)), penalty=gd.R1(0.5)), 900, {}),
}
"""How each is learnt, and drawn."""


def _model(kind: str) -> gd.Model:
    m = gd.Model("classes")
    row = m.plate("row")
    m.observe("x", FAMILIES[kind][0](m.data("label", dims=row, event=2)), dims=row)
    m.objective(FAMILIES[kind][1])
    return m


@cache
def _trained(kind: str, backend: str) -> Any:
    adam = gd.optim.Adam(gd.optim.Cosine(0.01), beta1=0.5 if kind == "pushforward" else 0.9)
    train = gd.Train(steps=FAMILIES[kind][2], batch_size=100, optimizer=adam, ema=0.98)
    return _model(kind).fit(DATA, train, backend=backend, progress=False)


@pytest.mark.parametrize("kind", FAMILIES)
def test_so_it_is_without_a_likelihood(kind: str, backend: str) -> None:
    """Means of draws of each class are those of its rows."""
    fit, rows = _trained(kind, backend), 20
    for k in range(2):
        x = fit.sample({"label": np.eye(2)[np.full(rows, k)]}, **({"draws": 20} | FAMILIES[kind][3]))["x"]
        assert x.shape[-2:] == (rows, 2)
        x = x.reshape(-1, 2)
        np.testing.assert_allclose(x.mean(0), MEANS[k], atol=0.35)
        assert (x.std(0) < 1.0).all()


@pytest.mark.parametrize("kind", ["diffusion", "energy"])
def test_rows_of_the_other_class_are_less_probable(kind: str, backend: str) -> None:
    """Under one class, whose constant an energy does not know."""
    fit = _trained(kind, backend)
    for k in range(2):
        rows = [DATA["x"][c == CLASS][:100] for c in (k, 1 - k)]
        own, other = (fit.log_prob({"x": x, "label": np.eye(2)[np.full(100, k)]}).value / 100 for x in rows)
        assert own > other + 3


@pytest.mark.parametrize("kind", FAMILIES)
def test_it_is_kept_and_moved(kind: str, tmp_path: Path) -> None:
    """By JSON, by a file, and to the other backend: the same parameters, and draws for each row."""
    m = _model(kind)
    again = gd.Model.from_json(m.to_json())
    assert again == m
    assert again.to_json() == m.to_json()
    assert "context=2), label)" in str(m)
    assert kind in str(m.explain()).lower()
    assert len(m.plot().axes) == 1
    few_rows = {name: value[:30] for name, value in DATA.items()}
    train = gd.Train(steps=2, precision=gd.Precision.FLOAT64, validation=gd.Validation(data=few_rows, every=1))
    fit = m.fit(DATA, train, backend="pyro", progress=False)
    assert all(np.isfinite(v).all() for v in fit.history.validation.values())
    fit.save(tmp_path / "fit.safetensors")
    there = gd.load(tmp_path / "fit.safetensors").to("numpyro")
    for name, value in fit.params.items():
        np.testing.assert_array_equal(there.params[name], value)
    new = {"x": DATA["x"][:3], "label": DATA["label"][:3]}
    if kind != "pushforward":
        assert there.log_prob(new).value == pytest.approx(fit.log_prob(new).value, rel=1e-10)
    few = {"sampler": gd.MALA(chains=1, warmup=2, draws=2)} if kind == "energy" else {"draws": 2}
    assert there.sample({"label": np.eye(2)}, **few)["x"].shape == (1, 2, 2, 2)
