"""Flows as densities: normalised, and the density of what they draw (F3, F4, F7)."""

from __future__ import annotations

import json

import numpy as np
import pytest

import gendsl as gd
from gendsl.densities import FlowDensity
from gendsl.errors import ModelError
from gendsl.graph.constraints import Interval, real
from gendsl.graph.json.nodes import Codec
from gendsl.transforms import (
    SCALARS,
    TRANSFORMS,
    Affine,
    Chain,
    Coupling,
    Elementwise,
    Exp,
    Inverse,
    LULinear,
    Permutation,
    Reverse,
    Scale,
    Shuffle,
    Sigmoid,
    Softplus,
    Spline,
    autoregressive_flow,
    coupling_flow,
    iaf,
    maf,
    nsf,
    onto,
    realnvp,
)
from tests.families.densities import BACKENDS, Bound, values
from tests.laws.transforms import kinds

_H = (16, 16)
FLOWS = {
    "realnvp": realnvp(4, hidden=_H),
    "nsf": nsf(3, hidden=_H),
    "maf": maf(3, hidden=_H),
    "iaf": iaf(3, hidden=_H),
    "nsf, autoregressive": autoregressive_flow(Spline(bins=6), 2, hidden=_H),
    "linear": Chain((LULinear(), Coupling(scalar=Affine(), hidden=_H), LULinear())),
}
FIXED = {  # which do not start at their base
    "elementwise": Chain((Elementwise(), Permutation((1, 0)), Elementwise(scalar=Spline()), Scale(1.5, -0.5))),
    "there and back": Chain((Shuffle(1), Softplus(), Inverse(Exp()), Reverse(), Sigmoid(), Inverse(Sigmoid()))),
}
ALL = FLOWS | FIXED
_SIDE = np.linspace(-12, 12, 301)
GRID = np.stack(np.meshgrid(_SIDE, _SIDE, indexing="ij"), -1).reshape(-1, 2)
CELL = (_SIDE[1] - _SIDE[0]) ** 2


def test_every_transform_and_scalar_is_in_a_flow() -> None:
    assert kinds(tuple(ALL.values())) == {*TRANSFORMS, *SCALARS}


@pytest.mark.parametrize("name", ALL)
def test_is_normalised_and_draws_what_it_says(name: str, backend: str) -> None:
    density = FlowDensity(ALL[name])
    flow = Bound(density, values(density, (2,)), backend)
    log_p = flow.log_prob(GRID)
    p = np.exp(log_p)
    assert abs(p.sum() * CELL - 1) < 1e-3
    draws = flow.sample(np.random.default_rng(0).normal(size=(4000, 2)))
    surprise = -flow.log_prob(draws)
    entropy = -np.sum(p * log_p) * CELL
    error = surprise.std() / np.sqrt(len(surprise))
    assert error < 0.05
    assert abs(surprise.mean() - entropy) < 4 * error
    for k in (0, 1):  # and the moments
        mean = np.sum(p * GRID[:, k]) * CELL
        assert abs(draws[:, k].mean() - mean) < 4 * draws[:, k].std() / np.sqrt(len(draws))


@pytest.mark.parametrize("name", FLOWS)
def test_a_draw_brings_its_density(name: str, backend: str) -> None:
    density = FlowDensity(FLOWS[name])
    flow = Bound(density, values(density, (2,)), backend)
    z = np.random.default_rng(1).normal(size=(50, 2))
    x, log_p = map(flow.b.numpy, flow._call(lambda p, z: density.sample_and_log_prob(flow.nn, p, z), z))
    np.testing.assert_array_equal(x, flow.sample(z))
    np.testing.assert_allclose(log_p, flow.log_prob(x), atol=1e-8)


@pytest.mark.parametrize(
    "support", [Interval(0.0, None), Interval(None, 1.0), Interval(-1.0, 2.0)], ids=lambda s: str(s)
)
def test_a_constrained_flow_is_normalised_on_its_support(support: Interval, backend: str) -> None:
    density = FlowDensity((coupling_flow(Spline(bins=4, bound=3.0), 2, hidden=(8,)), *onto(support)))
    assert density.support == support
    flow = Bound(density, values(density, (2,)), backend)
    inside = flow.sample(np.random.default_rng(0).normal(size=(2000, 2)))
    low = -np.inf if support.lower is None else support.lower
    high = np.inf if support.upper is None else support.upper
    assert np.all((inside > low) & (inside < high))
    outside = inside.copy()
    outside[:, 1] = low - 0.5 if np.isfinite(low) else high + 0.5
    assert np.all(flow.log_prob(outside) == -np.inf)
    assert all(not np.isnan(g).any() for g in flow.gradient(outside).values())
    # the integral in coordinates in which tails are short: u -> the support's own map
    u = np.linspace(-9, 9, 241)
    x = 1 / (1 + np.exp(-u)) if np.isfinite(low) and np.isfinite(high) else np.exp(u)
    slope = x * (1 - x) if np.isfinite(low) and np.isfinite(high) else x
    if np.isfinite(low) and np.isfinite(high):
        x, slope = low + (high - low) * x, (high - low) * slope
    else:
        x = low + x if np.isfinite(low) else high - x
    grid = np.stack(np.meshgrid(x, x, indexing="ij"), -1).reshape(-1, 2)
    weight = np.outer(slope, slope).ravel() * (u[1] - u[0]) ** 2
    assert abs(np.sum(np.exp(flow.log_prob(grid)) * weight) - 1) < 1e-3


