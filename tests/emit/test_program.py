"""Emitted programs as a user meets them: alone, in tracebacks, in prediction, in single precision, with parameters."""

from __future__ import annotations

import ast
import subprocess
import sys
import traceback
from typing import Any

import numpy as np
import pytest

import gendsl as gd

BACKENDS = ("pyro", "numpyro")
SIGMA = np.array([15.0, 10.0, 16.0, 11.0])
Y = np.array([28.0, 8.0, -3.0, 7.0])


def schools() -> gd.Model:
    m = gd.Model("schools")
    school = m.plate("school")
    sigma = m.data("sigma", dims=school)
    mu = m.latent("mu", gd.Normal(0, 5))
    tau = m.latent("tau", gd.HalfCauchy(5))
    theta = m.latent("theta", gd.Normal(mu, tau), dims=school)
    m.observe("y", gd.Normal(theta, sigma), dims=school)
    return m


@pytest.mark.parametrize("backend", BACKENDS)
def test_source_runs_without_gendsl(backend: str) -> None:
    source = schools().compile(backend).source
    block = "import sys; sys.modules['gendsl'] = sys.modules['gendsl_pyro'] = sys.modules['gendsl_numpyro'] = None\n"
    if backend == "pyro":
        call = (
            "y, s = torch.tensor([28.0, 8.0]), torch.tensor([15.0, 10.0])\n"
            "u = {'mu': torch.tensor(1.0), 'tau': torch.tensor(0.5), 'theta_base': torch.tensor([0.1, -0.2])}\n"
        )
    else:
        call = (
            "y, s = jnp.array([28.0, 8.0]), jnp.array([15.0, 10.0])\n"
            "u = {'mu': jnp.array(1.0), 'tau': jnp.array(0.5), 'theta_base': jnp.array([0.1, -0.2])}\n"
        )
    code = block + source + call + "print(float(log_density(u, {'y': y, 'sigma': s})))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    mu, tau, base = 1.0, np.exp(0.5), np.array([0.1, -0.2])
    theta = mu + tau * base
    normal = lambda x, m, s: -0.5 * ((x - m) / s) ** 2 - np.log(s) - 0.5 * np.log(2 * np.pi)  # noqa: E731
    expected = normal(mu, 0, 5) + np.log(2 / (np.pi * 5 * (1 + (tau / 5) ** 2))) + 0.5
    expected += normal(base, 0, 1).sum() + normal(np.array([28.0, 8.0]), theta, np.array([15.0, 10.0])).sum()
    assert float(out) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_tracebacks_show_the_emitted_line(backend: str) -> None:
    program = schools().compile(backend)
    try:
        program.log_density({}, {"sigma": SIGMA, "y": Y})
    except KeyError as e:
        shown = "".join(traceback.format_exception(e))
    assert 'mu = u["mu"]' in shown
    assert "<gendsl schools" in shown


@pytest.mark.parametrize("backend", BACKENDS)
def test_constrain_and_unconstrain_are_inverse(backend: str) -> None:
    bound = schools().compile(backend).bind({"sigma": SIGMA, "y": Y})
    b = bound.program.backend
    with b.context("float64"):
        u = {k: b.array(np.linspace(-1, 1, int(np.prod(s))).reshape(s), "float64") for k, s in bound.shapes.items()}
        values = bound.program.constrain(u, bound.arrays)
        again = bound.program.unconstrain(values, bound.arrays)
        for k in u:
            np.testing.assert_allclose(b.numpy(again[k]), b.numpy(u[k]), rtol=1e-12, atol=1e-12)


def test_prediction_with_pyro_without_observations() -> None:
    import torch
    from pyro.infer import Predictive

    bound = schools().compile("pyro").bind({"sigma": SIGMA, "y": Y})
    data = {"sigma": bound.arrays["sigma"]}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for parallel in (False, True):
            out = Predictive(bound.program.model, {}, num_samples=50, parallel=parallel)(data)
            assert out["y"].shape == (50, 4)
            assert out["y"].dtype == torch.float64


def test_prediction_with_numpyro_without_observations() -> None:
    import jax
    from numpyro.infer import Predictive

    bound = schools().compile("numpyro").bind({"sigma": SIGMA, "y": Y})
    with jax.enable_x64(True):
        out = Predictive(bound.program.model, num_samples=50)(jax.random.PRNGKey(0), {"sigma": bound.arrays["sigma"]})
        assert out["y"].shape == (50, 4)
        assert out["y"].dtype == np.float64


