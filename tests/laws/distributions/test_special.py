"""What the table of cases cannot say: improper laws, empty draws, values outside, refusals, faults of the engines."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
import torch
from numpyro import distributions as numpyro_dist
from scipy import special, stats

import gendsl as gd
from gendsl.errors import ModelError
from gendsl.graph.constraints import Constraint, circular, corr_cholesky, corr_matrix, positive_ordered, sphere
from gendsl.program import BoundProgram
from tests.laws.distributions.evaluate import BACKENDS, lets
from tests.laws.distributions.sampling import sites
from tests.laws.distributions.test_latents import free
from tests.laws.law import draw


def programs(m: gd.Model, data: dict[str, Any]) -> dict[str, BoundProgram]:
    return {b: m.compile(b).bind(data) for b in BACKENDS}


def density(p: BoundProgram, **u: float) -> tuple[float, dict[str, np.ndarray]]:
    """The fused log-density and its gradient."""
    b = p.program.backend
    with b.context("float64"):
        at = {k: b.array(np.asarray(v, float), "float64") for k, v in u.items()}
        both = jax.value_and_grad if b.name == "numpyro" else b.value_and_grad
        value, grad = both(p.log_density)(at)
        return float(value), {k: b.numpy(g) for k, g in grad.items()}


def total(p: BoundProgram, u: dict[str, np.ndarray]) -> float:
    """The fused log-density."""
    b = p.program.backend
    with b.context("float64"):
        return float(p.log_density({k: b.array(v, "float64") for k, v in u.items()}))


def let(p: BoundProgram, name: str) -> np.ndarray:
    b = p.program.backend
    with b.context("float64"):
        out: np.ndarray = b.numpy(lets(p)[name])
        return out


# -- Unit and ImproperUniform ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
def test_unit_is_a_factor(backend: str) -> None:
    m = gd.Model("unit")
    k = m.plate("k", 4)
    m.latent("nothing", gd.Unit(m.data("weight", dims=k)), dims=k)
    m.latent("constant", gd.Unit(-2.0))
    p = m.compile(backend).bind({"weight": np.arange(4.0)})
    assert p.dimension == 0
    assert total(p, {"nothing": np.zeros((4, 0)), "constant": np.zeros(0)}) == 4.0


FLAT: list[tuple[Constraint, tuple[int, ...]]] = [
    (gd.real, ()),
    (gd.real, (2,)),
    (gd.positive, ()),
    (gd.nonnegative, (3,)),
    (gd.unit_interval, ()),
    (gd.Interval(-2.0, 5.0), (2,)),
    (gd.Interval(1.5, None), ()),
    (gd.Interval(None, -1.0), ()),
    (gd.simplex, (4,)),
    (gd.ordered, (3,)),
    (positive_ordered, (3,)),
    (corr_cholesky, (3, 3)),
    (corr_matrix, (3, 3)),
    (gd.lower_cholesky, (3, 3)),
    (gd.positive_definite, (3, 3)),
    (circular, ()),
]


@pytest.mark.parametrize(("constraint", "shape"), FLAT, ids=str)
def test_a_flat_prior_is_the_log_determinant(constraint: Constraint, shape: tuple[int, ...]) -> None:
    """log_density(u) = log |det dx/du|, and both engines agree; triangular factors are free below the diagonal."""
    m = gd.Model("flat")
    m.latent("x", gd.ImproperUniform(constraint, shape))
    both = programs(m, {})
    p = both["numpyro"]
    u = draw(p, 3)
    (name,) = u

    def coordinates(v: Any) -> Any:
        x = p.program.constrain({name: v}, *p.arguments)["x"]
        if constraint == gd.lower_cholesky:
            return x[np.tril_indices(3)]
        return free(x, constraint)

    with jax.enable_x64(True):
        jacobian = np.asarray(jax.jit(jax.jacfwd(coordinates))(u[name])).reshape(u[name].size, -1)
    wanted = np.linalg.slogdet(jacobian)[1]
    for backend, q in both.items():
        assert total(q, u) == pytest.approx(wanted, abs=1e-9), backend


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_flat_prior_has_density_one_inside_only(backend: str) -> None:
    m = gd.Model("flat")
    k = m.plate("k", 3)
    x = m.data("x", dims=k)
    m.let("lp", gd.ImproperUniform(gd.Interval(0.0, 2.0, (True, True))).log_prob(x))
    m.factor("f", x)
    p = m.compile(backend).bind({"x": [-1.0, 1.0, 2.5]})
    np.testing.assert_array_equal(let(p, "lp"), [-np.inf, 0.0, -np.inf])


# -- outside the support --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_computed_observation_may_fall_outside(backend: str) -> None:
    """y - shift ~ Exponential: -inf where the shift is too large, with a finite gradient."""
    m = gd.Model("shifted")
    k = m.plate("k")
    shift = m.latent("shift", gd.Normal(0, 1))
    y = m.data("y", dims=k)
    m.observe("gap", gd.Exponential(2.0), value=y - shift, mask=m.data("keep", dims=k, dtype=bool))
    p = m.compile(backend).bind({"y": [1.0, 3.0, -9.0], "keep": [True, True, False]})
    inside, grad = density(p, shift=0.5)
    wanted = stats.norm.logpdf(0.5) + stats.expon(0, 0.5).logpdf([0.5, 2.5]).sum()
    assert inside == pytest.approx(wanted, abs=1e-12)
    assert grad["shift"] == pytest.approx(-0.5 + 4.0)
    outside, grad = density(p, shift=1.5)
    assert outside == -np.inf
    assert np.isfinite(grad["shift"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_drawn_bound_excludes_data(backend: str) -> None:
    """y ~ Uniform(0, top): no top below the largest y."""
    m = gd.Model("bounded")
    k = m.plate("k")
    top = m.latent("top", gd.Pareto(1.0, 2.0))
    m.observe("y", gd.Uniform(0.0, top), dims=k)
    p = m.compile(backend).bind({"y": [0.3, 1.7]})
    inside, _ = density(p, top=0.0)  # top = 2
    assert inside == pytest.approx(stats.pareto(2.0).logpdf(2.0) - 2 * np.log(2.0), abs=1e-12)
    assert density(p, top=-1.0)[0] == -np.inf


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", ["data", "constant", "expanded"])
def test_what_is_masked_does_not_count_outside_either(backend: str, kind: str) -> None:
    m = gd.Model("masked")
    k = m.plate("k", 4)
    x = m.data("x", dims=k, event=(2,) if kind == "expanded" else ())
    keep = m.data("keep", dims=k, dtype=bool)
    base = gd.Exponential(1.0).expand(2) if kind == "expanded" else gd.Exponential(1.0)
    m.let("lp", base.mask(False if kind == "constant" else keep).log_prob(x))
    m.factor("f", m.data("w"))
    values = np.array([-1.0, -1.0, 2.0, 2.0])
    values = np.repeat(values[:, None], 2, 1) if kind == "expanded" else values
    p = m.compile(backend).bind({"x": values, "keep": [True, False, True, False], "w": 0.0})
    one = 2.0 if kind != "expanded" else 4.0
    wanted = np.zeros(4) if kind == "constant" else [-np.inf, 0.0, -one, 0.0]
    np.testing.assert_array_equal(np.broadcast_to(let(p, "lp"), 4), wanted)


@pytest.mark.parametrize("backend", BACKENDS)
def test_vectors_outside_are_the_engines_affair(backend: str) -> None:
    """Known: off the simplex a Dirichlet's formula still gives a number. Data off the simplex are refused."""
    m = gd.Model("simplex")
    x = m.data("x", event=3)
    m.let("lp", gd.Dirichlet(np.full(3, 2.0)).log_prob(x))
    m.factor("f", x.sum())
    p = m.compile(backend).bind({"x": [0.5, 0.5, 0.5]})
    assert np.isfinite(let(p, "lp"))


