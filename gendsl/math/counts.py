"""Densities of counts, over `ops`.

    Beta-binomial:  log C(n, k) + log B(k + a, n - k + b) - log B(a, b)
    Gamma-Poisson:  log Gamma(a + k) / (Gamma(a) k!) + a log(r / (1 + r)) - k log(1 + r)

A negative binomial with n failures and success probability p is the Gamma-Poisson with a = n, r = 1 / p - 1.

They are written with the log-gamma function: the log-beta function of one engine is right to 1e-6 only, where an
argument is 8 or more.
"""

from __future__ import annotations

from typing import Any

__all__ = ["beta_binomial_log_prob", "gamma_poisson_log_prob"]


def _log_beta(ops: Any, a: Any, b: Any) -> Any:
    return ops.gammaln(a) + ops.gammaln(b) - ops.gammaln(a + b)


def beta_binomial_log_prob(ops: Any, k: Any, n: Any, a: Any, b: Any) -> Any:
    """The log-probability of k successes in n trials whose probability is Beta(a, b)."""
    choices = -ops.log(1.0 + n) - _log_beta(ops, n - k + 1.0, k + 1.0)
    return choices + _log_beta(ops, k + a, n - k + b) - _log_beta(ops, a, b)


def gamma_poisson_log_prob(ops: Any, k: Any, a: Any, r: Any) -> Any:
    """The log-probability of k events of a Poisson variable whose rate is Gamma(a, r)."""
    ways = ops.gammaln(a + k) - ops.gammaln(a) - ops.gammaln(k + 1.0)
    return ways - a * ops.log1p(1.0 / r) - k * ops.log1p(r)
