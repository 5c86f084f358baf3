"""Latents of every family: into the support and back, and with the right log-determinant.

With x(u) the value of a latent at its unconstrained form u, and J the Jacobian of x's free coordinates (a simplex has
n - 1, a correlation matrix those below the diagonal),

    log_density(u) = log p(x(u)) + log |det J(u)|,

p by an independent formula, J by automatic differentiation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
from scipy import special

import gendsl as gd
from gendsl.graph.constraints import Constraint, CorrCholesky, CorrMatrix, PositiveDefinite, Simplex, Sphere, violations
from gendsl.program import BoundProgram
from tests.laws.distributions.case import SETTINGS, Case, Many, rows
from tests.laws.distributions.cases import CASES
from tests.laws.distributions.evaluate import BACKENDS, parameters
from tests.laws.law import draw

LATENTS = [c for c in CASES if c.latent]


def declare(case: Case) -> dict[str, BoundProgram]:
    m = gd.Model("latent")
    setting = m.plate("setting", SETTINGS)
    time = [m.plate("time", case.time)] if case.time else []
    m.latent("x", case.build(parameters(m, case, setting), *time), dims=(setting, *time))
    return {b: m.compile(b).bind(case.stacked()) for b in BACKENDS}


def value(p: BoundProgram, u: dict[str, Any]) -> Any:
    """x over (setting, *event)."""
    x = p.program.constrain(u, *p.arguments)["x"]
    return x.reshape(SETTINGS, *x.shape[x.ndim - rank(p) :])


def rank(p: BoundProgram) -> int:
    return len(next(o.event for o in p.program.emitted.outputs if o.name == "x"))


def free(x: Any, support: Constraint) -> Any:
    """The free coordinates of values in a support, as one vector."""
    if isinstance(support, Simplex):
        return x[..., :-1].reshape(-1)
    if isinstance(support, CorrCholesky | CorrMatrix | PositiveDefinite):
        below = np.tril_indices(x.shape[-1], 0 if isinstance(support, PositiveDefinite) else -1)
        return x[..., below[0], below[1]].reshape(-1)
    return x.reshape(-1)


def support(case: Case) -> Constraint:
    """The support of the first setting; its bounds may be those of that setting."""
    return gd.real if case.time else case.build(case.setting(0)).type.support


def log_determinant(case: Case, p: BoundProgram, u: dict[str, np.ndarray]) -> float:
    """log |det J|, by automatic differentiation."""
    names, shapes = list(u), [u[k].shape for k in u]
    cuts = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]

    def coordinates(flat: Any) -> Any:
        parts = [v.reshape(s) for v, s in zip(jax.numpy.split(flat, cuts), shapes, strict=True)]
        return free(value(p, dict(zip(names, parts, strict=True))), support(case))

    jacobian: Callable[[Any], Any] = jax.jacfwd(coordinates)
    jacobian = jax.jit(jacobian) if isinstance(case, Many) else jacobian
    with jax.enable_x64(True):
        flat = np.concatenate([v.reshape(-1) for v in u.values()])
        return float(np.linalg.slogdet(np.asarray(jacobian(flat)))[1])


@pytest.mark.parametrize("case", LATENTS, ids=str)
def test_latents(case: Case) -> None:
    programs = declare(case)
    u = draw(programs["pyro"], 11)
    found: dict[str, tuple[np.ndarray, float, dict[str, np.ndarray]]] = {}
    for name, p in programs.items():
        b = p.program.backend
        assert {k: v.shape for k, v in u.items()} == p.shapes
        with b.context("float64"):
            at = {k: b.array(v, "float64") for k, v in u.items()}
            whole = partial(jax.jit) if name == "numpyro" and isinstance(case, Many) else lambda f: f
            both = jax.value_and_grad if name == "numpyro" else b.value_and_grad
            total, grad = whole(both(p.log_density))(at)
            terms = whole(lambda v, p=p, b=b: b.log_joint(p.program.model, v, *p.arguments))(at)
            values = p.program.constrain(at, *p.arguments)
            back = p.program.unconstrain(values, *p.arguments)
            for k in u:
                np.testing.assert_allclose(b.numpy(back[k]), u[k], rtol=1e-8, atol=1e-8, err_msg=f"{name}: {k}")
            trace = sum(float(b.numpy(t).sum()) for t in terms.values())
            scale = 1 + sum(float(np.abs(b.numpy(t)).sum()) for t in terms.values())
            found[name] = b.numpy(value(p, at)), float(total), {k: b.numpy(g) for k, g in grad.items()}
        assert abs(found[name][1] - trace) <= 1e-9 * scale, f"{name}: fused and trace"
    x, total, grad = found["pyro"]
    other = found["numpyro"]
    np.testing.assert_allclose(x, other[0], rtol=1e-10, atol=1e-10)
    assert abs(total - other[1]) <= 1e-9 * (1 + abs(total))
    for k, g in grad.items():
        assert np.isfinite(g).all(), k
        np.testing.assert_allclose(g, other[2][k], rtol=1e-7, atol=1e-7, err_msg=k)

    for k in range(SETTINGS):
        inside = gd.real if case.time else case.build(case.setting(k)).type.support
        assert not violations(x[k], inside).any(), f"setting {k}: outside {inside}"
    assert case.oracle is not None
    wanted = sum(float(np.sum(case.oracle(p).logpdf(x[k][None]))) for k, p in enumerate(rows(case)))
    if isinstance(support(case), Sphere):  # drawn as z / |z|: z is normal, and p(x) times the area a factor
        raw = next(iter(u.values()))
        n = raw.shape[-1]
        area = 2 * np.pi ** (n / 2) / special.gamma(n / 2)
        wanted += float((-0.5 * raw**2 - 0.5 * np.log(2 * np.pi)).sum()) + SETTINGS * np.log(area)
    else:
        wanted += log_determinant(case, programs["numpyro"], u)
    assert abs(total - wanted) <= 1e-8 * (1 + abs(wanted))
