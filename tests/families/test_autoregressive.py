"""Autoregressive models against enumeration and against the multivariate normal (A1)."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gendsl.densities import AutoregressiveDensity, CategoricalElement, Noise, NormalElement
from gendsl.errors import ModelError
from gendsl.graph.json.nodes import Codec
from tests.families.densities import BACKENDS, Bound, values


def _all(classes: int, d: int) -> np.ndarray:
    return np.array(list(itertools.product(range(classes), repeat=d)), float)


@pytest.mark.parametrize(("classes", "d"), [(2, 10), (3, 5)])
def test_categories_sum_to_one(classes: int, d: int, backend: str) -> None:
    density = AutoregressiveDensity(element=CategoricalElement(classes), hidden=(24, 24))
    model = Bound(density, {k: 6 * v for k, v in values(density, (d,)).items()}, backend)
    p = np.exp(model.log_prob(_all(classes, d)))
    assert abs(p.sum() - 1) < 1e-5
    assert p.max() > 3 * p.min()


@pytest.mark.parametrize(("classes", "d"), [(2, 4), (3, 2)])
def test_draws_have_the_declared_frequencies(classes: int, d: int, backend: str) -> None:
    density = AutoregressiveDensity(element=CategoricalElement(classes), hidden=(16,))
    assert density.noise is Noise.UNIFORM
    model = Bound(density, {k: 4 * v for k, v in values(density, (d,)).items()}, backend)
    draws = model.sample(np.random.default_rng(0).uniform(size=(20_000, d)))
    everything = _all(classes, d)
    seen = np.array([(draws == row).all(-1).sum() for row in everything])
    assert seen.sum() == 20_000
    assert stats.chisquare(seen, 20_000 * np.exp(model.log_prob(everything))).pvalue > 1e-3


@pytest.mark.parametrize("element", [NormalElement(), CategoricalElement(2)], ids=repr)
def test_no_conditional_sees_its_element_or_a_later_one(
    element: NormalElement | CategoricalElement, backend: str
) -> None:
    """d theta_i / d x_(>= i) is 0, exactly, and every earlier element is seen."""
    density, d = AutoregressiveDensity(element=element, hidden=(16, 16)), 5
    model = Bound(density, values(density, (d,)), backend)
    x = np.random.default_rng(0).normal(size=(d, element.width))

    def moved(params: Any, x: Any, direction: Any) -> Any:
        return model.b.ops.jvp(density._theta(model.nn, params, None), (x,), (direction,))[1]

    for j, at in np.ndindex(d, element.width):
        direction = np.zeros_like(x)
        direction[j, at] = 1.0
        change = model.b.numpy(model._call(moved, x, direction))
        assert np.all(change[: j + 1] == 0.0)
        assert np.all(change[j + 1 :] != 0.0)


def test_what_is_no_class_has_no_probability(backend: str) -> None:
    density = AutoregressiveDensity(element=CategoricalElement(2), hidden=(8,))
    model = Bound(density, values(density, (3,)), backend)
    assert np.all(model.log_prob(np.array([[0.0, 2.0, 1.0], [-1.0, 0.0, 0.0], [0.5, 1.0, 1.0]])) == -np.inf)


def test_a_linear_normal_model_is_the_multivariate_normal(backend: str) -> None:
    """x_i = b_i + sum_j<i W_ij x_j + s_i eps_i has mean A^-1 b and covariance A^-1 S^2 A^-T, A = I - W."""
    d, limit = 4, 5.0
    density = AutoregressiveDensity(element=NormalElement(limit=limit), hidden=())
    rng = np.random.default_rng(0)
    weight, bias = np.zeros((2 * d, d)), rng.normal(size=2 * d)
    weight[::2] = rng.normal(size=(d, d))  # what is on and above the diagonal is masked
    model = Bound(density, {"layers.0.weight": weight, "layers.0.bias": bias}, backend)
    a = np.linalg.inv(np.eye(d) - np.tril(weight[::2], -1))
    scale = np.exp(limit * np.tanh(bias[1::2] / limit))
    x, eps = rng.normal(size=(2, 50, d)) * 2
    truth = stats.multivariate_normal(a @ bias[::2], a @ np.diag(scale**2) @ a.T)
    np.testing.assert_allclose(model.log_prob(x), truth.logpdf(x), rtol=1e-10)
    np.testing.assert_allclose(model.sample(eps), (bias[::2] + scale * eps) @ a.T, rtol=1e-10, atol=1e-10)


def test_contexts_and_events_of_several_axes(backend: str) -> None:
    density = AutoregressiveDensity(element=CategoricalElement(2), hidden=(16,), context=1)
    model = Bound(density, {k: 6 * v for k, v in values(density, (2, 2)).items()}, backend, (2, 2))
    everything = _all(2, 4).reshape(-1, 2, 2)
    p = np.exp(model.log_prob(everything, np.array([[[-1.0]], [[2.0]]])))
    assert p.shape == (2, 16)
    np.testing.assert_allclose(p.sum(-1), 1.0, rtol=1e-10)
    assert np.abs(p[0] - p[1]).max() > 0.01
    assert model.sample(np.full((2, 2), 0.5), np.array([[0.0]] * 3)).shape == (3, 2, 2)


@pytest.mark.parametrize("element", [NormalElement(), CategoricalElement(3)], ids=repr)
def test_backends_agree_and_gradients_reach_every_parameter(element: NormalElement | CategoricalElement) -> None:
    density = AutoregressiveDensity(element=element, hidden=(16, 16), context=2)
    params = values(density, (4,))
    rng = np.random.default_rng(0)
    noise = rng.uniform(size=(30, 4)) if density.noise is Noise.UNIFORM else rng.normal(size=(30, 4))
    c = rng.normal(size=(30, 2))
    ours, theirs = (Bound(density, params, b) for b in BACKENDS)
    x = ours.sample(noise, c)
    np.testing.assert_allclose(x, theirs.sample(noise, c), rtol=1e-10)
    np.testing.assert_allclose(ours.log_prob(x, c), theirs.log_prob(x, c), rtol=1e-10)
    other = theirs.gradient(x, c)
    for k, g in ours.gradient(x, c).items():
        assert np.any(g != 0), k
        np.testing.assert_allclose(g, other[k], rtol=1e-10, atol=1e-10 * np.abs(g).max())


def test_is_data() -> None:
    codec = Codec(set(), set())
    for element in (NormalElement(limit=3.0), CategoricalElement(4)):
        density = AutoregressiveDensity(element=element, hidden=(8,))
        assert codec.decode(json.loads(json.dumps(codec.encode(density, "here"))), "here") == density
    with pytest.raises(ModelError, match="distribution of one element"):
        AutoregressiveDensity(element=3)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="classes"):
        CategoricalElement(1)