# -- parameters -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
def test_counts_as_data_keep_double_precision(backend: str) -> None:
    """Integer data beside numbers: no parameter may fall to single precision."""
    m = gd.Model("counts")
    k = m.plate("k", 3)
    n = m.data("n", dims=k, dtype=int)
    y = m.data("y", dims=k, dtype=int)
    m.let("binomial", gd.Binomial(n, probs=0.3).log_prob(y))
    m.let("beta_binomial", gd.BetaBinomial(2.0, 3.0, n).log_prob(y))
    m.let("logits", gd.Binomial(n, logits=-0.7).log_prob(y))
    m.factor("f", m.data("w"))
    trials, seen = np.array([5, 9, 40]), np.array([2, 9, 11])
    p = m.compile(backend).bind({"n": trials, "y": seen, "w": 0.0})
    np.testing.assert_allclose(let(p, "binomial"), stats.binom(trials, 0.3).logpmf(seen), rtol=1e-12)
    np.testing.assert_allclose(let(p, "beta_binomial"), stats.betabinom(trials, 2, 3).logpmf(seen), rtol=1e-12)
    np.testing.assert_allclose(let(p, "logits"), stats.binom(trials, special.expit(-0.7)).logpmf(seen), rtol=1e-12)


def test_projected_normal_far_from_its_mean() -> None:
    """At 40 scales on the far side, where the engines' own formula has no digits left."""
    c = np.array([0.0, 0.0, 40.0])
    for n in (2, 3, 4):
        m = gd.Model("far")
        center = c[3 - n :] if n < 4 else np.array([0.0, 0.0, 0.0, 40.0])
        x = m.data("x", event=n)
        m.let("lp", gd.ProjectedNormal(center).log_prob(x))
        m.factor("f", x.sum())
        r = np.linspace(0, 3, 200_001)
        ray = r ** (n - 1) * np.exp(-0.5 * r**2 - 40 * r)
        area = np.trapezoid(ray, r)
        wanted = np.log(area) - 800 - 0.5 * n * np.log(2 * np.pi)
        for p in programs(m, {"x": -center / 40}).values():
            assert let(p, "lp") == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_quantiles_of_the_truncated_normal(backend: str) -> None:
    """Increasing and right however far out the interval lies, on either side."""
    from gendsl.backend import get_backend
    from gendsl.math.truncated import quantile

    b = get_backend(backend)
    ends = [
        (None, None),
        (-1.0, None),
        (None, 2.0),
        (-1.0, 2.0),
        (30.0, None),
        (None, -30.0),
        (50.0, 51.0),
        (-51.0, -50.0),
    ]
    p = np.linspace(0.01, 0.99, 9)
    with b.context("float64"):
        for low, high in ends:
            given = [None if e is None else b.array(np.array(e), "float64") for e in (low, high)]
            x = b.numpy(quantile(b.ops, b.array(p, "float64"), 0.0, b.array(np.array(1.0), "float64"), *given))
            law = stats.truncnorm(-np.inf if low is None else low, np.inf if high is None else high)
            np.testing.assert_allclose(x, law.ppf(p), rtol=1e-6)


