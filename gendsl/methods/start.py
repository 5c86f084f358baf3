"""Where chains start: u ~ Uniform(-2, 2) in the unconstrained space, once density and gradient are finite there.

The points depend on the seed and the chain alone, so both backends start from the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.errors import FitError, Location

if TYPE_CHECKING:
    from gendsl.program import BoundProgram

__all__ = ["TRIES", "starts"]

TRIES = 100

Point = dict[str, np.ndarray]
Evaluate = Callable[[Point], tuple[float, Point]]
"""The log-density of a point and its gradient."""


def starts(program: BoundProgram, evaluate: Evaluate, chains: int, seed: int) -> list[Point]:
    """A starting point for each chain.

    Args:
        program: the bound program.
        evaluate: its log-density and gradient.
        chains: how many.
        seed: the seed of the run.

    Raises:
        FitError: if no point with finite density and gradient is found; it names the value or term that is not finite.
    """
    return [_start(program, evaluate, chain, seed) for chain in range(chains)]


def _start(program: BoundProgram, evaluate: Evaluate, chain: int, seed: int) -> Point:
    rng = np.random.default_rng([seed, chain])
    u: Point = {}
    for _ in range(TRIES):
        u = {name: rng.uniform(-2.0, 2.0, shape) for name, shape in program.shapes.items()}
        value, gradient = evaluate(u)
        if np.isfinite(value) and all(np.isfinite(g).all() for g in gradient.values()):
            return u
    raise _failure(program, u, value, gradient, chain)


def _failure(program: BoundProgram, u: Point, value: float, gradient: Point, chain: int) -> FitError:
    """What is not finite at the last point: a value, a term of the density, or a derivative."""
    unknown = (None, f"a log-density of {value}", "check the data and the priors with m.explain()")
    name, given, fix = next(_suspects(program, u, gradient), unknown)
    return FitError(
        f"no starting point with a finite density and gradient in {TRIES} tries (chain {chain})",
        node=name,
        given=given,
        needed="a finite log-density where every unconstrained value lies in (-2, 2)",
        fix=fix,
        where=_where(program, name),
    )


def _suspects(program: BoundProgram, u: Point, gradient: Point) -> Iterator[tuple[str, str, str]]:
    p = program.program
    with suppress(Exception):  # the search for a name must not hide the failure itself
        for name, x in program.constrain({k: v[None] for k, v in u.items()}).items():
            if bad := _count(x):
                yield name, f"{bad} at a typical point of its prior", "keep the expression finite there"
    with suppress(Exception), p.backend.precision(p.precision):
        moved = {k: p.backend.array(v, p.precision) for k, v in u.items()}
        terms: Mapping[str, Any] = p.backend.log_joint(p.model, moved, *program.arguments)
        for name, term in terms.items():
            if bad := _count(p.backend.numpy(term)):
                where = ", ".join(f"{k} = {_show(v)}" for k, v in u.items())
                yield (
                    name,
                    f"log-density terms: {bad}, at unconstrained {where}"[:400],
                    "check that its data lie in the support and that its parameters stay finite",
                )
    for name, g in gradient.items():
        if bad := _count(g):
            yield name, f"its derivative is {bad}", "a where() whose other branch is not finite also gives this"


def _count(x: np.ndarray) -> str:
    """Words for the values that are not finite; empty where all are."""
    x = np.asarray(x)
    bad = x[~np.isfinite(x)]
    if not bad.size:
        return ""
    return str(bad[0]) if x.size == 1 else f"{bad.size} of {x.size} values not finite, such as {bad[0]}"


def _show(x: np.ndarray) -> str:
    flat = np.asarray(x).ravel()
    text = ", ".join(f"{v:.3g}" for v in flat[:3])
    return text if x.ndim == 0 else f"[{text}{', ...' if flat.size > 3 else ''}]"


def _where(program: BoundProgram, name: str | None) -> Location | None:
    sites = program.program.graph.sites
    return program.program.graph.nodes[sites[name]].where if name in sites else None
