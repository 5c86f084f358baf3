"""Recurrences without loops: the values of the loop written in numpy, the law, and the form of the source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.backend import get_backend
from gendsl.math.recurrences import affine_scan, affine_scan_vjp
from tests.laws.law import draw
from tests.laws.law_whole import examine

LENGTHS = (1, 2, 3, 7, 64)
Expr = Any


@dataclass(frozen=True)
class Case:
    """A recurrence over x (t), z (i, t) and captures a (scalar), b (i), v (2,), F (2, 2).

    Attributes:
        init: the first carry, of the captures.
        step: the step, of a dict of captures, a carry and elements of x and z; in numpy and in gendsl the same.
        source: what the fast form calls.
        loop: whether something of it stays a loop.
        reverse: whether it starts at the end.
    """

    init: Callable[[Any], Any]
    step: Callable[[Any, Any, Any, Any], Any]
    source: tuple[str, ...] = ("affine_scan",)
    loop: bool = False
    reverse: bool = False


def _module(v: Any) -> Any:
    return gd if isinstance(v, gd.Expr) else np


def _pair(k: Any, c: Any, x: Any, z: Any) -> Any:
    u, v = c
    new = (k.a * u - 0.3 * v + x, 0.2 * u + x * v - k.a)
    return new, u + v


def _stack(k: Any, *items: Any) -> Any:
    return gd.stack(items) if isinstance(k.a, gd.Expr) else np.stack(np.broadcast_arrays(*items), -1)


def _lag(k: Any, c: Any, x: Any, z: Any) -> Any:
    """ARMA's errors with the previous element as a carry."""
    err, before = c
    err = x - k.a * before - 0.4 * err
    return (err, x), err


def _chain(k: Any, c: Any, x: Any, z: Any) -> Any:
    """The second carry is affine, with a coefficient and an offset that depend on the first."""
    u, v = c
    return (0.5 * u + x, _module(u).tanh(u) * v + _module(u).exp(-u)), u * v


def _mixed(k: Any, c: Any, x: Any, z: Any) -> Any:
    """A loop, and a sum of what comes out of it."""
    u, total = c
    new = _module(u).tanh(k.a * u + _module(x).exp(-x * x))
    return (new, total + new * x), total


