"""Models with learned distributions in every place where one can stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gendsl as gd
from gendsl import transforms as tr
from gendsl.densities import CategoricalElement, NormalElement
from gendsl.lang.distributions import Autoregressive, Flow
from gendsl.networks import MLP

__all__ = ["MODELS"]

Built = tuple[gd.Model, dict[str, Any]]
RNG = np.random.default_rng(5)
H = (4,)


def _normal(*shape: int) -> gd.Distribution:
    return gd.Normal(0, 1).expand(*shape)


def observed() -> Built:
    m = gd.Model("observed")
    tau = m.latent("tau", gd.HalfNormal(1))
    m.observe("x", Flow(gd.Normal(0, tau).expand(2), tr.nsf(2, bins=4, hidden=H)), dims=m.plate("row"))
    return m, {"x": RNG.normal(size=(4, 2))}


def prior() -> Built:
    """A flow as the prior of a latent vector over a plate, under a context from data."""
    m = gd.Model("prior")
    a, b = m.plate("a", 2), m.plate("b", 3)
    c = m.data("c", dims=a, event=2)
    z = m.latent("z", Flow(_normal(3), tr.realnvp(3, hidden=H), context=c), dims=(a, b))
    m.observe("y", gd.Normal(z.sum(), 1.0), dims=(a, b))
    return m, {"c": RNG.normal(size=(2, 2)), "y": RNG.normal(size=(2, 3))}


def constrained() -> Built:
    """Positive latents, and latents in an interval; a base whose scale is random."""
    m = gd.Model("constrained")
    i = m.plate("i")
    tau = m.latent("tau", gd.HalfNormal(1))
    rate = m.latent("rate", Flow(_normal(2), (tr.Coupling(hidden=H), tr.Exp())))
    base = gd.Normal(0, tau).expand(2)
    p = m.latent("p", Flow(base, (tr.LULinear(), tr.Sigmoid(), tr.Scale(-1.0, 3.0))), dims=i)
    m.observe("y", gd.Normal(p[..., 0] - p[..., 1], rate.sum()), dims=i)
    return m, {"y": RNG.normal(size=3)}


def conditional() -> Built:
    """A context from a latent, through a network."""
    m = gd.Model("conditional")
    i = m.plate("i")
    z = m.latent("z", gd.Normal(0, 1), dims=i)
    h = m.network("h", MLP(2, hidden=(3,)))(z)
    flow = Flow(_normal(2), tr.coupling_flow(tr.Spline(bins=4), 2, hidden=H), context=h)
    m.observe("x", flow, dims=i)
    return m, {"x": RNG.normal(size=(3, 2))}


def numbers() -> Built:
    """Flows of single numbers: one latent each of a plate, one with event axes of copies."""
    m = gd.Model("numbers")
    i = m.plate("i")
    u = m.latent("u", Flow(gd.Normal(0, 1), tr.Elementwise(scalar=tr.Spline(bins=4))), dims=i)
    v = m.latent("v", Flow(gd.Normal(0, 1), tr.Elementwise()).expand(3))
    m.observe("y", gd.Normal(u + v.sum(), 1.0), dims=i)
    return m, {"y": RNG.normal(size=4)}


def autoregressive() -> Built:
    m = gd.Model("autoregressive")
    i = m.plate("i")
    z = m.latent("z", Autoregressive(3, hidden=H), dims=i)
    c = gd.stack([z.sum(), z[..., 0]])
    m.observe("w", Autoregressive((2, 2), CategoricalElement(3), hidden=H, context=c), dims=i)
    m.observe("y", Autoregressive(2, NormalElement(limit=2.0), hidden=H, name="second"))
    return m, {"w": RNG.integers(0, 3, (4, 2, 2)), "y": RNG.normal(size=2)}


def mixed() -> Built:
    """In a mixture, in copies, under a mask."""
    m = gd.Model("mixed")
    i = m.plate("i")
    keep = m.data("keep", dims=i, dtype=bool)
    flow = Flow(_normal(2), tr.realnvp(2, hidden=H))
    m.latent("z", flow.expand(2), dims=i)
    m.observe("x", gd.Mixture(np.array([0.3, 0.3, 0.4]), [flow, _normal(2), flow]), dims=i)
    m.observe("y", Flow(_normal(2), tr.maf(2, hidden=H)).mask(keep), dims=i)
    return m, {"x": RNG.normal(size=(3, 2)), "y": RNG.normal(size=(3, 2)), "keep": np.array([True, False, True])}


def shared() -> Built:
    """One set of parameters for two latents and a factor."""
    m = gd.Model("shared")
    i = m.plate("i", 2)
    flow = Flow(_normal(2), tr.iaf(2, hidden=H), name="common")
    a, b = m.latent("a", flow), m.latent("b", flow, dims=i)
    m.factor("more", flow.log_prob(2.0 * a))
    m.observe("y", gd.Normal(a.sum() + b.sum(), 1.0), dims=i)
    return m, {"y": RNG.normal(size=2)}


def matrices() -> Built:
    """Events of two axes; a name that programs use themselves."""
    m = gd.Model("matrices")
    x = m.latent("density", Flow(_normal(2, 2), (tr.Coupling(hidden=H), tr.Shuffle(1), tr.Coupling(hidden=H))))
    m.observe("y", gd.Normal(x @ np.array([1.0, -1.0]), 1.0))
    return m, {"y": RNG.normal(size=2)}


MODELS: dict[str, Callable[[], Built]] = {
    f.__name__: f
    for f in (
        observed, prior, constrained, conditional, numbers, autoregressive, mixed, shared, matrices,
    )
}  # fmt: skip
