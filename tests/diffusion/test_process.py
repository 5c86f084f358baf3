"""Processes by their equations: f = d log(alpha) / dt, g^2 = sigma^2 gamma', and what a user may give."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gendsl.errors import FormatError, ModelError
from gendsl.graph.json.nodes import Codec
from gendsl.math.diffusion.grids import time_of_gamma
from gendsl.math.numpy_ops import NUMPY
from gendsl.processes import VE, VP, Process, Rectified, schedule
from tests.diffusion.truth import double


def test_sign_of_log_snr() -> None:
    """gamma is minus the log-SNR, SNR = alpha^2 / sigma^2 (not alpha / sigma): sigma = e alpha has gamma = 2."""
    p = Process(alpha=lambda ops, t: 1.0 + 0.0 * t, sigma=lambda ops, t: ops.exp(t), start=0.0, end=2.0)
    np.testing.assert_allclose(p.gamma(NUMPY, np.array([0.0, 1.0])), [0.0, 2.0], atol=1e-15)
    np.testing.assert_allclose(p.d_gamma(NUMPY, np.array([0.3])), 2.0)
    np.testing.assert_allclose(p.g2(NUMPY, np.array([1.0])), 2.0 * math.e**2)


def test_published_values() -> None:
    """VP with beta 0.1 to 20 ends at alpha = exp(-5.025); the cosine's alpha(1/2) is cos / cos of the paper."""
    end = np.array(1.0)
    np.testing.assert_allclose(VP().alpha(NUMPY, end), math.exp(-0.5 * (0.1 + 0.5 * 19.9)), rtol=1e-14)
    np.testing.assert_allclose(VP().g2(NUMPY, end), 20.0)
    angle = math.pi / 2 * 0.508 / 1.008
    wanted = math.cos(angle) / math.cos(math.pi / 2 * 0.008 / 1.008)
    np.testing.assert_allclose(VP(schedule.Cosine()).alpha(NUMPY, np.array(0.5)), wanted, rtol=1e-14)
    np.testing.assert_allclose(VE(0.01, 50.0).sigma(NUMPY, np.array([0.0, 0.5, 1.0])), [0.01, math.sqrt(0.5), 50.0])


def _bridge(ops: Any, t: Any) -> Any:
    return ops.sqrt(1.0 - ops.exp(-3.0 * t))


GIVEN = {
    "beta": Process(beta=lambda ops, t: 3.0 + 0.0 * t),
    "drift": Process(f=lambda ops, t: -1.5, g=lambda ops, t: math.sqrt(3.0)),
    "marginals": Process(alpha=lambda ops, t: ops.exp(-1.5 * t), sigma=_bridge),
    "log_snr": Process(log_snr=lambda ops, t: -ops.log(ops.expm1(3.0 * t))),
    "four": Process(
        alpha=lambda ops, t: ops.exp(-1.5 * t), sigma=_bridge, f=lambda ops, t: -1.5, g=lambda ops, t: math.sqrt(3.0)
    ),
}


@pytest.mark.parametrize("name", GIVEN)
def test_every_description_of_one_process_gives_it(name: str, backend: str) -> None:
    p = GIVEN[name]
    t = np.linspace(1e-3, 1.0, 23)
    alpha, sigma = np.exp(-1.5 * t), np.sqrt(-np.expm1(-3.0 * t))
    with double(backend) as (b, ops):
        x = b.array(t, "float64")
        for got, wanted in (
            (p.alpha(ops, x), alpha),
            (p.sigma(ops, x), sigma),
            (p.f(ops, x), np.full(23, -1.5)),
            (p.g2(ops, x), np.full(23, 3.0)),
            (p.gamma(ops, x), np.log(np.expm1(3.0 * t))),
            (p.d_gamma(ops, x), 3.0 / sigma**2),
            (p.d_sigma(ops, x), 1.5 * alpha**2 / sigma),
        ):
            np.testing.assert_allclose(b.numpy(got), wanted, rtol=2e-10, atol=1e-12)
        one = p.sigma(ops, b.array(np.array(0.25), "float64"))
        assert tuple(one.shape) == ()
        np.testing.assert_allclose(b.numpy(one), math.sqrt(-math.expm1(-0.75)), rtol=2e-10)


