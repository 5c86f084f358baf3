"""Where chains start: points of the unconstrained space at which density and gradient are finite.

Candidates (`candidates.py`) depend on the seed and the chain alone; which is taken, on those of other chains too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.errors import FitError, Location
from gendsl.methods.basins import begin
from gendsl.methods.candidates import TRIES, Choice, Point, choice, flat, split
from gendsl.methods.chains import Start
from gendsl.methods.init import Init, Uniform
from gendsl.methods.outside import beyond

if TYPE_CHECKING:
    from gendsl.coordinates import Coordinates
    from gendsl.methods.mcmc import MCMC
    from gendsl.program import BoundProgram

__all__ = ["TRIES", "begin_chains", "starts"]

_SCREENED = 100  # iterations of warmup from which it pays to look where candidates lead
# A log-density whose digits end at about one nat: a sampler cannot tell better from worse.
_BLURRED = {"float64": 2.0**50, "float32": 2.0**21}

Evaluate = Callable[[Point], tuple[float, Point]]
"""The log-density of a point and its gradient."""


def starts(
    program: BoundProgram,
    evaluate: Evaluate,
    chains: int,
    seed: int,
    init: Init | None = None,
    *,
    screened: bool = False,
    coordinates: Coordinates | None = None,
    hurry: Callable[[], bool] = lambda: False,
) -> list[Point]:
    """A starting point for each chain.

    Args:
        program: the bound program.
        evaluate: its log-density and gradient.
        chains: how many.
        seed: the seed of the run.
        init: how they are chosen; left out, `Uniform()`.
        screened: whether candidates in the basin of a mode that does not matter are left out.
        coordinates: in which uniform points are drawn; left out, they are unconstrained values.
        hurry: whether there is no time to compare candidates.

    Raises:
        FitError: if no point with finite density and gradient is found; it names the value or term that is not finite.
            Also if values are given that do not fit the model, or the prior cannot be drawn from.
    """
    chosen = choice(program, Uniform() if init is None else init, chains, seed, coordinates)
    count = chosen.candidates if screened and program.dimension else 1
    pools = [_Pool(program, evaluate, chosen, chain) for chain in range(chains)]
    found = [pool.take(count) for pool in pools]
    if count == 1:
        return [mine[0] for mine in found]

    def density(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = evaluate(split(program, z))
        # Where the density raises (a singular matrix), there is no gradient.
        return value, flat(program, gradient) if gradient else np.zeros_like(z)

    vectors = [[flat(program, u) for u in mine] for mine in found]
    more = [(flat(program, u) for u in pool.good) for pool in pools]
    return [split(program, z) for z in begin(density, vectors, more, hurry)]


def begin_chains(
    program: BoundProgram,
    evaluate: Evaluate,
    method: MCMC,
    seed: int,
    coordinates: Coordinates | None,
    hurry: Callable[[], bool],
) -> list[Start]:
    """What the chains of a method start from, as vectors in the sampler's coordinates; see `starts`."""
    screened = method.warmup >= _SCREENED
    chains = method.chains
    found = starts(
        program, evaluate, chains, seed, method.init, screened=screened, coordinates=coordinates, hurry=hurry
    )
    vectors = [flat(program, u).astype(np.float64) for u in found]
    return [Start(k, coordinates.inverse(z) if coordinates else z) for k, z in enumerate(vectors)]


class _Pool:
    """Points that a chain may start from.

    Attributes:
        good: those at which density and gradient are finite, one after the other, as they are found.
    """

    def __init__(self, program: BoundProgram, evaluate: Evaluate, choice: Choice, chain: int) -> None:
        self._program, self._evaluate, self._choice, self._chain = program, evaluate, choice, chain
        self._blurred: list[Point] = []
        self.good = self._search()

    def _search(self) -> Iterator[Point]:
        u: Point = {}
        value, gradient, tries, found = float("nan"), u, 0, 0
        for u in self._choice.points(self._chain):
            tries += 1
            value, gradient = self._evaluate(u)
            if np.isfinite(value) and all(np.isfinite(g).all() for g in gradient.values()):
                if abs(value) < _BLURRED[self._program.program.precision]:
                    found += 1
                    yield u
                else:
                    self._blurred.append(u)
        if not found and not self._blurred:
            effort = f"in {tries} {'try' if tries == 1 else 'tries'} (chain {self._chain})"
            raise _failure(self._program, u, value, gradient, effort, self._choice.words)

    def take(self, count: int) -> list[Point]:
        """So many good points, or as many as there are; one without exact digits where there is none.

        Raises:
            FitError: if there is no point with a finite density and gradient.
        """
        return list(islice(self.good, count)) or self._blurred[:1]


def _failure(program: BoundProgram, u: Point, value: float, gradient: Point, effort: str, words: str) -> FitError:
    """What is not finite at the last point: a value, a term of the density, or a derivative."""
    unknown = (None, f"a log-density of {value}", "check the data and the priors with m.explain()")
    name, given, fix = next(_suspects(program, u, gradient), unknown)
    return FitError(
        f"no starting point with a finite density and gradient {effort}",
        node=name,
        given=given,
        needed=f"a finite log-density {words}",
        fix=fix,
        where=_where(program, name),
    )


def _suspects(program: BoundProgram, u: Point, gradient: Point) -> Iterator[tuple[str, str, str]]:
    p = program.program
    with suppress(Exception):  # the search for a name must not hide the failure itself
        for name, x in program.constrain({k: v[None] for k, v in u.items()}).items():
            if bad := _count(x):
                yield name, f"{bad} at a typical point of its prior", "keep the expression finite there"
    with suppress(Exception):
        for name, words in beyond(program, u):
            yield name, f"{words}, {_at(u)}", "check the values, and the prior of what bounds them"
    with suppress(Exception), p.context():
        moved = {k: p.backend.array(v, p.precision) for k, v in u.items()}
        terms: Mapping[str, Any] = p.backend.log_joint(p.model, moved, *program.arguments)
        for name, term in terms.items():
            if bad := _count(p.backend.numpy(term)):
                yield (
                    name,
                    f"log-density terms: {bad}, {_at(u)}",
                    "check that its data lie in the support and that its parameters stay finite",
                )
    for name, g in gradient.items():
        if bad := _count(g):
            yield name, f"its derivative is {bad}", "a where() whose other branch is not finite also gives this"


def _at(u: Point) -> str:
    return f"at unconstrained {', '.join(f'{k} = {_show(v)}' for k, v in u.items())}"[:300]


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
