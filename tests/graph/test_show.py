"""Models as text: exactly, with the fewest parentheses, of bounded length."""

from __future__ import annotations

import random

import pytest

import gendsl as gd
from gendsl.graph.json import dumps, loads
from gendsl.graph.show import show, texts
from gendsl_models import LEARNED, ZOO
from tests.graph.models import MODELS

TEXTS = {
    "eight_schools": """\
model eight_schools
plate school (size from the data)

data sigma[school]: float

mu ~ Normal(0, 5)
tau ~ HalfCauchy(5)
theta[school] ~ Normal(mu, tau)
y[school] ~ Normal(theta, sigma)   observed""",
    "nested": """\
model nested
plate school (size 2): north, south
plate student (size 30)
axis predictor (size 2): age, sex

data ses[school]: float
data x[school, student]: float, event (2,)

mu ~ Normal(0, 5)
tau ~ HalfNormal(5)
a[school] ~ Normal(mu, tau)
gamma ~ Normal(0, 1)
sigma ~ HalfNormal(1)
beta ~ Normal(0, 1).expand(2)   event (predictor: 2), centered
eta[school, student] = a + gamma * ses + sum(beta * x)
y[school, student] ~ Normal(eta, sigma)   observed""",
    "markov": """\
model state_space
plate t (size from the data)
plate t_from_2 = t[2:]

data w[t]: float
data y[t]: float

phi ~ Uniform(-1, 1)
low ~ HalfNormal(1)
u ~ Uniform(low, low + 1)
q ~ HalfNormal(1)
r ~ HalfNormal(1)
z[t] ~ Markov(Normal(0, 1), previous -> Normal(phi * previous + u * w, q))   jointly over t
y_obs[t_from_2] ~ Normal(z[t_from_2] + y[t_from_2 - 1] - y[t_from_2 - 2], r)   observed as y[t_from_2]""",
    "scanned": """\
model arma
plate t (size from the data)
plate t_from_1 = t[1:]

data y[t]: float

mu ~ Normal(0, 10)
phi ~ Normal(0, 2)
theta ~ Normal(0, 2)
sigma ~ HalfCauchy(2.5)
scan = scan(carry -> y[t_from_1] - (mu + phi * y[t_from_1 - 1] + theta * carry), init=y[0] - mu, dim=t_from_1)
err[t_from_1] ~ Normal(0, sigma)   observed as scan.out""",
    "equation": """\
model lotka_volterra
plate t (size from the data)
axis species (size 2): hare, lynx

data times[t]: float

rate ~ LogNormal(0, 0.5).expand(4)   event (4,)
start ~ LogNormal(2.3, 1).expand(2)   event (species: 2)
sigma ~ LogNormal(-1, 1).expand(2)   event (2,)
ode = odeint((state, time) -> [(rate[0] - rate[1] * state[1]) * state[0], (rate[3] * state[0] - rate[2]) * state[1]], \
start, 0, times)
y[t] ~ LogNormal(log(ode), sigma)   event (2,), observed""",
    "indexed": """\
model radon
plate county (size from the data)
plate obs (size from the data)

data u[county]: float
data county_of[obs]: int, indexes county
data floor[obs]: float

gamma ~ Normal(0, 5).expand(2)   event (2,)
sigma_a ~ HalfNormal(1)
a[county] ~ Normal(gamma[0] + gamma[1] * u, sigma_a)
b ~ Normal(0, 1)
sigma ~ HalfNormal(1)
log_radon[obs] ~ Normal(a[county_of] + b * floor, sigma)   observed, missing elements left out""",
    "mixture": """\
model mixture
plate i (size from the data)

param scale: positive, event (2,), starts at an array

weight ~ Dirichlet([1, 1])   event (2,)
mu ~ ImproperUniform(ordered, 2)   event (2,)
factor mu_prior = log_prob(Normal(0, 2).expand(2), mu)
y[i] ~ Mixture(weight, Normal(mu, scale))   observed
z[i] ~ Mixture(weight, [Normal(0, 1), Cauchy(0, 1)])   observed
factor penalty = -sum(mu) ** 2""",
    "networks": """\
model networks
plate image (size from the data)
plate t (size from the data)

data x[image]: float, event (2, 2, 1)
data s[t]: float

network trunk = MLP(3, hidden=(5, 4), activation=Activation.TANH)   event (2, 2, 1) -> event (3,)
network order = MaskedMLP(2, hidden=(), order=(2, 0, 1))   event (3,) -> event (3, 2)
network denoiser = UNet(channels=(8, 16), time=Fourier(scale=0.5, size=8))   event (2, 2, 1) -> event (2, 2, 1)
network cell = ResNet(3, width=4, blocks=1)   event (3,) -> event (3,)

z[image] ~ Normal(trunk(x), 1)   event (3,)
clean[image] = denoiser(x, time=sigmoid(z[..., 0]))   event (2, 2, 1)
scan = scan(carry -> (cell(carry * s), sum(carry)), init=z, dim=t)
y[image, t] ~ Normal(sum(order(z)[..., 0:1]) + scan.out, softplus(sum(order(z)[..., 1:2])))   observed""",
}