def test_a_conditional_flow_is_normalised_in_every_context(backend: str) -> None:
    density = FlowDensity(nsf(2, bins=4, hidden=_H), context=1)
    flow = Bound(density, values(density, (2,)), backend)
    totals, means = [], []
    for c in (-1.0, 1.5):
        p = np.exp(flow.log_prob(GRID, np.array([c])))
        totals.append(p.sum() * CELL)
        means.append((p[:, None] * GRID).sum(0) * CELL)
    np.testing.assert_allclose(totals, 1.0, atol=1e-3)
    assert np.abs(means[0] - means[1]).max() > 0.05
    # contexts may have axes that the values have not
    x = np.array([0.3, -0.4])
    both = flow.log_prob(x, np.array([[-1.0], [1.5]]))
    assert both.shape == (2,)
    np.testing.assert_allclose(both, [flow.log_prob(x, np.array([c])) for c in (-1.0, 1.5)], rtol=1e-12)


def test_events_of_several_axes_are_laid_out_as_one(backend: str) -> None:
    density = FlowDensity(realnvp(3, hidden=_H))
    params = values(density, (6,))
    assert {k: p.shape for k, p in density.parameters((2, 3)).items()} == {k: v.shape for k, v in params.items()}
    flat, image = Bound(density, params, backend), Bound(density, params, backend, (2, 3))
    z = np.random.default_rng(0).normal(size=(5, 6))
    np.testing.assert_allclose(image.sample(z.reshape(5, 2, 3)), flat.sample(z).reshape(5, 2, 3), rtol=1e-13)
    np.testing.assert_allclose(image.log_prob(z.reshape(5, 2, 3)), flat.log_prob(z), rtol=1e-13)
    assert image.log_prob(z[0].reshape(2, 3)).shape == ()


@pytest.mark.parametrize("name", FLOWS)
def test_starts_at_its_base(name: str, backend: str) -> None:
    density = FlowDensity(FLOWS[name])
    flow = Bound(density, density.init((2,), seed=0), backend)
    x = np.random.default_rng(0).normal(size=(20, 2)) * 2
    np.testing.assert_allclose(flow.log_prob(x), -0.5 * (x**2).sum(-1) - np.log(2 * np.pi), rtol=1e-12)


@pytest.mark.parametrize("name", FLOWS)
def test_backends_agree(name: str) -> None:
    density = FlowDensity(FLOWS[name])
    params = values(density, (2,), seed=3)
    x = np.random.default_rng(0).normal(size=(20, 2)) * 2
    ours, theirs = (Bound(density, params, b) for b in BACKENDS)
    np.testing.assert_allclose(ours.log_prob(x), theirs.log_prob(x), rtol=1e-10)
    np.testing.assert_allclose(ours.sample(x), theirs.sample(x), rtol=1e-10, atol=1e-10)
    for k, g in ours.gradient(x).items():
        np.testing.assert_allclose(g, theirs.gradient(x)[k], rtol=1e-10, atol=1e-10 * np.abs(g).max())


def test_is_data() -> None:
    for transforms in FLOWS.values():
        density, codec = FlowDensity(transforms), Codec(set(), set())
        assert codec.decode(json.loads(json.dumps(codec.encode(density, "here"))), "here") == density
    with pytest.raises(ModelError, match="made of transforms"):
        FlowDensity(3)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="all of the real line"):
        FlowDensity((Exp(), LULinear()))  # type: ignore[arg-type]
    assert FlowDensity((Exp(), Inverse(Exp()), LULinear())).support == real  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="where its transform ends"):
        FlowDensity((Inverse(Exp()),))  # type: ignore[arg-type]


@pytest.mark.slow
def test_splines_reach_the_entropy_of_eight_gaussians(backend: str) -> None:
    """By maximum likelihood, a held-out loss within 0.05 nats of the entropy, 2.832; and the draws lie at the modes."""
    angles = np.arange(8) * np.pi / 4
    centres = 4.0 * np.stack([np.cos(angles), np.sin(angles)], -1)

    def draw(seed: int, n: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return (centres[rng.integers(8, size=n)] + 0.5 * rng.normal(size=(n, 2))) / np.sqrt(2.0)

    m = gd.Model("eight_gaussians")
    m.observe("x", gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.nsf(4)), dims=m.plate("row"))
    m.objective(gd.MaximumLikelihood())
    method = gd.Train(steps=1500, batch_size=512, optimizer=gd.optim.Adam(gd.optim.Cosine(3e-3)))
    fit = m.fit({"x": draw(0, 50_000)}, method, backend=backend, seed=0, progress=False)
    found = fit.log_prob({"x": draw(1, 20_000)})
    assert found.kind == "exact"
    gap = -found.value / 20_000 - 2.832
    assert -0.02 < gap < 0.05
    x = fit.sample(draws=1, sizes={"row": 4000})["x"].reshape(-1, 2) * np.sqrt(2.0)
    distance = np.linalg.norm(x[:, None] - centres, axis=-1)
    near = distance.min(1) < 1.5
    assert near.mean() > 0.95
    share = np.bincount(distance.argmin(1)[near], minlength=8) / near.sum()
    np.testing.assert_allclose(share, 1 / 8, atol=0.04)