# -- refusals -------------------------------------------------------------------------------------------------------
def test_a_sequence_has_no_copies() -> None:
    m = gd.Model("m")
    t = m.plate("t", 3)
    with pytest.raises(ModelError, match="along a plate"):
        gd.Markov(gd.Normal(0, 1), lambda x: gd.Normal(x, 1), dim=t).expand(2)


def test_sine_skewed_takes_one_vector_of_angles() -> None:
    with pytest.raises(ModelError, match="one element for each angle"):
        gd.SineSkewed(gd.VonMises(0.0, 1.0), [0.1])
    with pytest.raises(ModelError, match="one element for each angle"):
        gd.SineSkewed(gd.VonMises(0.0, 1.0).expand(2, 2), [0.1, 0.2])


def test_an_emission_has_one_axis_over_the_states() -> None:
    m = gd.Model("m")
    t = m.plate("t", 3)
    with pytest.raises(ModelError, match="one parameter value for each state"):
        gd.HiddenMarkov([0.5, 0.5], np.eye(2), gd.Normal(np.zeros((3, 2)), 1.0), dim=t)


def test_log_prob_of_a_sequence_takes_the_plate() -> None:
    m = gd.Model("m")
    k, t = m.plate("k", 2), m.plate("t", 3)
    lp = gd.Markov(gd.Normal(0, 1), lambda x: gd.Normal(x, 1), dim=t).log_prob(m.data("x", dims=(k, t)))
    assert lp.dims == ("k",)


# -- faults of the engines ------------------------------------------------------------------------------------------
def test_known_numpyro_gradient_of_logits_at_zero() -> None:
    """NumPyro 0.22: at logits of exactly 0 the gradient of Bernoulli and Binomial takes 0 for sigmoid(0).

    Programs keep NumPyro's: the densities are right, and a point has no measure. A failure here means it is mended.
    """
    with jax.enable_x64(True):
        slope = jax.grad(lambda x: numpyro_dist.Bernoulli(logits=x).log_prob(1.0))
        assert float(slope(0.0)) == 1.0  # should be 0.5
        assert float(slope(1e-12)) == pytest.approx(0.5)


def test_known_torch_lkj_draws() -> None:
    """Torch 2.13 draws row i with Beta(i - 1/2, ...) for Beta(i / 2, ...): wrong from the third on; ours is right."""
    m = gd.Model("lkj")
    m.latent("x", gd.LKJCholesky(4, 1.0), dims=m.plate("k", 4000))
    p = m.compile("pyro")
    ours = sites(p, {}, 0)["x"]["value"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = torch.distributions.LKJCholesky(4, 1.0).sample((4000,))
    for x, right in ((ours, True), (theirs, False)):
        corner = (x @ x.mT)[:, 3, 2].double().numpy()
        assert bool(stats.kstest(corner, stats.beta(2, 2, -1, 2).cdf).pvalue > 1e-4) == right


def test_constraints_refuse_what_is_missing() -> None:
    from gendsl.graph.constraints import violations

    nan = np.nan
    for c in (gd.simplex, gd.ordered, positive_ordered, sphere):
        assert violations(np.array([[nan, 1.0], [0.6, 0.8]]), c)[0]
    for c in (corr_matrix, corr_cholesky, gd.lower_cholesky, gd.positive_definite):
        assert violations(np.array([[1.0, 0.0], [nan, 1.0]]), c)
