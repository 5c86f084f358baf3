"""What cannot be fitted is refused, with the node, the reason and the fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.networks import MLP
from tests.fit.models import QUICK, SCHOOLS, schools


def _fit(
    m: gd.Model, data: dict[str, Any] | None = None, method: Any = QUICK, backend: str = "numpyro", **kw: Any
) -> Any:
    return m.fit(data or {}, method, backend=backend, progress=False, **kw)


def _discrete() -> gd.Model:
    m = gd.Model("discrete")
    m.latent("p", gd.Beta(1, 1))
    m.latent("z", gd.Bernoulli(probs=0.3))
    m.latent("k", gd.Poisson(2.0))
    return m


def _no_latents() -> gd.Model:
    m = gd.Model("nothing")
    m.observe("y", gd.Normal(0, 1), dims=m.plate("row"))
    return m


def _param() -> gd.Model:
    m = gd.Model("learned")
    m.latent("x", gd.Normal(m.param("shift", 0.0), 1))
    return m


def _subsampled() -> gd.Model:
    m = gd.Model("batches")
    mu = m.latent("mu", gd.Normal(0, 1))
    m.observe("y", gd.Normal(mu, 1), dims=m.plate("row", 100, subsample=10))
    return m


def _network() -> gd.Model:
    m = gd.Model("deep")
    f = m.network("f", MLP(1))
    m.observe("y", gd.Normal(f(m.latent("x", gd.Normal(0, 1))), 1))
    return m


@pytest.mark.parametrize(
    ("build", "node", "words", "fix"),
    [
        (_no_latents, None, "model 'nothing' has no latents", "m.latent("),
        (_discrete, "z", "'z', 'k' are discrete", "gd.Mixture"),
        (_param, "shift", "'shift' has no prior", 'm.latent("shift", gd.Normal(0, 1))'),
        (_network, "f", "the parameters of network 'f' have no prior", "gd.Train"),
        (_subsampled, "row", "plate 'row' is subsampled", 'm.plate("row")'),
    ],
)
def test_models_that_nuts_cannot_fit(build: Callable[[], gd.Model], node: str | None, words: str, fix: str) -> None:
    with pytest.raises(gd.FitError) as e:
        _fit(build())
    assert words in str(e.value)
    assert e.value.node == node
    assert fix in (e.value.fix or "")
    assert e.value.where is not None
    assert e.value.where.file == __file__


@pytest.mark.parametrize("method", [gd.NUTS, "nuts", None])
def test_unknown_methods(method: Any) -> None:
    with pytest.raises(gd.FitError, match="needed: a method, such as gd.NUTS"):
        _fit(schools(), dict(SCHOOLS), method)


@pytest.mark.parametrize("seed", [-1, 1.5, True, "a"])
def test_seeds(seed: Any) -> None:
    with pytest.raises(gd.FitError, match="a seed is a nonnegative integer"):
        _fit(schools(), dict(SCHOOLS), seed=seed)


def test_an_unknown_backend() -> None:
    with pytest.raises(gd.BackendError, match="no backend 'stan'"):
        _fit(schools(), dict(SCHOOLS), backend="stan")


def _value_not_finite() -> gd.Model:
    m = gd.Model("value")
    x = m.latent("x", gd.Normal(0, 1))
    m.let("depth", gd.log(-gd.exp(x)))
    m.observe("y", gd.Normal(m["depth"], 1), dims=m.plate("row"))
    return m


def _term_not_finite() -> gd.Model:
    m = gd.Model("term")
    x = m.latent("x", gd.Normal(0, 1))
    m.factor("wall", gd.where(x < 10.0, -np.inf, 0.0))
    m.observe("y", gd.Normal(x, 1), dims=m.plate("row"))
    return m


@pytest.mark.parametrize(("build", "node"), [(_value_not_finite, "depth"), (_term_not_finite, "wall")])
def test_a_density_that_is_nowhere_finite_names_the_culprit(
    backend: str, build: Callable[[], gd.Model], node: str
) -> None:
    with pytest.raises(gd.FitError) as e:
        _fit(build(), {"y": [1.0, 2.0]}, backend=backend)
    assert e.value.node == node
    assert "no starting point with a finite density and gradient in 100 tries (chain 0)" in str(e.value)
    assert e.value.where is not None
    assert e.value.where.file == __file__


def _share(m: gd.Model, mask: Any = None, **options: Any) -> None:
    group, row = m.plate("group", 2), m.plate("row")
    top = m.latent("top", gd.Beta(2, 2), dims=group)
    of = m.data("of", dims=row, indexes=group)
    m.observe("y", gd.Uniform(0, 2 * top[of]), dims=row, mask=None if mask is None else m.data("mask", dims=row) > 0)


def _wait(m: gd.Model) -> None:
    start = m.latent("start", gd.HalfNormal(1))
    m.observe("y", gd.Exponential(1.0), value=m.data("t", dims=m.plate("row")) - start)


@pytest.mark.parametrize(
    ("declare", "data", "words"),
    [
        (_share, {"of": [1, 0, 1], "y": [1e-9, 2.5, 3.0]}, ["2 of 3 outside", "y[1] = 2.5, above its upper bound, 2"]),
        (
            lambda m: _share(m, mask=True),
            {"of": [1, 0, 1], "y": [2.5, 1e-9, 3.0], "mask": [0, 1, 1]},
            ["1 of 3 outside", "y[2] = 3, above its upper bound, 2 * top[of] = "],
        ),
        (_wait, {"t": [99.0, -1.0]}, ["1 of 2 outside the support, the first y[1] = -", "below its lower bound, 0"]),
    ],
)
def test_a_bound_that_nothing_can_keep_is_named_with_the_value(
    backend: str, declare: Callable[[gd.Model], None], data: dict[str, Any], words: list[str]
) -> None:
    m = gd.Model("bounds")
    declare(m)
    with pytest.raises(gd.FitError, match="no starting point") as e:
        _fit(m, data, backend=backend)
    assert e.value.node == "y"
    for w in words:
        assert w in (e.value.given or ""), e.value.given
    assert "what bounds them" in (e.value.fix or "")
    assert e.value.where is not None
    assert e.value.where.file == __file__


def test_methods_are_checked() -> None:
    for bad in ({"chains": 0}, {"draws": 1.5}, {"warmup": -1}, {"target_accept": 1.0}, {"max_tree_depth": True}):
        with pytest.raises(gd.ModelError, match=f"NUTS: {next(iter(bad))}"):
            gd.NUTS(**bad)  # type: ignore[arg-type]
