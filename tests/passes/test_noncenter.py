"""Non-centring of every location-scale family and of vectors with Cholesky factors: names, values and the density.

At equal values of the latents, log p(x) of the centred program is that of the non-centred one plus log |dz/dx|, so both
are compared through the same x: u of the centred program is found from x, and the Jacobian is taken out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.graph.families import FAMILIES
from gendsl.passes import optimise
from tests.laws.law import check_law, draw, fused

LOCATED = sorted(name for name, f in FAMILIES.items() if f.location_scale is not None)
MORE = {"StudentT": {"df": 4.0}, "AsymmetricLaplace": {"asymmetry": 1.5}}


def _scalars(name: str, centered: bool | None, event: bool) -> gd.Model:
    m = gd.Model("m")
    group = m.plate("group", 3)
    loc, scale = m.latent("loc", gd.Normal(0, 1)), m.latent("scale", gd.HalfNormal(1), dims=group)
    names = FAMILIES[name].location_scale or ("", "")
    d = getattr(gd, name)(**{names[0]: loc, names[1]: scale}, **MORE.get(name, {}))
    m.latent("x", d.expand(2) if event else d, dims=group, centered=centered)
    return m


def _vectors(where: str, centered: bool | None) -> gd.Model:
    """diag(tau) @ L, its parts over the plate or not."""
    m = gd.Model("m")
    group = m.plate("group", 3)
    mu = m.latent("mu", gd.Normal(0, 1).expand(2), dims=group if "mean" in where else None)
    tau = m.latent("tau", gd.HalfNormal(1).expand(2), dims=group if "scale" in where else None)
    chol = m.latent("L", gd.LKJCholesky(2, 2.0), dims=group if "factor" in where else None)
    d = gd.MultivariateNormal(mu, scale_tril=gd.diag(tau) @ chol)
    m.latent("x", d.expand(2) if "event" in where else d, dims=group, centered=centered)
    return m


def _latents(m: gd.Model) -> list[str]:
    return [str(n.name) for _, n in optimise(m.graph)[0].of("latent")]


def _same_density(make: Callable[[bool | None], gd.Model], scales: Callable[[dict[str, np.ndarray]], Any]) -> None:
    free, fixed = (make(c).compile("pyro").bind({}) for c in (None, True))
    u = draw(free, 0)
    values = {k: v[0] for k, v in free.constrain({k: v[None] for k, v in u.items()}).items()}
    at = {**{k: v for k, v in u.items() if k != "x_base"}, "x": values["x"]}
    jacobian = float(np.sum(scales(values)))
    assert fused(fixed, at).value == pytest.approx(fused(free, u).value - jacobian, rel=1e-10)


@pytest.mark.parametrize("name", LOCATED)
def test_every_location_scale_family(name: str) -> None:
    for event in (False, True):
        m = _scalars(name, None, event)
        assert _latents(m) == ["loc", "scale", "x_base"]
        check_law(m, {}, 0)
        _same_density(lambda c, e=event: _scalars(name, c, e), lambda v, e=event: (2 if e else 1) * np.log(v["scale"]))


@pytest.mark.parametrize("where", ["", "mean", "scale", "factor", "scale, factor", "mean, scale, factor, event"])
def test_vectors_with_a_cholesky_factor(where: str) -> None:
    m = _vectors(where, None)
    assert _latents(m) == ["mu", "tau", "L", "x_base"]
    check_law(m, {}, 0)
    each = 2 if "event" in where else 1

    def log_det(v: dict[str, np.ndarray]) -> Any:
        diagonals = np.log(v["tau"]) + np.log(np.diagonal(v["L"], axis1=-2, axis2=-1))
        return each * np.broadcast_to(diagonals, (3, 2))

    _same_density(lambda c: _vectors(where, c), log_det)


def test_a_covariance_or_a_known_factor_stays_centred() -> None:
    m = gd.Model("m")
    s = m.latent("s", gd.HalfNormal(1))
    m.latent("x", gd.MultivariateNormal([0.0, 0.0], covariance_matrix=gd.diag(gd.stack([s, s]))))
    m.latent("y", gd.MultivariateNormal(gd.stack([s, s]), scale_tril=np.eye(2)))
    assert _latents(m) == ["s", "x", "y"]