def test_vectorised_particles_of_pyro_equal_the_loop() -> None:
    """Trace_ELBO with vectorised particles runs the model under batch axes on the left."""
    import pyro
    import torch
    from pyro.infer import Trace_ELBO
    from pyro.infer.autoguide import AutoNormal

    bound = schools().compile("pyro").bind({"sigma": SIGMA, "y": Y})
    with torch.random.fork_rng(), pyro.get_param_store().scope():
        guide = AutoNormal(bound.program.model)
        losses = {}
        for vectorised in (False, True):
            torch.manual_seed(0)
            elbo = Trace_ELBO(num_particles=2000, vectorize_particles=vectorised, max_plate_nesting=1)
            losses[vectorised] = elbo.loss(bound.program.model, guide, bound.arrays)
    assert losses[True] == pytest.approx(losses[False], rel=0.05)


@pytest.mark.parametrize("backend", BACKENDS)
def test_single_precision(backend: str) -> None:
    values: dict[str, Any] = {}
    for precision in ("float64", "float32"):
        bound = schools().compile(backend, precision=precision).bind({"sigma": SIGMA, "y": Y})
        b = bound.program.backend
        with b.context(precision):
            u = {k: b.array(np.full(s, 0.3), precision) for k, s in bound.shapes.items()}
            out = bound.log_density(u)
            assert str(b.numpy(out).dtype) == precision
            values[precision] = float(b.numpy(out))
    assert values["float32"] == pytest.approx(values["float64"], rel=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_parameters_are_an_argument(backend: str) -> None:
    m = gd.Model("curve")
    obs = m.plate("obs")
    x = m.data("x", dims=obs)
    w = m.param("w", np.array([0.5, -1.0]))
    s = m.param("s", 2.0, constraint=gd.positive)
    a = m.latent("a", gd.Normal(0, 1))
    m.observe("y", gd.Normal(a + w[0] + w[1] * x, s), dims=obs)
    bound = m.compile(backend).bind({"x": [1.0, 2.0], "y": [0.0, 1.0]})
    b = bound.program.backend
    assert "param(" not in bound.program.source
    with b.context("float64"):
        got = float(b.numpy(bound.log_density({"a": b.array(np.array(0.25), "float64")})))
    mean = 0.25 + 0.5 - np.array([1.0, 2.0])
    terms = -0.5 * ((np.array([0.0, 1.0]) - mean) / 2) ** 2 - np.log(2) - 0.5 * np.log(2 * np.pi)
    assert got == pytest.approx(terms.sum() - 0.5 * 0.25**2 - 0.5 * np.log(2 * np.pi), abs=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_large_constants_travel_with_the_data(backend: str) -> None:
    m = gd.Model("big")
    beta = m.latent("beta", gd.Normal(0, 1).expand(30))
    m.observe("y", gd.Normal(np.arange(30.0) @ beta, 1.0))
    program = m.compile(backend)
    assert len(program.emitted.constants) == 1
    assert "29.0" not in program.source
    bound = program.bind({"y": 1.0})
    assert bound.arrays["constant_1"].shape == (30,)


@pytest.mark.parametrize("backend", BACKENDS)
def test_source_is_valid_and_tidy(backend: str) -> None:
    source = schools().compile(backend).source
    ast.parse(source)
    assert max(map(len, source.splitlines())) <= 100
    assert not any(line != line.rstrip() for line in source.splitlines())


def test_an_unknown_backend_and_precision_are_named() -> None:
    with pytest.raises(gd.BackendError, match="there is no backend 'stan'"):
        schools().compile("stan")
    with pytest.raises(gd.CompileError, match="unknown precision"):
        schools().compile("pyro", precision="float16")


def test_equal_graphs_share_a_program_and_the_sign_of_zero_tells_them_apart() -> None:
    def build(zero: float) -> gd.Model:
        m = gd.Model("zeros")
        x = m.latent("x", gd.Normal(0, 1))
        m.let("angle", gd.arctan2(zero, -1.0 - x**2))
        return m

    positive, again, negative = (build(z).compile("pyro") for z in (0.0, 0.0, -0.0))
    assert positive is again
    assert negative is not positive
    u = {"x": np.zeros(1)}
    assert positive.bind({}).constrain(u)["angle"] == pytest.approx(np.pi)
    assert negative.bind({}).constrain(u)["angle"] == pytest.approx(-np.pi)
