"""Models with networks in every place where one can stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gendsl as gd
from gendsl.networks import MLP, ConvDecoder, Fourier, MaskedMLP, Sinusoidal, Transformer

__all__ = ["MODELS"]

Built = tuple[gd.Model, dict[str, Any]]
RNG = np.random.default_rng(5)


def vae() -> Built:
    m = gd.Model("vae")
    image = m.plate("image")
    decoder = m.network("decoder", MLP(4, hidden=(5,)))
    z = m.latent("z", gd.Normal(0, 1).expand(2), dims=image)
    m.observe("x", gd.Bernoulli(logits=decoder(z)), dims=image)
    return m, {"x": RNG.integers(0, 2, (3, 4))}


def shared() -> Built:
    """One network, called three times: on a latent, on data, and on its own result."""
    m = gd.Model("shared")
    a, b = m.plate("a", 2), m.plate("b", 3)
    f = m.network("f", MLP(2, hidden=(3,)))
    z, x = m.latent("z", gd.Normal(0, 1).expand(2), dims=a), m.data("x", dims=b, event=2)
    m.observe("y", gd.Normal(f(f(z)) + f(x), 1.0), dims=(a, b))
    return m, {"x": RNG.normal(size=(3, 2)), "y": RNG.normal(size=(2, 3, 2))}


def crossed_time() -> Built:
    """A value over one plate at times over another; plates beside a third."""
    m = gd.Model("crossed_time")
    a, b, c = m.plate("a", 2), m.plate("b", 3), m.plate("c", 2)
    f = m.network("f", MLP(2, hidden=(3,), time=Fourier(size=4, width=3)))
    x, t = m.latent("x", gd.Normal(0, 1).expand(3), dims=(a, c)), m.data("t", dims=b)
    m.let("h", f(x, time=t))
    m.observe("y", gd.Normal(m["h"].sum(), 1.0), dims=(a, b, c))
    return m, {"t": RNG.uniform(size=3), "y": RNG.normal(size=(2, 3, 2))}


def random_time() -> Built:
    m = gd.Model("random_time")
    i = m.plate("i")
    t, s = m.latent("t", gd.Uniform(0, 1), dims=i), m.latent("s", gd.HalfNormal(1))
    f = m.network("f", MaskedMLP(2, hidden=(4,), time=Sinusoidal(size=4, width=3, scale=5.0)))
    h = f(m.data("x", dims=i, event=3), time=t)
    m.observe("y", gd.Normal(h[..., 0], gd.softplus(h[..., 1]) + s), dims=i)
    return m, {"x": RNG.normal(size=(4, 3)), "y": RNG.normal(size=(4, 3))}


def scalars() -> Built:
    """One number in, one number out, of a value without event axes; whole numbers in."""
    m = gd.Model("scalars")
    i = m.plate("i")
    f, g = m.network("f", MLP(1, hidden=(3,))), m.network("g", MLP((), hidden=(3,)))
    z, n = m.latent("z", gd.Normal(0, 1), dims=i), m.data("n", dims=i, dtype=int)
    m.observe("y", gd.Normal(f(z)[..., 0] + g(n), 1.0), dims=i)
    return m, {"n": np.array([0, 2, 1]), "y": RNG.normal(size=3)}


def hierarchy() -> Built:
    """Levels of groups through a network; the scale of the levels is random, so they are non-centred."""
    m = gd.Model("hierarchy")
    county, row = m.plate("county", 2), m.plate("row")
    of = m.data("of", dims=row, indexes=county)
    tau = m.latent("tau", gd.HalfNormal(1))
    prior, head = m.network("prior", MLP(2, hidden=(3,))), m.network("head", MLP((), hidden=(3,)))
    u = m.latent("u", gd.Normal(prior(m.data("w", dims=county, event=3)), tau), dims=county)
    m.observe("y", gd.Normal(head(u[of]), 0.5), dims=row)
    return m, {"of": np.array([0, 1, 1, 0]), "w": RNG.normal(size=(2, 3)), "y": RNG.normal(size=4)}


def scanned() -> Built:
    """A recurrent network: the step of a scan."""
    m = gd.Model("scanned")
    i, t = m.plate("i", 2), m.plate("t", 4)
    cell, h0 = m.network("cell", MLP(2, hidden=(3,))), m.latent("h0", gd.Normal(0, 1).expand(2), dims=i)
    x = m.data("x", dims=(i, t))

    def step(h: Any, v: Any) -> Any:
        new = gd.tanh(cell(gd.stack([h[0], h[1], v])))
        return new, new.sum()

    _, out = gd.scan(step, h0, x, dim=t)
    m.observe("y", gd.Normal(out, 1.0), dims=(i, t))
    return m, {"x": RNG.normal(size=(2, 4)), "y": RNG.normal(size=(2, 4))}


def markov() -> Built:
    """A state-space model whose transition is a network."""
    m = gd.Model("markov")
    t = m.plate("t", 4)
    f, scale = m.network("f", MLP(2, hidden=(3,))), m.latent("scale", gd.HalfNormal(1))
    x = m.latent("x", gd.Markov(gd.Normal(0, 1).expand(2), lambda z: gd.Normal(z + f(z), 0.1 + scale), dim=t), dims=t)
    m.observe("y", gd.Normal(x.sum(), 1.0), dims=t)
    return m, {"y": RNG.normal(size=4)}


def equation() -> Built:
    """A neural differential equation."""
    m = gd.Model("equation")
    f = m.network("f", MLP(2, hidden=(3,)))
    y0 = m.latent("y0", gd.Normal(0, 1).expand(2))
    path = gd.odeint(lambda y, t: f(y) - y, y0, np.array([0.5, 1.0]), rtol=1e-9, atol=1e-9)
    m.observe("y", gd.Normal(path, 1.0))
    return m, {"y": RNG.normal(size=(2, 2))}


def images() -> Built:
    m = gd.Model("images")
    i = m.plate("i")
    f = m.network("decoder", ConvDecoder((4, 4, 1), channels=(4,), groups=2))
    z = m.latent("z", gd.Normal(0, 1).expand(2), dims=i)
    m.observe("x", gd.Normal(f(z), 1.0), dims=i)
    return m, {"x": RNG.normal(size=(2, 4, 4, 1))}


def tokens() -> Built:
    m = gd.Model("tokens")
    i = m.plate("i")
    f = m.network("f", Transformer(3, width=4, heads=2, blocks=1, expansion=1, causal=True, vocabulary=3))
    temperature = m.latent("temperature", gd.LogNormal(0, 1))
    w = m.data("w", dims=i, event=4, dtype=int)
    m.observe("next", gd.Categorical(logits=f(w) / temperature), dims=i)
    return m, {"w": RNG.integers(0, 3, (2, 4)), "next": RNG.integers(0, 3, (2, 4))}


def with_parameters() -> Built:
    """Beside a parameter without a prior, under names that programs use themselves."""
    m = gd.Model("with_parameters")
    i = m.plate("i")
    shift = m.param("shift", [0.5, -0.5])
    v1, out = m.network("v1", MLP(2, hidden=())), m.network("torch", MLP(2, hidden=(2,)))
    z = m.latent("jnp", gd.Normal(0, 1).expand(2), dims=i)
    m.observe("y", gd.Normal(v1(z + shift) * out(z), gd.exp(v1(z + shift))), dims=i)
    return m, {"y": RNG.normal(size=(3, 2))}


MODELS: dict[str, Callable[[], Built]] = {
    f.__name__: f
    for f in (
        vae, shared, crossed_time, random_time, scalars, hierarchy, scanned, markov, equation, images, tokens,
        with_parameters,
    )
}  # fmt: skip