CASES: dict[str, Case] = {
    "scalar": Case(lambda k: k.a, lambda k, c, x, z: (k.a * c + x,) * 2),
    "reverse": Case(lambda k: k.a, lambda k, c, x, z: (k.a * c + x,) * 2, reverse=True),
    "varying": Case(lambda k: 0.7, lambda k, c, x, z: (x * c - (k.a - c / 4), c)),
    "zero": Case(lambda k: 0.7, lambda k, c, x, z: ((x * 0 - 0.0) * c + x, c * x)),
    "negative": Case(lambda k: 0.7, lambda k, c, x, z: (-(1.2 * c) + x * k.a, c)),
    "autonomous": Case(lambda k: k.a, lambda k, c, x, z: (0.5 * k.a * c + 1.0, c)),
    "chosen": Case(
        lambda k: k.a,
        lambda k, c, x, z: ((gd if isinstance(x, gd.Expr) else np).where(x > 0, 0.5 * c, x - 1.5 * c), c),
    ),
    "sum": Case(lambda k: k.a, lambda k, c, x, z: (c + k.a * x, c), ("cumsum",)),
    "sum in reverse": Case(lambda k: k.a, lambda k, c, x, z: (c + k.a * x, c), ("cumsum", "flip"), reverse=True),
    "lag": Case(lambda k: (k.a, 0.3), _lag, ("affine_scan", "cat")),
    "lag in reverse": Case(lambda k: (k.a, 0.3), _lag, ("affine_scan", "cat"), reverse=True),
    "two": Case(lambda k: (k.a, 1.0), _pair, ("matrix=True",)),
    "two in reverse": Case(lambda k: (k.a, 1.0), _pair, ("matrix=True", "reverse=True"), reverse=True),
    "chain": Case(lambda k: (k.a, 1.0), _chain),
    "panel": Case(lambda k: k.b, lambda k, c, x, z: (k.b * c + z + k.a, c * x)),
    "panel from one": Case(lambda k: k.a, lambda k, c, x, z: (z * c + k.a, c)),
    "panel of two": Case(
        lambda k: (k.b, k.a), lambda k, c, x, z: ((z * c[0] + k.b * c[1], c[0] - 0.5 * c[1]), c[0]), ("matrix=True",)
    ),
    "event": Case(lambda k: k.v, lambda k, c, x, z: (k.v * c + x, c), ("axis=-2",)),
    "event over time": Case(lambda k: k.v, lambda k, c, x, z: (x * c + k.v * x, c), ("axis=-2",)),
    "event and panel": Case(
        lambda k: k.v, lambda k, c, x, z: (0.4 * z * c + k.v, c), ("axis=-2", "reverse=True"), reverse=True
    ),
    "events of two": Case(
        lambda k: (k.v, k.v * 0.5),
        lambda k, c, x, z: ((x * c[0] + k.v * c[1], 0.3 * c[0] - c[1] / 2), c[1]),
        ("axis=-3", "matrix=True"),
    ),
    "state space": Case(lambda k: k.v, lambda k, c, x, z: (0.3 * (k.F @ c) + x, c), ("matrix=True",)),
    "companion": Case(
        lambda k: k.v,
        lambda k, c, x, z: (_stack(k, k.a * c[..., 0] + 0.2 * c[..., 1] + x, c[..., 0]), c),
        ("matrix=True",),
    ),
    "vector and panel": Case(
        lambda k: k.v, lambda k, c, x, z: (_stack(k, z + c[..., 1], k.b * c[..., 0] - x), c), ("matrix=True",)
    ),
    "constant": Case(lambda k: (k.a, 0.2), lambda k, c, x, z: ((c[0], c[0] * c[1] + x), c[1] * c[0])),
    "counter": Case(lambda k: (0, k.a), lambda k, c, x, z: ((c[0] + 1, 0.5 * c[1] + c[0] * x), c[0] * c[1])),
    "nonlinear": Case(lambda k: k.a, lambda k, c, x, z: (np.tanh(c) + x, c), (), loop=True),
    "square": Case(lambda k: k.a, lambda k, c, x, z: (0.1 * c * c + x, c), (), loop=True),
    "doubled counter": Case(lambda k: (1, k.a), lambda k, c, x, z: ((c[0] * 2 % 7, c[0] + x), c[1]), (), loop=True),
    "mixed": Case(lambda k: (k.a, 0.0), _mixed, ("cumsum",), loop=True),
}


class Captures(dict[str, Any]):
    """Captures as attributes."""

    __getattr__ = dict.__getitem__


def build(case: Case, length: int) -> tuple[gd.Model, dict[str, np.ndarray]]:
    m = gd.Model("m")
    i, t = m.plate("i", 3), m.plate("t")
    data = m.data("data", dims=t)
    z = m.latent("z", gd.Normal(0, 1), dims=(i, t))
    k = Captures(
        a=m.latent("a", gd.Normal(0, 1)),
        b=m.latent("b", gd.Normal(0, 1), dims=i),
        v=m.latent("v", gd.Normal(0, 1).expand(2)),
        F=m.latent("F", gd.Normal(0, 1).expand(2, 2)),
    )
    init = case.init(k)
    last, out = gd.scan(lambda c, x, w: case.step(k, c, x, w), init, data, z, dim=t, reverse=case.reverse)
    m.let("out", out)
    for j, final in enumerate(last if isinstance(last, tuple) else (last,)):
        m.let(f"last_{j}", final)
        m.factor(f"f_{j}", gd.sin(final).sum() if final.ndim else gd.sin(final))
    m.factor("f", gd.sin(out).sum() if out.ndim else gd.sin(out))
    return m, {"data": np.random.default_rng(length).normal(size=length)}