def test_scale_of_a_log_snr() -> None:
    """log-SNR with a scale: the VE process has scale sqrt(1 + sigma^2)."""
    ve = VE(0.1, 10.0)
    p = Process(
        log_snr=lambda ops, t: -2.0 * ops.log(ve.sigma(ops, t)),
        scale=lambda ops, t: ops.sqrt(1.0 + ops.square(ve.sigma(ops, t))),
        start=0.0,
    )
    t = np.linspace(0.0, 1.0, 17)
    for name in ("alpha", "sigma", "g2", "d_sigma"):
        np.testing.assert_allclose(getattr(p, name)(NUMPY, t), getattr(ve, name)(NUMPY, t), rtol=1e-12)
    np.testing.assert_allclose(p.f(NUMPY, t), 0.0, atol=1e-12)


def test_a_rate_that_jumps() -> None:
    """beta = 1 until t = 0.3, then 8: alpha is exact on both sides."""
    p = Process(beta=lambda ops, t: ops.where(t < 0.3, 1.0, 8.0))
    t = np.array([0.01, 0.2999, 0.3, 0.3001, 0.7, 1.0])
    b = np.minimum(t, 0.3) + 8.0 * np.maximum(t - 0.3, 0.0)
    np.testing.assert_allclose(p.alpha(NUMPY, t), np.exp(-0.5 * b), rtol=1e-8)
    np.testing.assert_allclose(p.sigma(NUMPY, t), np.sqrt(-np.expm1(-b)), rtol=1e-8)


def test_times_of_log_snr() -> None:
    """t -> gamma -> t is the identity, at the ends too."""
    t = np.append(np.geomspace(1e-3, 1.0, 50), [1e-3, 1.0])
    np.testing.assert_allclose(time_of_gamma(VP(), VP().gamma(NUMPY, t)), t, rtol=1e-12)
    np.testing.assert_array_equal(time_of_gamma(VP(), np.array([-99.0, 99.0])), [1e-3, 1.0])


def test_what_is_no_process_is_refused_at_a_named_time() -> None:
    with pytest.raises(ModelError, match=r"the log-SNR does not fall at t = 0\.5"):
        Process(alpha=lambda ops, t: 1.0 + 0.0 * t, sigma=lambda ops, t: 1.0 - ops.square(t - 0.5))
    with pytest.raises(ModelError, match=r"the log-SNR does not fall at t = 0\.001"):
        Process(alpha=lambda ops, t: t, sigma=lambda ops, t: 1.0 - 0.9 * t)
    with pytest.raises(ModelError, match="alpha is not a positive number at t = 1"):
        Process(alpha=lambda ops, t: 1.0 - t, sigma=lambda ops, t: t)
    with pytest.raises(ModelError, match=r"f does not follow from alpha and sigma at t = 0\.0"):
        Process(alpha=lambda ops, t: ops.exp(-t), sigma=_bridge, f=lambda ops, t: -1.1, g=lambda ops, t: math.sqrt(3.0))
    with pytest.raises(ModelError, match=r"f cannot be integrated near t = 0\.99"):
        Process(f=lambda ops, t: -1.0 / (1.0 - t), g=lambda ops, t: 1.0)
    with pytest.raises(ModelError, match="sigma cannot be evaluated.*no attribute"):
        Process(alpha=lambda ops, t: ops.exp(-t), sigma=lambda ops, t: ops.sinus(t))
    with pytest.raises(ModelError, match="do not describe a process") as caught:
        Process(alpha=lambda ops, t: t)
    assert caught.value.where is not None
    assert caught.value.where.file == __file__


def test_functions_have_no_form_in_json() -> None:
    with pytest.raises(FormatError, match="a process that is given by functions cannot be written"):
        Codec(set(), set()).encode(GIVEN["drift"], "process")


def test_arguments_are_checked() -> None:
    with pytest.raises(ModelError, match="VE: sigma_min is a number above 0 and below 1"):
        VE(2.0, 1.0)
    with pytest.raises(ModelError, match="VP has no argument 'scedule'") as caught:
        VP(scedule=schedule.Linear())  # type: ignore[call-arg]
    assert caught.value.fix == "did you mean 'schedule'?"
    with pytest.raises(ModelError, match="VP: schedule is of another kind"):
        VP(schedule.Linear)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="Rectified: end is a number above 0 and below 1"):
        Rectified(end=1.0)
    assert VP(schedule.Cosine()).end == 0.999