@pytest.mark.parametrize("name", TEXTS)
def test_text(name: str) -> None:
    assert str(MODELS[name]()) == TEXTS[name]


@pytest.mark.parametrize(
    "build", [*MODELS.values(), *(e.build for e in (ZOO | LEARNED).values())], ids=[*MODELS, *ZOO, *LEARNED]
)
def test_every_site_has_its_line(build: object) -> None:
    graph = build().graph  # type: ignore[operator]
    text = show(graph)
    assert show(loads(dumps(graph))) == text
    lines = text.splitlines()
    for n in graph.nodes:
        if n.op in ("latent", "observe", "let", "factor"):
            starts = (f"{n.name} ", f"{n.name}[", f"factor {n.name} ", f"factor {n.name}[")
            assert sum(line.startswith(starts) for line in lines) == 1, n.name
    assert max(map(len, lines)) < 400


# -- expressions ------------------------------------------------------------------------------------------------------
def text_of(x: gd.Expr) -> str:
    graph = x.builder.graph()
    return texts(graph, 10_000)[x.node].text


def test_the_fewest_parentheses() -> None:
    m = gd.Model("m")
    a, b, c = (m.latent(n, gd.Normal(0, 1)) for n in "abc")
    for x, text in [
        (a + b * c, "a + b * c"),
        ((a + b) * c, "(a + b) * c"),
        (a - (b - c), "a - (b - c)"),
        (a - b - c, "a - b - c"),
        (a / (b * c), "a / (b * c)"),
        (a / b * c, "a / b * c"),
        (-a * b, "-a * b"),
        (-(a * b), "-(a * b)"),
        (a**-b, "a ** -b"),
        ((-a) ** 2, "(-a) ** 2"),
        (-(a**2), "-a ** 2"),
        (a**b**c, "a ** b ** c"),
        ((a**b) ** c, "(a ** b) ** c"),
        (a - -1.5, "a - -1.5"),
        ((a > b) & (b > c), "(a > b) & (b > c)"),
        ((a > b) == (b > c), "(a > b) == (b > c)"),
        (~(a > 0), "~(a > 0)"),
        (gd.exp(a + b), "exp(a + b)"),
    ]:
        assert text_of(x) == text