def loop(case: Case, u: dict[str, np.ndarray], x: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Each element of the plate i by itself, in numpy: final carries and outputs, i first."""
    rows, finals = [], []
    for row in range(3):
        k = Captures(a=u["a"], b=u["b"][row], v=u["v"], F=u["F"])
        carry, outs = case.init(k), []
        for j in reversed(range(len(x))) if case.reverse else range(len(x)):
            carry, out = case.step(k, carry, x[j], u["z"][row, j])
            outs.append(np.asarray(out, float))
        rows.append(np.stack(np.broadcast_arrays(*(outs[::-1] if case.reverse else outs))))
        finals.append([np.asarray(c, float) for c in (carry if isinstance(carry, tuple) else (carry,))])
    return [np.stack(c) for c in zip(*finals, strict=True)], np.stack(rows)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", CASES)
def test_the_values_are_those_of_the_loop(name: str, length: int) -> None:
    case = CASES[name]
    m, data = build(case, length)
    p = m.compile("pyro").bind(data)
    u = draw(p, 3)
    user = {s.name: s.layout.back(u[s.name], 0) for s in p.program.sites}
    finals, outs = loop(case, user, data["data"])
    got = p.constrain({k: v[None] for k, v in u.items()})
    for key, want in [("out", outs), *((f"last_{j}", f) for j, f in enumerate(finals))]:
        have, dims = got[key][0], m[key].dims
        have = np.moveaxis(have, dims.index("i"), 0) if "i" in dims else have[None]
        want = want if "i" in dims else want[:1]
        np.testing.assert_allclose(have, want, rtol=1e-12, atol=1e-12 * np.abs(want).max(initial=1.0))


@pytest.mark.parametrize("name", CASES)
def test_the_law_holds(name: str) -> None:
    """NumPyro's programs keep the scan, so that the fast form is compared with it."""
    m, data = build(CASES[name], 7)
    examine(m, data, 1)


@pytest.mark.parametrize("name", CASES)
def test_the_source_shows_the_form(name: str) -> None:
    case = CASES[name]
    m, _ = build(case, 7)
    source = m.compile("pyro").source
    model, density = source.split("\ndef model")[1].split("\ndef log_density")
    for text in (model, density.split("\ndef ")[0]):
        assert ("for " in text.split('"""')[-1]) == case.loop
        for word in case.source:
            assert word in text
    numpyro = m.compile("numpyro").source
    assert numpyro.count(" = scan(") == 3  # model, density, constrain
    assert not any(word in numpyro for word in ("affine_scan(", "cumsum("))


def test_the_report_says_what_becomes_of_each_carry() -> None:
    text = str(build(CASES["mixed"], 7)[0].explain())
    assert "along 't': carry 1 is not affine: a loop of" in text
    assert "along 't': carry 2 is a running sum" in text
    assert "is affine in itself" in str(build(CASES["chain"], 7)[0].explain())
    assert "is the element before" in str(build(CASES["lag"], 7)[0].explain())


def test_what_does_not_depend_on_the_carry_leaves_the_loop() -> None:
    source = build(CASES["mixed"], 7)[0].compile("pyro").source
    _, inside = source.split("def log_density")[1].split("def constrain")[0].split("    for ")
    body = [line for line in inside.splitlines() if line.startswith("        ")]
    assert body
    assert not any("exp(" in line for line in body)


# -- the mathematics ---------------------------------------------------------------------------------------------------
def _reference(a: np.ndarray, b: np.ndarray, init: np.ndarray, reverse: bool) -> np.ndarray:
    """The loop over matrices (T, k, k) and vectors (T, k)."""
    out, x = np.zeros_like(b), init
    for t in reversed(range(len(b))) if reverse else range(len(b)):
        x = a[t] @ x + b[t]
        out[t] = x
    return out


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize(("backend", "length"), [*(("pyro", n) for n in (*LENGTHS, 400)), ("numpyro", 7)])
def test_both_ways_and_their_gradients(backend: str, reverse: bool, size: int, length: int) -> None:
    """A batch of 2 against the loop, and its gradient against that of the loop, by differences of a linear function."""
    b = get_backend(backend)
    rng = np.random.default_rng(length)
    matrix = size > 1
    a = rng.normal(size=(2, length, size, size)) * 0.8
    a[:, ::3] = 0.0
    c, init, g = rng.normal(size=(2, length, size)), rng.normal(size=(2, size)), rng.normal(size=(2, length, size))
    want = np.stack([_reference(*row, reverse) for row in zip(a, c, init, strict=True)])
    links = np.swapaxes(np.concatenate([a[:, :1] * 0, a[:, :-1]] if reverse else [a[:, 1:], a[:, :1] * 0], 1), -1, -2)
    back = np.stack([_reference(m, v, np.zeros(size), not reverse) for m, v in zip(links, g, strict=True)])
    before = np.concatenate([want[:, 1:], init[:, None]] if reverse else [init[:, None], want[:, :-1]], 1)
    first = -1 if reverse else 0
    grads = [
        back[..., :, None] * before[..., None, :],
        back,
        np.einsum("bij,bi->bj", a[:, first], back[:, first]),
    ]
    if not matrix:
        a, c, init, g, want = a[..., 0, 0], c[..., 0], init[..., 0], g[..., 0], want[..., 0]
        grads = [grads[0][..., 0, 0], grads[1][..., 0], grads[2][..., 0]]
    with b.context("float64"):
        args = [b.array(v, "float64") for v in (a, c, init)]
        x = affine_scan(b.ops, *args, matrix=matrix, reverse=reverse)
        got = affine_scan_vjp(b.ops, args[0], x, args[2], b.array(g, "float64"), matrix=matrix, reverse=reverse)
    for have, truth in zip((x, *got), (want, *grads), strict=True):
        scale = np.abs(truth).max()
        np.testing.assert_allclose(b.numpy(have), truth, rtol=1e-12, atol=1e-12 * scale)


@pytest.mark.parametrize("matrix", [False, True])
def test_torch_differentiates_it_again_and_maps_it(matrix: bool) -> None:
    import torch

    from gendsl_pyro.recurrences import affine_scan as on_torch

    shape = (2, 2) if matrix else ()
    tail = shape[:1]
    make = torch.Generator().manual_seed(0)
    a, b, init = (torch.randn(s, dtype=torch.float64, generator=make) for s in ((5, *shape), (5, *tail), tail))
    given = [v.requires_grad_(True) for v in (a, b, init)]
    assert torch.autograd.gradcheck(lambda *v: on_torch(*v, matrix=matrix), given)
    assert torch.autograd.gradgradcheck(lambda *v: on_torch(*v, matrix=matrix), given)
    many = torch.randn(4, 5, *tail, dtype=torch.float64, generator=make)
    mapped = torch.func.vmap(lambda v: on_torch(a, v, init, matrix=matrix))(many)
    assert torch.allclose(mapped, torch.stack([on_torch(a, v, init, matrix=matrix) for v in many]), rtol=1e-13)


def test_plates_that_meet_in_an_element_that_no_step_reads() -> None:
    """Engines that loop drop it, others keep it: latents have one layout all the same."""
    m = gd.Model("unread")
    a, b = m.plate("a", 2), m.plate("b", 3)
    x = m.data("x", dims=a)
    z = m.latent("z", gd.Normal(0, 1), dims=b)
    out = gd.scan(lambda c, s, unread: (0.5 * c + s, c), 0.0, z, z * x, dim=b)[1]
    m.observe("y", gd.Normal(out, 1.0), dims=b)
    examine(m, {"x": [0.1, 0.2], "y": [0.3, -0.1, 0.4]}, 0)


def test_a_network_that_only_an_unread_element_calls() -> None:
    """Engines that loop drop the call; the programs take its parameters all the same."""
    m = gd.Model("uncalled")
    b = m.plate("b", 3)
    x, z = m.data("x", dims=b), m.latent("z", gd.Normal(0, 1), dims=b)
    f = m.network("f", gd.MLP((), hidden=(2,)))
    out = gd.scan(lambda c, s, unread: (0.5 * c + s, c), 0.0, z, f(gd.stack([x, z])), dim=b)[1]
    m.observe("y", gd.Normal(out, 1.0), dims=b)
    examine(m, {"x": [0.1, 0.2, 0.3], "y": [0.3, -0.1, 0.4]}, 0)
