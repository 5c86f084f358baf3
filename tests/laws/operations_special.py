"""Cases of the operations that need whole models: between dims and event axes, plates, recurrences, sites.

Each gives a model, its data, its latents, and either the value of `out` (its dims in alphabetical order, then its event
axes) or the log-density.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

import gendsl as gd
from gendsl.networks import MLP, Activation, Sinusoidal

__all__ = ["SPECIAL"]

Built = tuple[gd.Model, dict[str, Any], dict[str, np.ndarray], Any]
SPECIAL: dict[str, list[Callable[[], Built]]] = {}
_RNG = np.random.default_rng(11)
_X = _RNG.normal(size=(2, 4))  # over a, b
_XE = _RNG.normal(size=(2, 4, 3))
_T = _RNG.normal(size=(4,))


def special(*ops: str) -> Callable[[Callable[[], Built]], Callable[[], Built]]:
    """Register a case."""

    def register(f: Callable[[], Built]) -> Callable[[], Built]:
        for op in ops:
            SPECIAL.setdefault(op, []).append(f)
        return f

    return register


def _model(event: bool = False) -> tuple[gd.Model, gd.Plate, gd.Plate, gd.Expr, dict[str, np.ndarray]]:
    m = gd.Model("operation")
    a, b = m.plate("a", 2), m.plate("b", 4)
    d = gd.Normal(0.0, 1.0).expand(3) if event else gd.Normal(0.0, 1.0)
    return m, a, b, m.latent("x", d, dims=(a, b)), {"x": _XE if event else _X}


def _over(op: str, numpy: Callable[..., Any], event: bool, dims: tuple[str, ...]) -> Callable[[], Built]:
    """A reduction over dims by name."""

    def build() -> Built:
        m, _, _, x, u = _model(event)
        y = getattr(gd, op)(x if op not in ("all", "any") else x > 0, dim=dims)
        m.let("out", y)
        value = u["x"] if op not in ("all", "any") else u["x"] > 0
        return m, {}, u, np.asarray(numpy(value, axis=tuple("ab".index(d) for d in dims)))

    return build


for _op, _numpy in (
    ("sum", np.sum),
    ("prod", np.prod),
    ("mean", np.mean),
    ("max", np.max),
    ("min", np.min),
    ("all", np.all),
    ("any", np.any),
):
    SPECIAL[_op] = [_over(_op, _numpy, e, d) for e in (False, True) for d in (("a",), ("b",), ("a", "b"))]


@special("to_event", "from_event")
def _cumulated() -> Built:
    m, _, _, x, u = _model()
    m.let("out", gd.cumsum(x, dim="a"))
    return m, {}, u, _X.cumsum(0)


@special("to_event", "from_event")
def _cumulated_event() -> Built:
    m, _, _, x, u = _model(True)
    m.let("out", gd.cumsum(x, dim="b"))
    return m, {}, u, _XE.cumsum(1)


@special("to_event", "gather")
def _gathered() -> Built:
    m, a, b, x, u = _model()
    o = m.plate("o")
    i, j = m.data("i", dims=o, indexes=a), m.data("j", dims=o, indexes=b)
    m.let("out", x[i, j])
    data = {"i": np.array([0, 1, 1]), "j": np.array([3, 0, 2])}
    return m, data, u, _X[data["i"], data["j"]]


@special("gather")
def _gathered_one() -> Built:
    m, a, _, x, u = _model(True)
    o = m.plate("o")
    i = m.data("i", dims=o, indexes=a)
    m.let("out", x[i])
    data = {"i": np.array([0, 1, 1])}
    return m, data, u, np.swapaxes(_XE[data["i"]], 0, 1)


@special("shift")
def _cut() -> Built:
    m, _, b, x, u = _model(True)
    late = b[1:-1]
    m.let("out", x[late] - gd.lag(x, 1, late))
    return m, {}, u, _XE[:, 1:-1] - _XE[:, :-2]


@special("plate_size", "arange")
def _sizes() -> Built:
    m, a, b, x, u = _model()
    m.let("out", x * a.index / b.size + (b >= 1).size)
    return m, {}, u, _X * np.arange(2)[:, None] / 4 + 3


@special("eye")
def _process() -> Built:
    m, _, b, _, u = _model()
    t = m.data("t", dims=b)
    m.observe("y", gd.GaussianProcess(gd.kernel.SquaredExponential(), t, noise=0.5), dims=b)
    y = _X[0]
    k = np.exp(-0.5 * (_T[:, None] - _T) ** 2) + (0.5 + 1e-10) * np.eye(4)
    want = stats.multivariate_normal(np.zeros(4), k).logpdf(y) + stats.norm.logpdf(_X).sum()
    return m, {"t": _T, "y": y}, u, float(want)


# -- recurrences ------------------------------------------------------------------------------------------------------
def _scanned(reverse: bool, panel: bool) -> Callable[[], Built]:
    def build() -> Built:
        m, a, b, x, u = _model()
        c = m.latent("c", gd.Normal(0.0, 1.0), dims=a if panel else None)
        start = np.array([0.4, -1.1]) if panel else np.array(0.4)

        def step(state: Any, now: Any) -> Any:
            held, count = state
            held = gd.tanh(held + now * c)
            return (held, count + 1), (held * count, now)

        (last, count), (first, _) = gd.scan(step, (c * 0.5, 0), x, dim=b, reverse=reverse)
        m.let("out", first + last * count)
        want = np.zeros((2, 4))
        held = np.broadcast_to(start * 0.5, (2,))
        for k, t in enumerate(reversed(range(4)) if reverse else range(4)):
            held = np.tanh(held + _X[:, t] * start)
            want[:, t] = held * k
        return m, {}, u | {"c": start}, want + held[:, None] * 4

    return build


SPECIAL["scan"] = SPECIAL["item"] = SPECIAL["input"] = [_scanned(r, p) for r in (False, True) for p in (False, True)]


@special("scan")
def _summed_inside() -> Built:
    """A carry that starts without the plate over which the step sums, and is a vector from its second step on."""
    m, _, b, x, u = _model()
    _, out = gd.scan(lambda c, now: ((0.5 * c.sum(dim="a") if "a" in c.dims else c) * now,) * 2, 1.0, x, dim=b)
    m.let("out", out)
    c, want = np.ones(2), np.zeros((2, 4))
    for t in range(4):
        c = 0.5 * c.sum() * _X[:, t]
        want[:, t] = c
    return m, {}, u, want


@special("odeint")
def _solved() -> Built:
    m, a, b, _, u = _model()
    rate = m.latent("rate", gd.Normal(0.0, 1.0), dims=a)
    t = m.data("t", dims=b)
    m.let("out", gd.odeint(lambda y, s: -rate * y, 2.0 * rate, t, rtol=1e-9, atol=1e-9))
    r, times = np.array([0.4, 1.3]), np.array([0.2, 0.5, 1.0, 1.7])
    return m, {"t": times}, u | {"rate": r}, 2 * r[:, None] * np.exp(-r[:, None] * times)


@special("odeint")
def _solved_along_the_first_plate() -> Built:
    m, a, b, x, u = _model()
    t = m.data("t", dims=a)
    m.let("out", gd.odeint(lambda y, s: -gd.exp(x[0]) * y, 2.0, t, rtol=1e-9, atol=1e-9) + 0.0 * x)
    times = np.array([0.5, 1.7])
    return m, {"t": times}, u, 2 * np.exp(-np.exp(_X[0]) * times[:, None])


@special("odeint")
def _solved_with_a_sum_over_a_plate() -> Built:
    m, a, b, x, u = _model()
    t = m.data("t", dims=a)
    rate = gd.exp(x[0])  # over b
    start = m.latent("start", gd.Normal(0.0, 1.0))
    m.let("out", gd.odeint(lambda y, s: -(y * rate).sum(dim=b), start, t, rtol=1e-9, atol=1e-9))
    times = np.array([0.1, 0.4])
    return m, {"t": times}, u | {"start": np.array(1.5)}, 1.5 * np.exp(-np.exp(_X[0]).sum() * times)


@special("odeint")
def _solved_where_the_rate_adds_a_plate() -> Built:
    m, a, b, x, u = _model()
    t = m.data("t", dims=a)
    m.let(
        "out",
        gd.odeint(lambda y, s: x[0] - y.sum(dim=b) if b.name in y.dims else x[0] + y, 1.0, t, rtol=1e-9, atol=1e-9),
    )
    times, r = np.array([0.1, 0.4]), _X[0]
    level = r.sum() / 4  # the sum of y over b goes there from 4
    integral = level * times + (4 - level) * (1 - np.exp(-4 * times)) / 4
    return m, {"t": times}, u, 1.0 + r * times[:, None] - integral[:, None]


@special("jitter")
def _jittered() -> Built:
    m, a, b, x, u = _model(event=True)
    kernel = gd.kernel.White(scale=1.0) + gd.kernel.Linear()
    m.let("out", gd.GaussianProcess(kernel, x[0, :, 0]).log_prob(x[0, :, 1]))
    k = np.outer(_XE[0, :, 0], _XE[0, :, 0]) + (1.0 + 1e-10) * np.eye(4)
    return m, {}, u, np.asarray(stats.multivariate_normal.logpdf(_XE[0, :, 1], np.zeros(4), k))


@special("network")
def _networked() -> Built:
    """One network on values over plates; as a loop, and shared with data."""
    m, a, b, x, u = _model(True)
    f = m.network("f", MLP(2, hidden=(4,), activation=Activation.TANH))
    d = m.data("d", dims=b, event=3)
    m.let("out", f(x) + f(d))
    p, given = MLP(2, hidden=(4,)).init((3,), 0, "f."), _RNG.normal(size=(4, 3))

    def value(v: np.ndarray) -> np.ndarray:
        h = np.tanh(v @ p["f.layers.0.weight"].T + p["f.layers.0.bias"])
        return h @ p["f.layers.1.weight"].T + p["f.layers.1.bias"]

    return m, {"d": given}, u, value(_XE) + value(given)


@special("network")
def _networked_in_time() -> Built:
    """A time over another plate than the value's."""
    m, a, b, x, u = _model()
    f = m.network("f", MLP((), hidden=(4,), activation=Activation.TANH, time=Sinusoidal(size=2, width=3, scale=2.0)))
    t = m.data("t", dims=b)
    m.let("out", f(x[:, 0], time=t))
    p, given = f.spec.init((), 0, "f."), _RNG.uniform(size=4)

    def layer(v: np.ndarray, name: str) -> np.ndarray:
        return v @ p[f"f.{name}.weight"].T + p[f"f.{name}.bias"]

    def silu(v: np.ndarray) -> np.ndarray:
        return v / (1 + np.exp(-v))

    c = np.stack([np.sin(2 * given), np.cos(2 * given)], -1)
    scale, shift = np.split(layer(silu(layer(silu(layer(c, "time.layers.0")), "time.layers.1")), "films.0"), 2, -1)
    h = layer(_X[:, :1], "layers.0")[:, None]
    return m, {"t": given}, u, layer(np.tanh(h * (1 + scale) + shift), "layers.1")[..., 0]


# -- sites ------------------------------------------------------------------------------------------------------------
@special("data", "param", "latent")
def _given() -> Built:
    m, a, _, x, u = _model()
    d = m.data("d", dims=a, event=3)
    p = m.param("p", np.array([1.0, 2.0, 4.0]), dims=a)
    m.let("out", x[..., None] * d + p)
    given = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    want = _X[..., None] * given[:, None] + np.array([1.0, 2.0, 4.0])
    return m, {"d": given}, u, want


@special("latent", "observe", "factor", "log_prob")
def _joint() -> Built:
    m, a, b, x, u = _model()
    on = m.data("on", dims=a, dtype=bool)
    m.observe("y", gd.Normal(x, 2.0), dims=(b, a), mask=on)
    m.factor("f", gd.log_prob(gd.Laplace(0.0, 1.5), x) * 0.5)
    y, mask = _RNG.normal(size=(4, 2)), np.array([True, False])
    want = stats.norm.logpdf(_X).sum() + (stats.norm.logpdf(y, _X.T, 2.0) * mask).sum()
    return m, {"on": mask, "y": y}, u, float(want + 0.5 * stats.laplace.logpdf(_X, 0, 1.5).sum())
