"""Posteriors in the tails of their priors.

Draws theta_s of the prior tell how far out the posterior median m of each scalar is. Two things together make a
conflict:

    t = 2 min(P(theta <= m), P(theta >= m))                 is at most 0.01, divided by the scalars of the site;
    p(m) / (P(q25 < theta < q75) / (q75 - q25))              is below 0.1: m is where the prior is thin as well,

with p(m) from the 20 nearest prior draws. The second keeps a scale near zero under a half-normal prior, and a
probability near one under a uniform one, from being called a conflict: the prior is not thin there. A check of this
kind compares a statistic of the data with its prior predictive distribution; m varies less than theta under it, so t is
conservative.

References:
    Sampling and Bayes' Inference in Scientific Modelling and Robustness (Box, 1980) | https://doi.org/10.2307/2982063
    Checking for Prior-Data Conflict (Evans, Moshonov, 2006) | https://doi.org/10.1214/06-BA129
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gendsl.data import Bound
from gendsl.errors import FitError
from gendsl.forward import ForwardProgram, compile_forward, refuse_improper, simulate
from gendsl.passes.forward import imputing
from gendsl.program import BoundProgram
from gendsl.results.scalars import Scalars, scalars
from gendsl.results.words import listed, number

if TYPE_CHECKING:
    from gendsl.fit import Fit

__all__ = ["conflicts", "tails", "thinness"]

_DRAWS, _LEAST, _BUDGET = 4000, 500, 2**24  # draws of the prior, and numbers in all of them
_TAIL, _THIN, _NEAREST, _SHOWN = 0.01, 0.1, 20, 3
_STREAM = 5  # keeps the random numbers apart from those of predictions


def conflicts(fit: Fit) -> tuple[list[str], tuple[str, ...]]:
    """What is said of posteriors in the tails of their priors, and of latents that could not be looked at."""
    program, improper, weighted = _program(fit)
    notes: tuple[str, ...] = ()
    if improper:
        notes += (f"not compared with a prior, which is improper: {listed(improper)}",)
    for factor, names in weighted.items():
        notes += (
            f"not compared with a prior, for factor '{factor}' weights them, whether as likelihood or as prior: "
            f"{listed(names)}",
        )
    if program is None:
        return [], notes
    names = [str(n.name) for _, n in program.graph.of("latent") if n.name in fit.draws]
    posterior = scalars(fit, names)
    count = int(np.clip(_BUDGET // max(len(posterior), 1), _LEAST, _DRAWS))
    trained = fit.bound.bound
    bound = BoundProgram(program, Bound(trained.arrays, trained.sizes, trained.coords))
    values = simulate(bound, {}, count, (fit.seed, _STREAM), values=names).values
    prior = np.concatenate([np.moveaxis(values[k].reshape(count, -1), -1, 0) for k in dict.fromkeys(posterior.sites)])
    middle = np.median(posterior.draws, axis=(1, 2))
    tail, thin = tails(prior, middle), thinness(prior, middle)
    share = np.array([max(_TAIL / posterior.sites.count(s), 2.5 / count) for s in posterior.sites])
    bad = np.flatnonzero((tail <= share) & (thin < _THIN))
    return ([_words(posterior, prior, middle, bad[np.argsort(thin[bad])])] if bad.size else []), notes


def tails(prior: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Two-sided tail probabilities of points under prior draws.

    Args:
        prior: (scalar, draw).
        at: (scalar,).
    """
    n = prior.shape[1]
    below = (prior <= at[:, None]).sum(1)
    above = (prior >= at[:, None]).sum(1)
    out: np.ndarray = np.minimum(1.0, 2 * (np.minimum(below, above) + 1) / (n + 1))
    return out


def thinness(prior: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The prior's density at points, from the nearest draws, relative to that between its quartiles.

    Args:
        prior: (scalar, draw).
        at: (scalar,).
    """
    n = prior.shape[1]
    near = min(_NEAREST, n)
    reach = np.partition(np.abs(prior - at[:, None]), near - 1, axis=1)[:, near - 1]
    low, high = np.quantile(prior, [0.25, 0.75], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (near / n / (2 * reach)) / (0.5 / (high - low))
    return np.where(np.isnan(ratio), 1.0, ratio)


def _program(fit: Fit) -> tuple[ForwardProgram | None, list[str], dict[str, list[str]]]:
    """The program that draws the latents from their priors, as far as they can be; those whose prior is improper; and
    factor -> those that it weights."""
    graph = fit.program.declared
    imputed = imputing(graph)
    names = [str(n.name) for _, n in graph.of("latent") if n.name not in imputed]
    if not names:
        return None, [], {}
    whole, _ = _compiled(fit, tuple(names))
    if whole is not None:
        return whole, [], {}
    proper: list[str] = []
    improper: list[str] = []
    weighted: dict[str, list[str]] = {}
    factors = {n.name for _, n in graph.of("factor")}
    for name in names:
        one, node = _compiled(fit, (name,))
        if one is not None:
            proper.append(name)
        elif node in factors:
            weighted.setdefault(str(node), []).append(name)
        else:
            improper.append(name)
    program = _compiled(fit, tuple(proper))[0] if proper else None
    return program, improper, weighted


def _compiled(fit: Fit, wanted: tuple[str, ...]) -> tuple[ForwardProgram | None, str | None]:
    """The program that draws some latents; or None, and the latent or factor for which there is none."""
    p = fit.program
    observed = frozenset(str(n.name) for _, n in p.declared.of("observe"))
    program = compile_forward(p.declared, p.backend.name, wanted, observed, precision=p.precision, device=p.device)
    try:
        refuse_improper(program, (), "a check")
    except FitError as e:
        return None, e.node
    return program, None


def _words(posterior: Scalars, prior: np.ndarray, middle: np.ndarray, bad: np.ndarray) -> str:
    parts = []
    for k in bad[:_SHOWN]:
        low, high = np.quantile(prior[k], [0.03, 0.97])
        beyond = int(min((prior[k] <= middle[k]).sum(), (prior[k] >= middle[k]).sum()))
        parts.append(
            f"{posterior.labels[k]} has its posterior median at {number(middle[k])}, its prior 94 % between "
            f"{number(low)} and {number(high)} ({beyond or 'none'} of {prior.shape[1]} prior draws "
            f"{'is' if beyond < 2 else 'are'} further out)"
        )
    rest = f"; and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
    return (
        f"prior and data disagree: {'; '.join(parts)}{rest}. Look at units and coding of the data, and widen the prior "
        "if it says more than is known"
    )
