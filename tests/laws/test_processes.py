"""The law of processes, for every entry of PROCESSES and SCHEDULES: its equations hold, on every backend."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from gendsl.errors import FormatError
from gendsl.graph.json.nodes import Codec
from gendsl.math.diffusion.grids import time_of_gamma
from gendsl.math.diffusion.times import Density, place
from gendsl.math.numpy_ops import NUMPY
from gendsl.processes import PROCESSES, SCHEDULES, VE, VP, ForwardProcess, Process, check
from tests.diffusion.truth import CASES, double

CODEC = Codec(set(), set())
FUNCTIONS = ("alpha", "sigma", "f", "g2", "d_alpha", "d_sigma", "gamma", "d_gamma", "clock")


def times(p: ForwardProcess, count: int = 40) -> np.ndarray:
    """Times from start to end, close together at both."""
    u = 0.5 * (1.0 - np.cos(np.linspace(0.0, np.pi, count)))
    return np.clip(p.spread(NUMPY, u)[0], p.start, p.end)


def test_every_entry_has_a_case() -> None:
    assert {type(p) for p in CASES.values()} == set(PROCESSES.values())
    assert {type(p.schedule) for p in CASES.values() if isinstance(p, VP)} == set(SCHEDULES.values())


@pytest.mark.parametrize("case", CASES)
def test_log_snr_falls(case: str) -> None:
    check(CASES[case])


@pytest.mark.parametrize("case", CASES)
def test_f_and_g_give_alpha_and_sigma(case: str) -> None:
    """T1: by quadrature of f and g, to 1e-8."""
    p = CASES[case]
    first = p.sigma_min if isinstance(p, VE) else 0.0
    start = max(p.start, 1e-3)
    q = Process(f=p.f, g=lambda ops, t: ops.sqrt(p.g2(ops, t)), initial=(1.0, first), start=start, end=p.end)
    t = np.clip(times(p, 400), start, p.end)
    for name in ("alpha", "sigma"):
        np.testing.assert_allclose(getattr(q, name)(NUMPY, t), getattr(p, name)(NUMPY, t), rtol=1e-8)


@pytest.mark.parametrize("case", CASES)
def test_alpha_and_sigma_give_f_and_g(case: str, backend: str) -> None:
    """T1, back: all rates are derivatives of alpha and sigma, by the backend's own differentiation, to 1e-10."""
    p = CASES[case]
    with double(backend) as (b, ops):
        t = b.array(times(p), "float64")
        one = ops.ones_like(t)
        alpha, d_alpha = (b.numpy(v) for v in ops.jvp(lambda s: p.alpha(ops, s), (t,), (one,)))
        sigma, d_sigma = (b.numpy(v) for v in ops.jvp(lambda s: p.sigma(ops, s), (t,), (one,)))
        d_gamma = 2 * (d_sigma / sigma - d_alpha / alpha)
        wanted = {
            "f": d_alpha / alpha,
            "g2": sigma**2 * d_gamma,
            "d_alpha": d_alpha,
            "d_sigma": d_sigma,
            "gamma": 2 * np.log(sigma / alpha),
            "d_gamma": d_gamma,
        }
        for name, value in wanted.items():
            got = b.numpy(getattr(p, name)(ops, t))
            np.testing.assert_allclose(got, value, rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_times_and_log_snr_are_inverse(case: str, backend: str) -> None:
    """T2: t -> gamma -> t, and the speed of the log-SNR against a difference; both densities of training."""
    p = CASES[case]
    t = times(p)
    np.testing.assert_allclose(time_of_gamma(p, p.gamma(NUMPY, t)), t, rtol=1e-8)
    inner = t[5:-5]
    h = 1e-3 * inner * (1.0 - inner / p.end)
    near, far = (p.gamma(NUMPY, inner + k * h) - p.gamma(NUMPY, inner - k * h) for k in (1, 2))
    np.testing.assert_allclose(p.d_gamma(NUMPY, inner), (8 * near - far) / (12 * h), rtol=1e-8)
    u = np.linspace(0.0, 1.0, 33)
    gamma = p.gamma(NUMPY, np.array([p.start, p.end]))
    with double(backend) as (b, ops):
        x = b.array(u, "float64")
        even, speed = place(ops, p, x, Density.LOG_SNR)
        np.testing.assert_allclose(
            b.numpy(p.gamma(ops, even)), gamma[0] + (gamma[1] - gamma[0]) * u, rtol=1e-8, atol=1e-8
        )
        np.testing.assert_allclose(b.numpy(p.d_gamma(ops, even) * speed), gamma[1] - gamma[0], rtol=1e-12)
        spread, speed = ops.jvp(lambda v: place(ops, p, v, Density.TIME)[0], (x,), (ops.ones_like(x),))
        np.testing.assert_allclose(b.numpy(speed), b.numpy(place(ops, p, x, Density.TIME)[1]), rtol=1e-12)
        np.testing.assert_allclose(b.numpy(spread)[[0, -1]], [p.start, p.end], rtol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_backends_agree(case: str) -> None:
    p = CASES[case]
    values: list[list[Any]] = []
    for name in ("pyro", "numpyro"):
        with double(name) as (b, ops):
            t = b.array(times(p), "float64")
            values.append([b.numpy(getattr(p, f)(ops, t)) for f in FUNCTIONS])
    values.append([getattr(p, f)(NUMPY, times(p)) for f in FUNCTIONS])
    for name, first, second, third in zip(FUNCTIONS, *values, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-10, atol=1e-12, err_msg=name)
        np.testing.assert_allclose(first, third, rtol=1e-10, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_json(case: str) -> None:
    p = CASES[case]
    back = CODEC.decode(json.loads(json.dumps(CODEC.encode(p, "process"))), "process")
    assert back == p
    assert hash(back) == hash(p)


def test_damaged_json_is_refused() -> None:
    content = CODEC.encode(VP(), "process")
    with pytest.raises(FormatError, match="is of no known class"):
        CODEC.decode({"class": "Process"}, "process")
    with pytest.raises(FormatError, match="VP has other fields"):
        CODEC.decode(content | {"steps": 3}, "process")
    with pytest.raises(FormatError, match="start is a number above 0 and below 1"):
        CODEC.decode(content | {"start": -1.0}, "process")
