"""Langevin samplers and the objectives of energies and critics: both backends, equal values and gradients.

Everything is evaluated on the same parameters and the same noise, and differentiated in the parameters of a network.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from gendsl.math import dual_averaging
from gendsl.math.adversarial import LOSSES, gradient_norm
from gendsl.math.energy import target
from gendsl.math.langevin import Dense, Diagonal, Point, mala_chain, ula_chain
from gendsl.networks import MLP, Activation
from gendsl.objectives.adversarial import GAN, PENALTIES, R1, WGAN, GradientPenalty
from gendsl.objectives.contrastive import ContrastiveDivergence, PersistentContrastiveDivergence
from gendsl.objectives.energy import (
    ImplicitScoreMatching,
    Probe,
    ScoreMatching,
    SlicedScoreMatching,
    SmoothedScoreMatching,
)
from tests.diffusion.truth import compiled, double

EVENT = (2, 2)
SPEC = MLP(1, hidden=(7,), activation=Activation.TANH)
ROWS, STEPS, PARTICLES = 5, 3, 8

Case = Callable[[Any, Callable[[Any], Any], Callable[[Any], Any], dict[str, Any]], Any]
"""(ops, energy, the energy with fixed parameters, data and noise by name) -> a scalar, or numbers."""


def _inputs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    normal, uniform = rng.standard_normal, rng.random
    return {
        "x": normal((ROWS, *EVENT)),
        "y": normal((ROWS, *EVENT)),
        "eps": normal((ROWS, *EVENT)),
        "probes": normal((3, ROWS, *EVENT)),
        "noise": normal((STEPS, ROWS, *EVENT)),
        "uniform": uniform((STEPS, ROWS)),
        "fresh": normal((ROWS, *EVENT)),
        "again": np.array([0.01, 0.9, 0.5, 0.02, 0.7]),
        "mix": uniform(ROWS),
        "particles": normal((PARTICLES, *EVENT)),
        "steps": np.array([0.1, 0.2, 0.3, 0.05, 0.2]),
        "scale": 0.5 + uniform((ROWS, *EVENT)),
        "factor": np.tril(normal((4, 4))),
    }


def _chain(kind: str, preconditioner: str) -> Case:
    def case(ops: Any, energy: Any, frozen: Any, v: dict[str, Any]) -> Any:
        if preconditioner == "dense":  # of vectors
            flat = {k: ops.reshape(v[k], (*v[k].shape[:-2], 4)) for k in ("x", "noise")}
            field = target(ops, lambda z: energy(ops.reshape(z, (*z.shape[:-1], *EVENT))))
            x, noise, factor = flat["x"], flat["noise"], Dense(v["factor"])
        else:
            field, x, noise, factor = target(ops, energy), v["x"], v["noise"], Diagonal(v["scale"])
        start = Point.at(field, x)
        if kind == "ULA":
            last, trace = ula_chain(ops, field, start, v["steps"], noise, factor)
            return ops.sum(ops.sin(last.position)) + ops.sum(trace.log_density)
        last, trace = mala_chain(ops, field, start, v["steps"], noise, v["uniform"], factor)
        return ops.sum(ops.sin(last.position)) + ops.sum(trace.acceptance) + ops.sum(trace.log_density)

    return case


def _averaging(ops: Any, energy: Any, frozen: Any, v: dict[str, Any]) -> Any:
    state = dual_averaging.begin(ops, v["steps"])
    for u in v["uniform"]:
        state = dual_averaging.averaged(ops, state, u, 0.6)
    return ops.sum(state.log_mean) + 0.0 * ops.sum(energy(v["x"]))


def _matching(objective: ScoreMatching) -> Case:
    return lambda ops, energy, frozen, v: ops.mean(objective.loss(ops, energy, v["x"], v))


def _contrast(objective: ContrastiveDivergence) -> Case:
    def case(ops: Any, energy: Any, frozen: Any, v: dict[str, Any]) -> Any:
        state = {"particles": v["particles"]} if isinstance(objective, PersistentContrastiveDivergence) else {}
        out = objective.loss(ops, energy, frozen, v["x"], v, state)
        after = sum(ops.sum(ops.cos(s)) for s in out.state.values())
        return out.value + sum(out.parts.values()) + after

    return case


def _critic(objective: GAN) -> Case:
    return lambda ops, d, frozen, v: objective.critic_loss(ops, d, v["x"], v["y"], v).value


def _generator(objective: GAN) -> Case:
    return lambda ops, d, frozen, v: objective.generator_loss(ops, d, v["y"]).value


CASES: dict[str, Case] = {
    **{f"{k} {p}": _chain(k, p) for k in ("ULA", "MALA") for p in ("diagonal", "dense")},
    "dual averaging": _averaging,
    "implicit": _matching(ImplicitScoreMatching()),
    **{
        f"sliced {p.value}, {'less variance' if r else 'plain'}": _matching(
            SlicedScoreMatching(projections=3, probe=p, variance_reduced=r)
        )
        for p in Probe
        for r in (True, False)
    },
    "smoothed": _matching(SmoothedScoreMatching(sigma=0.4)),
    "contrastive": _contrast(ContrastiveDivergence(steps=STEPS, decay=0.1)),
    "persistent": _contrast(PersistentContrastiveDivergence(steps=STEPS, particles=PARTICLES, decay=0.1)),
    "persistent, unadjusted": _contrast(
        PersistentContrastiveDivergence(steps=STEPS, particles=PARTICLES, adjusted=False)
    ),
    **{f"{k}, critic": _critic(GAN(critic=SPEC, loss=c())) for k, c in LOSSES.items()},
    **{f"{k}, generator": _generator(GAN(critic=SPEC, loss=c())) for k, c in LOSSES.items()},
    **{f"{k}, penalty": _critic(GAN(critic=SPEC, penalty=c())) for k, c in PENALTIES.items()},
    "one-sided penalty": _critic(WGAN(critic=SPEC, penalty=GradientPenalty(5.0, one_sided=True))),
    "WGAN": _critic(WGAN(critic=SPEC)),
    "gradient norm": lambda ops, d, frozen, v: ops.sum(gradient_norm(ops, d, v["x"])),
}


@cache
def evaluate(name: str, backend: str) -> tuple[float, dict[str, np.ndarray]]:
    """The value of a case, and its gradient in the network's parameters."""
    network = import_module(f"gendsl_{backend}.networks").network(SPEC, event=EVENT, name="net")
    rng = np.random.default_rng(2)
    start = {k: 1.5 * x + 0.1 * rng.standard_normal(x.shape) for k, x in SPEC.init(EVENT, 3, "net.").items()}
    with double(backend) as (b, ops):
        params = {k: b.array(x, "float64") for k, x in start.items()}
        inputs = {k: b.array(x, "float64") for k, x in _inputs().items()}

        def value(params: dict[str, Any], fixed: dict[str, Any], inputs: dict[str, Any]) -> Any:
            return CASES[name](ops, lambda x: network(params, x)[..., 0], lambda x: network(fixed, x)[..., 0], inputs)

        out, gradient = compiled(backend, ops.value_and_grad(value))(params, params, inputs)
        return float(out), {k: b.numpy(g) for k, g in gradient.items()}


@pytest.mark.parametrize("name", CASES)
def test_both_backends_give_one_value_and_gradient(name: str) -> None:
    (a, da), (c, dc) = (evaluate(name, b) for b in ("pyro", "numpyro"))
    assert np.isfinite(a)
    assert a == pytest.approx(c, rel=1e-10)
    size = max(np.abs(g).max() for g in da.values())
    assert (size > 1e-3) == (name != "dual averaging")
    for k, g in da.items():
        np.testing.assert_allclose(g, dc[k], rtol=1e-10, atol=1e-10 * max(size, 1.0))


def test_every_loss_and_penalty_has_a_case() -> None:
    assert {f"{k}, critic" for k in LOSSES} | {f"{k}, penalty" for k in PENALTIES} <= set(CASES)
    assert set(PENALTIES.values()) == {R1, GradientPenalty}
