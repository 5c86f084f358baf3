"""Models that the tests of graphs and pictures share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import gendsl as gd
from gendsl import networks as nn

__all__ = ["MODELS"]


def eight_schools() -> gd.Model:
    m = gd.Model("eight_schools")
    school = m.plate("school")
    sigma = m.data("sigma", dims=school)
    mu = m.latent("mu", gd.Normal(0, 5))
    tau = m.latent("tau", gd.HalfCauchy(5))
    theta = m.latent("theta", gd.Normal(mu, tau), dims=school)
    m.observe("y", gd.Normal(theta, sigma), dims=school)
    return m


def crossed() -> gd.Model:
    m = gd.Model("item_response")
    student, item = m.plate("student"), m.plate("item", 20, subsample=5)
    sigma_theta = m.latent("sigma_theta", gd.HalfNormal(1))
    sigma_b = m.latent("sigma_b", gd.HalfNormal(1))
    theta = m.latent("theta", gd.Normal(0, sigma_theta), dims=student)
    b = m.latent("b", gd.Normal(0, sigma_b), dims=item)
    a = m.latent("a", gd.LogNormal(0, 0.5), dims=item)
    m.observe("y", gd.Bernoulli(logits=a * (theta - b)), dims=(student, item))
    return m


def three_crossed() -> gd.Model:
    m = gd.Model("ratings")
    s, i, r = m.plate("student", 50), m.plate("item", 20), m.plate("rater", 6)
    a = m.latent("a", gd.Normal(0, 1), dims=s)
    b = m.latent("b", gd.Normal(0, 1), dims=i)
    c = m.latent("c", gd.Normal(0, 1), dims=r)
    ab = m.latent("ab", gd.Normal(0, 1), dims=(s, i))
    ac = m.latent("ac", gd.Normal(0, 1), dims=(s, r))
    bc = m.latent("bc", gd.Normal(0, 1), dims=(i, r))
    sigma = m.latent("sigma", gd.HalfNormal(1))
    m.observe("y", gd.Normal(a + b + c + ab + ac + bc, sigma), dims=(s, i, r))
    return m


def no_rectangles() -> gd.Model:
    """Four plates, each pair of which meets: one plate at least cannot be one rectangle."""
    m = gd.Model("pairs")
    plates = [m.plate(f"p{k}", 2) for k in range(4)]
    alone = [m.latent(f"one{k}", gd.Normal(0, 1), dims=p) for k, p in enumerate(plates)]
    for j in range(4):
        for k in range(j):
            m.observe(f"two{k}{j}", gd.Normal(alone[k] + alone[j], 1), dims=(plates[k], plates[j]))
    return m


def nested() -> gd.Model:
    m = gd.Model("nested")
    school, student = m.plate("school", coords=["north", "south"]), m.plate("student", 30)
    mu, tau = m.latent("mu", gd.Normal(0, 5)), m.latent("tau", gd.HalfNormal(5))
    a = m.latent("a", gd.Normal(mu, tau), dims=school)
    ses = m.data("ses", dims=school)
    gamma, sigma = m.latent("gamma", gd.Normal(0, 1)), m.latent("sigma", gd.HalfNormal(1))
    x = m.data("x", dims=(school, student), event=2)
    beta = m.latent("beta", gd.Normal(0, 1).expand(m.axis("predictor", 2, ["age", "sex"])), centered=True)
    eta = m.let("eta", a + gamma * ses + (beta * x).sum())
    m.observe("y", gd.Normal(eta, sigma), dims=(school, student))
    return m


def scrambled() -> gd.Model:
    """Sites in an order that crosses edges; the inner plate first, under a long name; plates side by side."""
    m = gd.Model("scrambled")
    inner, outer = m.plate("a_long_name_of_a_plate", 3), m.plate("zone", 2)
    left, right = m.plate("left", 4), m.plate("right", 5)
    above = {k: m.latent(f"above{k}", gd.Normal(0, 1)) for k in (3, 1, 4, 2)}
    below = {k: m.latent(f"below{k}", gd.Normal(above[k], 1)) for k in (1, 2, 3, 4)}
    m.data("x", dims=(outer, inner))
    m.latent("z", gd.Normal(below[1], 1), dims=outer)
    m.observe("u", gd.Normal(below[2], 1), dims=left)
    m.observe("v", gd.Normal(below[3], 1), dims=right)
    return m


def regression() -> gd.Model:
    m = gd.Model("regression")
    i = m.plate("i")
    xs = [m.data(f"x{k}", dims=i) for k in range(1, 6)]
    mean = m.latent("alpha", gd.Normal(0, 1))
    for k, x in enumerate(xs, 1):
        mean = mean + m.latent(f"beta{k}", gd.Normal(0, 1)) * x
    sigma = m.latent("sigma", gd.HalfNormal(1))
    m.observe("y", gd.Normal(m.let("mu", mean), sigma), dims=i)
    return m


def gaussian_process() -> gd.Model:
    m = gd.Model("gp")
    i = m.plate("i")
    x = m.data("x", dims=i)
    rho, alpha = m.latent("rho", gd.InverseGamma(5, 5)), m.latent("alpha", gd.HalfNormal(1))
    sigma = m.latent("sigma", gd.HalfNormal(1))
    f = m.latent("f", gd.GaussianProcess(gd.kernel.SquaredExponential(alpha, rho), x), dims=i)
    m.observe("y", gd.Normal(f, sigma), dims=i)
    return m


def hidden_markov() -> gd.Model:
    m = gd.Model("hmm")
    t = m.plate("t")
    a = m.latent("A", gd.Dirichlet(np.ones((3, 3))))
    mu, sigma = m.latent("mu", gd.Normal(0, 10).expand(3)), m.latent("sigma", gd.HalfNormal(1))
    m.observe("y", gd.HiddenMarkov(np.ones(3) / 3, a, gd.Normal(mu, sigma), dim=t), dims=t)
    return m


def markov() -> gd.Model:
    m = gd.Model("state_space")
    t = m.plate("t")
    phi, low = m.latent("phi", gd.Uniform(-1, 1)), m.latent("low", gd.HalfNormal(1))
    u = m.latent("u", gd.Uniform(low, low + 1))  # a support whose ends are other nodes
    q, r = m.latent("q", gd.HalfNormal(1)), m.latent("r", gd.HalfNormal(1))
    w = m.data("w", dims=t)
    chain = gd.Markov(gd.Normal(0, 1), lambda x, v: gd.Normal(phi * x + u * v, q), dim=t, inputs=[w])
    z = m.latent("z", chain, dims=t)
    y = m.data("y", dims=t)
    late = t >= 2
    m.observe("y_obs", gd.Normal(z[late] + gd.lag(y, 1, late) - gd.lag(y, 2, late), r), value=y[late])
    return m


def scanned() -> gd.Model:
    m = gd.Model("arma")
    t = m.plate("t")
    y = m.data("y", dims=t)
    mu, phi = m.latent("mu", gd.Normal(0, 10)), m.latent("phi", gd.Normal(0, 2))
    theta, sigma = m.latent("theta", gd.Normal(0, 2)), m.latent("sigma", gd.HalfCauchy(2.5))
    late = t >= 1

    def step(err: gd.Expr, now: gd.Expr, before: gd.Expr) -> tuple[gd.Expr, gd.Expr]:
        new = now - (mu + phi * before + theta * err)
        return new, new

    _, err = gd.scan(step, y[0] - mu, y[late], gd.lag(y, 1, late), dim=late)
    m.observe("err", gd.Normal(0, sigma), value=err)
    return m


def scan_in_scan() -> gd.Model:
    m = gd.Model("rows")
    t, u = m.plate("t"), m.plate("u")
    x = m.data("x", dims=(t, u))
    a = m.latent("a", gd.Normal(0, 1))

    def outer(carry: gd.Expr, row: gd.Expr) -> tuple[gd.Expr, gd.Expr]:
        last, _ = gd.scan(lambda c, e: (c + a * e, c), carry, row, dim=u)
        return last, last

    total, _ = gd.scan(outer, 0.0, x, dim=t)
    m.factor("score", -total * total)
    return m


def equation() -> gd.Model:
    m = gd.Model("lotka_volterra")
    t = m.plate("t")
    times = m.data("times", dims=t)
    rate = m.latent("rate", gd.LogNormal(0, 0.5).expand(4))
    start = m.latent("start", gd.LogNormal(2.3, 1).expand(m.axis("species", 2, ["hare", "lynx"])))
    sigma = m.latent("sigma", gd.LogNormal(-1, 1).expand(2))
    a, b, c, d = rate

    def change(z: gd.Expr, _: gd.Expr) -> gd.Expr:
        return gd.stack([(a - b * z[1]) * z[0], (d * z[0] - c) * z[1]])

    m.observe("y", gd.LogNormal(gd.log(gd.odeint(change, start, times)), sigma), dims=t)
    return m


def indexed() -> gd.Model:
    m = gd.Model("radon")
    county, obs = m.plate("county"), m.plate("obs")
    u = m.data("u", dims=county)
    county_of = m.data("county_of", dims=obs, indexes=county)
    floor = m.data("floor", dims=obs)
    gamma, sigma_a = m.latent("gamma", gd.Normal(0, 5).expand(2)), m.latent("sigma_a", gd.HalfNormal(1))
    a = m.latent("a", gd.Normal(gamma[0] + gamma[1] * u, sigma_a), dims=county)
    b, sigma = m.latent("b", gd.Normal(0, 1)), m.latent("sigma", gd.HalfNormal(1))
    m.observe("log_radon", gd.Normal(a[county_of] + b * floor, sigma), dims=obs, missing=gd.Missing.MASK)
    return m


def imputed() -> gd.Model:
    m = gd.Model("imputed")
    i = m.plate("i")
    mu = m.latent("mu", gd.Normal(0, 1))
    m.observe("y", gd.Normal(mu, 1), dims=i, missing=gd.Missing.IMPUTE)
    return m


def mixture() -> gd.Model:
    m = gd.Model("mixture")
    i = m.plate("i")
    weight = m.latent("weight", gd.Dirichlet(np.ones(2)))
    mu = m.latent("mu", gd.Normal(0, 2).expand(2), constraint=gd.ordered)
    scale = m.param("scale", [1.0, 2.0], gd.positive)
    m.observe("y", gd.Mixture(weight, gd.Normal(mu, scale)), dims=i)
    m.observe("z", gd.Mixture(weight, [gd.Normal(0, 1), gd.Cauchy(0, 1)]), dims=i)
    m.factor("penalty", -(mu.sum() ** 2))
    return m


def alone() -> gd.Model:
    """Sites that nothing ties to each other; data along a plate with dates."""
    m = gd.Model("alone")
    day = m.plate("day", coords=np.array(["2024-01-01", "2024-01-02"], "datetime64[D]"))
    m.data("rain", dims=day)
    m.latent("x", gd.Normal(0, 1))
    return m


def networks() -> gd.Model:
    """Networks of vectors and of images, with a time, and in the step of a scan."""
    m = gd.Model("networks")
    image, t = m.plate("image"), m.plate("t")
    trunk = m.network("trunk", nn.MLP(3, hidden=(5, 4), activation=nn.Activation.TANH))
    denoiser = m.network("denoiser", nn.UNet(channels=(8, 16), time=nn.Fourier(size=8, scale=0.5)))
    cell = m.network("cell", nn.ResNet(3, width=4, blocks=1))
    order = m.network("order", nn.MaskedMLP(2, hidden=(), order=(2, 0, 1)))
    x, s = m.data("x", dims=image, event=(2, 2, 1)), m.data("s", dims=t)
    z = m.latent("z", gd.Normal(trunk(x), 1), dims=image)
    loc, raw = gd.split(order(z), 2)
    m.let("clean", denoiser(x, time=gd.sigmoid(z[..., 0])))
    _, path = gd.scan(lambda h, v: (cell(h * v), h.sum()), z, s, dim=t)
    m.observe("y", gd.Normal(loc.sum() + path, gd.softplus(raw.sum())), dims=(image, t))
    return m


MODELS: dict[str, Callable[[], gd.Model]] = {
    f.__name__: f
    for f in (
        eight_schools, crossed, three_crossed, no_rectangles, nested, scrambled, regression, gaussian_process,
        hidden_markov, markov, scanned, scan_in_scan, equation, indexed, imputed, mixture, alone, networks,
    )
}  # fmt: skip
