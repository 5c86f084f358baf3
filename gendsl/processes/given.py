"""Processes that a user gives as functions of time: any one description, from which the others follow.

    f, g:            log(alpha) = log(a0) + int_0^t f,   sigma^2 = alpha^2 (s0^2 / a0^2 + int_0^t g^2 / alpha^2)
    beta:            f = -beta / 2, g^2 = beta
    alpha, sigma:    their derivatives, by `ops.jvp`
    log_snr, scale:  alpha = scale sqrt(S(log_snr)), sigma = scale sqrt(S(-log_snr)), S the logistic function

Integrals are computed once, in numpy, and kept as piecewise polynomials right to 1e-11 (gendsl/math/piecewise.py).

Reference:
    Applied Stochastic Differential Equations (Sarkka, Solin, 2019), section 6.2
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.math.numpy_ops import NUMPY
from gendsl.math.piecewise import NotSmooth, Piecewise, fit, integrate
from gendsl.processes.base import ForwardProcess, check

__all__ = ["FromDrift", "FromLogSNR", "FromMarginals", "Given", "OfTime", "Process"]

Array = Any
OfTime = Callable[[Any, Array], Array]
"""A function of (ops, t), elementwise in t."""

_AGREE = 1e-8


def Process(
    *,
    f: OfTime | None = None,
    g: OfTime | None = None,
    beta: OfTime | None = None,
    alpha: OfTime | None = None,
    sigma: OfTime | None = None,
    log_snr: OfTime | None = None,
    scale: OfTime | None = None,
    initial: tuple[float, float] = (1.0, 0.0),
    start: float = 1e-3,
    end: float = 1.0,
) -> ForwardProcess:
    """A process from functions of time, `name(ops, t)`, elementwise in t and written over `ops`.

        gd.Process(f=lambda ops, t: -0.5 * (0.1 + 19.9 * t), g=lambda ops, t: ops.sqrt(0.1 + 19.9 * t))
        gd.Process(alpha=lambda ops, t: ops.cos(1.5 * t), sigma=lambda ops, t: ops.sin(1.5 * t))

    Args:
        f: drift of dx = f x dt + g dw; with `g`.
        g: its diffusion.
        beta: rate of a variance-preserving process; alone.
        alpha: what is left of the data; with `sigma`.
        sigma: standard deviation of the noise.
        log_snr: log(alpha^2 / sigma^2), falling.
        scale: sqrt(alpha^2 + sigma^2); 1 if left out.
        initial: alpha and sigma at t = 0, for `f` and `g`, or `beta`.
        start: first time.
        end: last time.

    Returns:
        The process. It has no form in JSON, since functions have none.

    Raises:
        ModelError: if the functions given do not describe a process, one of them cannot be evaluated, alpha or sigma is
            not positive somewhere, the log-SNR does not fall (the time is named), or two descriptions disagree.
    """
    functions = {"f": f, "g": g, "beta": beta, "alpha": alpha, "sigma": sigma, "log_snr": log_snr, "scale": scale}
    given = {k: v for k, v in functions.items() if v is not None}
    for name, function in given.items():
        if not callable(function):
            raise ModelError(
                f"Process: {name} is a function of time",
                given=repr(function)[:80],
                needed=f"{name}=lambda ops, t: ...",
                where=caller(),
            )
    out: ForwardProcess
    match set(given):
        case s if s == {"f", "g"} or s == {"beta"}:
            out = FromDrift(*((f, g) if f and g else _preserving(given["beta"])), initial, start, end)
        case s if s in ({"alpha", "sigma"}, {"alpha", "sigma", "f", "g"}):
            out = FromMarginals(given["alpha"], given["sigma"], start, end)
        case s if s in ({"log_snr"}, {"log_snr", "scale"}):
            out = FromLogSNR(given["log_snr"], given.get("scale", _one), start, end)
        case _:
            raise ModelError(
                "Process: these functions do not describe a process",
                given=", ".join(given) or "none",
                needed="f and g; or beta; or alpha and sigma (and, to be checked, f and g); or log_snr (and scale)",
                where=caller(),
            )
    check(out)
    if alpha and f and g:
        _agree(out, f, g)
    return out


def _one(ops: Any, t: Array) -> Array:
    return ops.ones_like(t)


def _preserving(beta: OfTime) -> tuple[OfTime, OfTime]:
    return (lambda ops, t: -0.5 * beta(ops, t)), (lambda ops, t: ops.sqrt(beta(ops, t)))


def _call(name: str, function: OfTime, ops: Any, t: Array) -> Array:
    """A user's function, as an array of t's shape."""
    try:
        return function(ops, t) + ops.zeros_like(t)
    except (TypeError, ValueError, AttributeError, ArithmeticError) as e:
        raise ModelError(
            f"Process: {name} cannot be evaluated ({type(e).__name__}: {e})",
            needed=f"a function {name}(ops, t) over gendsl's array functions, such as lambda ops, t: ops.exp(-t)",
            where=caller(),
        ) from e


def _agree(process: ForwardProcess, f: OfTime, g: OfTime) -> None:
    """The user's f and g are those that follow from alpha and sigma."""
    t = np.linspace(process.start, process.end, 257)
    pairs = (
        ("f", _call("f", f, NUMPY, t), process.f(NUMPY, t)),
        ("g^2", _call("g", g, NUMPY, t) ** 2, process.g2(NUMPY, t)),
    )
    for name, given, derived in pairs:
        bad = ~(np.abs(given - derived) <= _AGREE * (1.0 + np.abs(derived)))
        if np.any(bad):
            k = int(np.argmax(bad))
            raise ModelError(
                f"Process: {name} does not follow from alpha and sigma at t = {t[k]:.6g}",
                given=f"{name} = {given[k]:.10g}",
                needed=f"{derived[k]:.10g}, from f = d log(alpha) / dt and g^2 = d sigma^2 / dt - 2 f sigma^2",
                fix="give one of the two descriptions; the other is derived",
                where=caller(),
            )