def test_the_text_is_the_tree() -> None:
    """Python reads the text as the expression that was written."""
    rng = random.Random(0)
    signs = ["+", "-", "*", "/", "//", "%", "**", "@", "<", "=="]

    def build(depth: int) -> str:
        if depth == 0 or rng.random() < 0.2:
            return rng.choice(["a", "b", "c", "2.5", "3.0"])
        if rng.random() < 0.15:
            return f"(-{build(depth - 1)})"
        sign = rng.choice(signs)
        if sign == "@":
            return "(va @ vb)"
        return f"({build(depth - 1)} {sign} {build(depth - 1)})"

    seen = 0
    while seen < 300:
        source = build(4)
        m = gd.Model("m")
        scope = {n: m.latent(n, gd.Normal(0, 1)) for n in "abc"}
        scope |= {n: m.latent(n, gd.Normal(0, 1).expand(2)) for n in ("va", "vb")}
        try:
            x = eval(source, {}, scope)
        except ArithmeticError:  # of numbers alone
            continue
        if not isinstance(x, gd.Expr):
            continue
        text = text_of(x)
        again = eval(text, {}, scope)
        assert text_of(again) == text
        assert shape(again) == shape(x), (source, text)
        seen += 1


def shape(x: gd.Expr) -> object:
    """The tree of an expression, sites by name, numbers to the digits that are shown."""
    nodes = x.builder.nodes

    def tree(i: int) -> object:
        n = nodes[i]
        if n.op == "const":
            return f"{n.attr['value']:.6g}"
        return n.name or (n.op, n.attrs, *map(tree, n.args))

    return tree(x.node)


def test_indices() -> None:
    m = gd.Model("m")
    i, t = m.plate("i"), m.plate("t")
    x = m.data("x", dims=i, event=(2, 3))
    k = m.data("k", dims=t, dtype=int)
    y = m.data("y", dims=t)
    cut = t[1:-1]
    for e, text in [
        (x[k], "x[k]"),
        (x[..., 0, :], "x[..., 0, :]"),
        (x[..., 1], "x[..., 1]"),
        (x[..., :2], "x[..., :2]"),
        (x[..., ::2, :], "x[..., ::2, :]"),
        (x[..., None], "x[..., None]"),
        (x.rename(i="j"), "x[j]"),
        (y[cut], "y[t_from_1_drop_1]"),
        (gd.lag(y, 1, cut), "y[t_from_1_drop_1 - 1]"),
        (y.sum(dim=t), "sum(y, dim=t)"),
        (x.sum(), "sum(x)"),
        (x.T, "x.T"),
        ((x + 1.0).T @ x, "(x + 1).T @ x"),
        (x.mean(axis=-1), "mean(x, axis=-1)"),
        (t.index * 2.0, "index(t) * 2"),
        (gd.to_float(t.size), "size(t)"),
    ]:
        assert text_of(e) == text


def test_names_that_are_taken() -> None:
    m = gd.Model("m")
    t = m.plate("t")
    x = m.data("x", dims=t)
    carry = m.latent("carry", gd.Normal(0, 1))
    m.latent("scan", gd.Normal(0, 1))
    total, _ = gd.scan(lambda c, e: (c * carry + e, c), 0.0, x, dim=t)
    m.factor("f", total)
    assert "scan2 = scan(carry2 -> (carry2 * carry + x, carry2), init=0, dim=t)\nfactor f = scan2.last" in str(m)


def test_long_expressions_are_shortened() -> None:
    m = gd.Model("m")
    a = m.data("a", dims=m.plate("i"))
    e = m.latent("b", gd.Normal(0, 1))
    for k in range(5_000):
        e = gd.exp(e) if k % 97 == 0 else e * 1.5 + a if k % 2 else (e + float(k)) * (e + 1.0)
    m.observe("y", gd.Normal(e, 1), dims="i")
    last = str(m).splitlines()[-1]
    assert len(last) < 550
    assert "..." in last
    assert last.startswith("y[i] ~ Normal(")
    assert last.endswith(", 1)   observed")


def test_bounds_that_values_give_are_shown_as_expressions() -> None:
    m = gd.Model("m")
    alpha = m.latent("alpha", gd.Uniform(0, 1))
    beta = m.latent("beta", gd.Uniform(0, 1 - alpha))
    assert repr(beta) == "<beta: float, scalar, in [0, 1 - alpha]>"
    (row,) = [line for line in str(m.explain()).splitlines() if line.startswith("beta ")]
    assert "in [0, 1 - alpha]" in row
