"""Cases of the univariate continuous families."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from tests.laws.distributions.case import Domain, One, Row
from tests.laws.distributions.oracles import Circle, Concrete, Kumaraswamy

__all__ = ["CASES"]

LOC, SCALE = [0.0, -1.5, 3.0], [1.0, 0.4, 5.0]


def _line(p: Row) -> Domain:
    return Domain(center=float(p.loc), width=float(p.scale))


def _above(width: str | float = 1.0, low: float = 0.0) -> Any:
    return lambda p: Domain(low=low, width=float(getattr(p, width)) if isinstance(width, str) else width)


def _unit(p: Row) -> Domain:
    return Domain(0.0, 1.0)


def _circle(p: Row) -> Domain:
    return Domain(-np.pi, np.pi)


def _shifted(family: str, oracle: Any, **more: Any) -> One:
    return One(family, {"loc": LOC, "scale": SCALE, **more}, oracle=oracle, domain=_line)


def _truncated(form: str, low: list[float] | None, high: list[float] | None, **tolerances: float) -> One:
    params: dict[str, Any] = {"loc": LOC, "scale": SCALE}
    params |= {"low": low} if low else {}
    params |= {"high": high} if high else {}

    def ends(p: Row) -> tuple[float, float]:
        return float(getattr(p, "low", -np.inf)), float(getattr(p, "high", np.inf))

    def oracle(p: Row) -> Any:
        a, b = ends(p)
        return stats.truncnorm((a - p.loc) / p.scale, (b - p.loc) / p.scale, p.loc, p.scale)

    def domain(p: Row) -> Domain:
        a, b = ends(p)
        inner = np.clip(p.loc, a, b)
        gap = max(abs(inner - p.loc) / p.scale, 1.0)
        return Domain(a, b, float(inner), float(p.scale / gap))

    return One("TruncatedNormal", params, form, oracle=oracle, domain=domain, **tolerances)  # type: ignore[arg-type]


CASES: list[One] = [
    _shifted("Normal", lambda p: stats.norm(p.loc, p.scale)),
    _shifted("Cauchy", lambda p: stats.cauchy(p.loc, p.scale)),
    _shifted("StudentT", lambda p: stats.t(p.df, p.loc, p.scale), df=[4.0, 0.8, 30.0]),
    _shifted("Laplace", lambda p: stats.laplace(p.loc, p.scale)),
    _shifted(
        "AsymmetricLaplace",
        lambda p: stats.laplace_asymmetric(p.asymmetry, p.loc, p.scale),
        asymmetry=[1.0, 0.6, 2.5],
    ),
    _shifted("SoftLaplace", lambda p: stats.hypsecant(p.loc, p.scale)),
    _shifted("Logistic", lambda p: stats.logistic(p.loc, p.scale)),
    _shifted("Gumbel", lambda p: stats.gumbel_r(p.loc, p.scale)),
    One("HalfNormal", {"scale": SCALE}, oracle=lambda p: stats.halfnorm(0, p.scale), domain=_above("scale")),
    One("HalfCauchy", {"scale": SCALE}, oracle=lambda p: stats.halfcauchy(0, p.scale), domain=_above("scale")),
    One(
        "LogNormal",
        {"loc": LOC, "scale": [1.0, 0.4, 2.0]},
        oracle=lambda p: stats.lognorm(p.scale, 0, np.exp(p.loc)),
        domain=lambda p: Domain(low=0.0, width=float(np.exp(p.loc))),
    ),
    One(
        "Uniform",
        {"low": [0.0, -2.0, 1.0], "high": [1.0, 5.0, 1.5]},
        oracle=lambda p: stats.uniform(p.low, p.high - p.low),
        domain=lambda p: Domain(float(p.low), float(p.high)),
    ),
    _truncated("unbounded", None, None),
    _truncated("low", [-1.0, 0.5, 30.0], None),
    # 40 scales out, log p is a difference of numbers near 800, which float32 has to 1e-4
    _truncated("high", None, [2.0, -1.7, -200.0], single_tolerance=1e-3),
    # jax's log_ndtr is a truncated series below -20: right to 4e-9, its derivative to 1e-7
    _truncated("both", [-1.0, 20.0, -3.0], [2.0, 21.0, 100.0], gradient_tolerance=1e-7, single_tolerance=1e-3),
    One("Exponential", {"rate": SCALE}, oracle=lambda p: stats.expon(0, 1 / p.rate), domain=_above()),
    One(
        "Gamma",
        {"concentration": [2.0, 0.5, 9.0], "rate": SCALE},
        oracle=lambda p: stats.gamma(p.concentration, 0, 1 / p.rate),
        domain=_above(),
    ),
    One("Chi2", {"df": [2.0, 0.9, 11.0]}, oracle=lambda p: stats.chi2(p.df), domain=_above()),
    One(
        "InverseGamma",
        {"concentration": [2.0, 0.7, 9.0], "rate": SCALE},
        oracle=lambda p: stats.invgamma(p.concentration, 0, p.rate),
        domain=_above("rate"),
    ),
    One(
        "Weibull",
        {"scale": SCALE, "concentration": [2.0, 0.6, 4.5]},
        oracle=lambda p: stats.weibull_min(p.concentration, 0, p.scale),
        domain=_above("scale"),
    ),
    One(
        "Pareto",
        {"scale": SCALE, "alpha": [2.0, 0.9, 6.0]},
        oracle=lambda p: stats.pareto(p.alpha, 0, p.scale),
        domain=lambda p: Domain(low=float(p.scale), width=float(p.scale)),
    ),
    One(
        "Beta",
        {"concentration1": [2.0, 0.7, 30.0], "concentration0": [3.0, 0.6, 5.5]},
        oracle=lambda p: stats.beta(p.concentration1, p.concentration0),
        domain=_unit,
    ),
    One(
        "Kumaraswamy",
        {"concentration1": [2.0, 0.7, 6.0], "concentration0": [3.0, 0.6, 5.5]},
        oracle=lambda p: Kumaraswamy(float(p.concentration1), float(p.concentration0)),
        domain=_unit,
    ),
    One(
        "RelaxedBernoulli",
        {"temperature": [1.0, 0.5, 2.2], "probs": [0.4, 0.9, 0.2]},
        "probs",
        tolerance=5e-9,  # torch's softplus is linear above 20: 2e-9
        oracle=lambda p: Concrete(float(p.temperature), float(np.log(p.probs / (1 - p.probs)))),
        domain=_unit,
    ),
    One(
        "RelaxedBernoulli",
        {"temperature": [1.0, 0.5, 2.2], "logits": [0.0, -1.3, 2.5]},
        "logits",
        tolerance=5e-9,  # torch's softplus is linear above 20: 2e-9
        oracle=lambda p: Concrete(float(p.temperature), float(p.logits)),
        domain=_unit,
    ),
    One(
        "VonMises",
        {"loc": [0.0, -2.9, 1.2], "concentration": [1.0, 0.2, 40.0]},
        oracle=lambda p: Circle(float(p.loc), float(p.concentration)),
        domain=_circle,
    ),
]