@dataclass(frozen=True, repr=False)
class Given(ForwardProcess):
    """A process that functions describe."""

    def _times(self, least: float = -math.inf) -> None:
        self._number("end")
        self._number("start", least, self.end, closed=(True, False))


@dataclass(frozen=True, repr=False)
class FromDrift(Given):
    """A process from f and g; alpha and sigma are integrals. Made by `Process`."""

    drift: OfTime
    diffusion: OfTime
    initial: tuple[float, float] = (1.0, 0.0)
    start: float = 1e-3
    end: float = 1.0
    _logarithms: ClassVar[tuple[Piecewise, Piecewise]]  # of alpha and sigma; an instance's own

    def __post_init__(self) -> None:
        self._times(0.0)
        ok = isinstance(self.initial, tuple) and len(self.initial) == 2 and self.initial[0] > 0 <= self.initial[1]
        if not ok:
            self._refuse("initial is alpha and sigma at t = 0", self.initial, "two numbers, such as (1.0, 0.0)")
        self._set("_logarithms", self._integrated())

    def f(self, ops: Any, t: Array) -> Array:
        """The user's f."""
        return _call("f", self.drift, ops, t)

    def g2(self, ops: Any, t: Array) -> Array:
        """The square of the user's g."""
        return ops.square(_call("g", self.diffusion, ops, t))

    def alpha(self, ops: Any, t: Array) -> Array:
        """exp of the integral of f."""
        return ops.exp(self._logarithms[0](ops, t))

    def sigma(self, ops: Any, t: Array) -> Array:
        """The standard deviation of what g has added."""
        return ops.exp(self._logarithms[1](ops, t))

    def _integrated(self) -> tuple[Piecewise, Piecewise]:
        """log(alpha) and log(sigma) as polynomials."""
        name = "f"
        with np.errstate(all="ignore"):
            try:
                lost = integrate(lambda t: self.f(NUMPY, t), 0.0, self.end)
                name = "g"
                gained = integrate(lambda t: self.g2(NUMPY, t) * np.exp(-2.0 * lost(t)), 0.0, self.end)
                a0, s0 = self.initial
                name = "sigma"
                return (
                    fit(lambda t: math.log(a0) + lost(t), self.start, self.end),
                    fit(
                        lambda t: math.log(a0) + lost(t) + 0.5 * np.log((s0 / a0) ** 2 + gained(t) / a0**2),
                        self.start,
                        self.end,
                    ),
                )
            except NotSmooth as e:
                raise ModelError(
                    f"Process: {name} cannot be integrated near t = {e.at:.6g}",
                    given="a value that is not finite, or grows without bound",
                    needed=f"{name} finite from 0 to end = {self.end:g}, and noise from start = {self.start:g} on",
                    fix="move end (or start) away from that time, or give alpha and sigma",
                    where=caller(),
                ) from None


@dataclass(frozen=True, repr=False)
class FromMarginals(Given):
    """A process from alpha and sigma. Made by `Process`."""

    signal: OfTime
    noise: OfTime
    start: float = 1e-3
    end: float = 1.0

    def __post_init__(self) -> None:
        self._times()

    def alpha(self, ops: Any, t: Array) -> Array:
        """The user's alpha."""
        return _call("alpha", self.signal, ops, t)

    def sigma(self, ops: Any, t: Array) -> Array:
        """The user's sigma."""
        return _call("sigma", self.noise, ops, t)

    def d_alpha(self, ops: Any, t: Array) -> Array:
        """The derivative of alpha."""
        return ops.jvp(lambda s: self.alpha(ops, s), (t,), (ops.ones_like(t),))[1]

    def d_sigma(self, ops: Any, t: Array) -> Array:
        """The derivative of sigma."""
        return ops.jvp(lambda s: self.sigma(ops, s), (t,), (ops.ones_like(t),))[1]


@dataclass(frozen=True, repr=False)
class FromLogSNR(Given):
    """A process from its log-SNR and the scale sqrt(alpha^2 + sigma^2). Made by `Process`."""

    curve: OfTime
    size: OfTime = _one
    start: float = 1e-3
    end: float = 1.0

    def __post_init__(self) -> None:
        self._times()

    def _both(self, ops: Any, t: Array) -> tuple[Array, Array]:
        return _call("log_snr", self.curve, ops, t), _call("scale", self.size, ops, t)

    def alpha(self, ops: Any, t: Array) -> Array:
        """scale sqrt(S(log_snr))."""
        curve, size = self._both(ops, t)
        return size * ops.exp(0.5 * ops.log_sigmoid(curve))

    def sigma(self, ops: Any, t: Array) -> Array:
        """scale sqrt(S(-log_snr))."""
        curve, size = self._both(ops, t)
        return size * ops.exp(0.5 * ops.log_sigmoid(-curve))

    def gamma(self, ops: Any, t: Array) -> Array:
        """Minus the user's log-SNR."""
        return -self._both(ops, t)[0]

    def d_gamma(self, ops: Any, t: Array) -> Array:
        """Minus its derivative."""
        return -ops.jvp(lambda s: self._both(ops, s)[0], (t,), (ops.ones_like(t),))[1]

    def g2(self, ops: Any, t: Array) -> Array:
        """sigma^2 gamma'."""
        return ops.square(self.sigma(ops, t)) * self.d_gamma(ops, t)

    def f(self, ops: Any, t: Array) -> Array:
        """d log(alpha) / dt = d log(scale) / dt - gamma' S(gamma) / 2."""
        curve, size = self._both(ops, t)
        growth = ops.jvp(lambda s: self._both(ops, s)[1], (t,), (ops.ones_like(t),))[1] / size
        return growth - 0.5 * self.d_gamma(ops, t) * ops.sigmoid(-curve)
