"""Where chains start: points of the unconstrained space at which density and gradient are finite.

Candidates depend on the seed and the chain alone; which of them is taken, on those of other chains too. Uniform ones
are the same on both backends; draws from the prior come from the backend's own generator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.errors import FitError, Location
from gendsl.graph.types import DistType
from gendsl.methods.basins import begin
from gendsl.methods.chains import Start
from gendsl.methods.init import Given, Init, Prior, Uniform

if TYPE_CHECKING:
    from gendsl.coordinates import Coordinates
    from gendsl.methods.mcmc import MCMC
    from gendsl.program import BoundProgram

__all__ = ["TRIES", "begin_chains", "starts"]

TRIES = 100
_SCREENED = 100  # iterations of warmup from which it pays to look where candidates lead
_OTHERS = {"let": "is computed from latents", "observe": "is observed", "data": "is data"}
# A log-density whose digits end at about one nat: a sampler cannot tell better from worse.
_BLURRED = {"float64": 2.0**50, "float32": 2.0**21}
_PRIOR = 3  # keeps the stream of random numbers apart from that of predictions

Point = dict[str, np.ndarray]
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
    choice = _choice(program, Uniform() if init is None else init, chains, seed, coordinates)
    count = choice.candidates if screened and program.dimension else 1
    pools = [_Pool(program, evaluate, choice, chain) for chain in range(chains)]
    found = [pool.take(count) for pool in pools]
    if count == 1:
        return [mine[0] for mine in found]

    def density(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = evaluate(_split(program, z))
        # Where the density raises (a singular matrix), there is no gradient.
        return value, _flat(program, gradient) if gradient else np.zeros_like(z)

    flat = [[_flat(program, u) for u in mine] for mine in found]
    more = [(_flat(program, u) for u in pool.good) for pool in pools]
    return [_split(program, z) for z in begin(density, flat, more, hurry)]


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
    flat = [_flat(program, u).astype(np.float64) for u in found]
    return [Start(k, coordinates.inverse(z) if coordinates else z) for k, z in enumerate(flat)]


@dataclass(frozen=True)
class _Choice:
    """Candidates for each chain.

    Attributes:
        points: of a chain, one after the other.
        words: what kind of points they are.
        candidates: how many points to compare.
    """

    points: Callable[[int], Iterator[Point]]
    words: str
    candidates: int = 1


def _choice(program: BoundProgram, init: Init, chains: int, seed: int, coordinates: Coordinates | None) -> _Choice:
    if isinstance(init, Uniform):
        reach = f"({-init.radius:g}, {init.radius:g})"
        return _Choice(
            lambda chain: (_placed(program, coordinates, v) for v in _uniform(program, init.radius, seed, chain)),
            f"where every unconstrained value, or its coordinate in a design, lies in {reach}",
            init.candidates,
        )
    if isinstance(init, Prior):
        return _Choice(_prior(program, chains, seed), "at a draw from the prior")
    if isinstance(init, Given):
        return _Choice(_given(program, init, chains, seed, coordinates), "at the values of gd.init.Given")
    raise TypeError(f"not a way to choose starting points: {init!r}")


def _uniform(program: BoundProgram, radius: float, seed: int, chain: int) -> Iterator[Point]:
    rng = np.random.default_rng([seed, chain])
    for _ in range(TRIES):
        yield {name: rng.uniform(-radius, radius, shape) for name, shape in program.shapes.items()}


def _placed(program: BoundProgram, coordinates: Coordinates | None, v: Point) -> Point:
    """A point whose values are given in some coordinates, in units of the posterior's width there."""
    if coordinates is None:
        return v
    flat = _flat(program, v)
    flat[coordinates.index] *= coordinates.spread
    return _split(program, coordinates.forward(flat))


def _flat(program: BoundProgram, u: Point) -> np.ndarray:
    return np.concatenate([np.ravel(u[k]) for k in program.shapes])


def _split(program: BoundProgram, z: np.ndarray) -> Point:
    shapes = program.shapes
    ends = np.cumsum([int(np.prod(s, dtype=int)) for s in shapes.values()])[:-1]
    return {k: x.reshape(shapes[k]) for k, x in zip(shapes, np.split(z, ends), strict=True)}


def _prior(program: BoundProgram, chains: int, seed: int) -> Callable[[int], Iterator[Point]]:
    """Draws from the prior of the declared graph, given the data that are not observed."""
    from gendsl.forward import compile_forward, refuse_improper, simulate
    from gendsl.invert import unconstrained
    from gendsl.passes.forward import imputing
    from gendsl.program import BoundProgram

    p = program.program
    # Latents that stand for missing observations start at a uniform point.
    stands = imputing(p.declared)
    latents = tuple(str(n.name) for _, n in p.declared.of("latent") if n.name not in stands)
    forward = compile_forward(p.declared, p.backend.name, latents, frozenset(), precision=p.precision, device=p.device)
    refuse_improper(forward, (), "a start from the prior")
    bound = BoundProgram(forward, program.bound)

    def points(chain: int) -> Iterator[Point]:
        draws = simulate(bound, {}, TRIES, (seed, _PRIOR, chain), values=latents).values
        for k, u in enumerate(_uniform(program, Uniform().radius, seed, chain)):
            with suppress(FitError):  # rounded to the border of its support
                yield unconstrained(program, {name: x[k] for name, x in draws.items()}, u)

    return points


def _given(
    program: BoundProgram, init: Given, chains: int, seed: int, coordinates: Coordinates | None
) -> Callable[[int], Iterator[Point]]:
    from gendsl.invert import unconstrained

    values = _checked(program, init.values, chains)
    whole = set(values) == {str(n.name) for _, n in program.program.declared.of("latent")}

    def points(chain: int) -> Iterator[Point]:
        rng = np.random.default_rng([seed, chain, 1])
        mine = {name: x[chain] for name, x in values.items()}
        for tries, v in enumerate(_uniform(program, Uniform().radius, seed, chain), 1):
            u = _placed(program, coordinates, v)
            try:
                at = unconstrained(program, mine, u)
            except FitError as e:
                if whole or tries == TRIES or not _moves(program, e.node):
                    raise
                continue  # its bounds depend on a value that was not given
            moved = {k: x + rng.uniform(-init.jitter, init.jitter, x.shape) for k, x in at.items()}
            yield {k: x if np.array_equal(x, u[k]) else moved[k] for k, x in at.items()}
            if whole and not init.jitter:
                return  # there is no other

    return points


def _moves(program: BoundProgram, name: str | None) -> bool:
    """Whether a latent's support depends on other values."""
    graph = program.program.declared
    t = graph.nodes[graph.nodes[graph.sites[name]].args[0]].type if name is not None else None
    return isinstance(t, DistType) and t.support.dynamic


def _checked(program: BoundProgram, values: Mapping[str, np.ndarray], chains: int) -> Mapping[str, np.ndarray]:
    """Given values with an axis of chains.

    Raises:
        FitError: if there is no such latent, or a shape is wrong.
    """
    declared = program.program.declared
    zero = {name: np.zeros((1, *shape)) for name, shape in program.shapes.items()}
    shapes = {k: v.shape[1:] for k, v in program.constrain(zero).items()}
    latents = [str(n.name) for _, n in declared.of("latent")]
    out = {}
    for name, x in values.items():
        if name not in latents:
            at = declared.sites.get(name, declared.inputs.get(name))
            n = None if at is None else declared.nodes[at]
            is_what = "" if n is None else _OTHERS.get(n.op, "is no latent")
            raise FitError(
                f"'{name}' {is_what}, and has no starting value" if is_what else f"there is no latent '{name}'",
                node=name,
                given=f'gd.init.Given({{"{name}": ...}})',
                needed=f"some of {', '.join(latents)}",
                fix="check the spelling; only latents have starting values",
                where=None if n is None else n.where,
            )
        shape = shapes[name]
        if x.shape not in (shape, (chains, *shape)):
            raise FitError(
                f"the starting value of '{name}' has the wrong shape",
                node=name,
                given=f"shape {x.shape}",
                needed=f"{shape} for all {chains} chains alike, or {(chains, *shape)}",
                fix="give it in the user's layout: plates in declared order, then event axes",
                where=declared.nodes[declared.sites[name]].where,
            )
        out[name] = np.broadcast_to(x, (chains, *shape)) if x.shape == shape else x
    return out


class _Pool:
    """Points that a chain may start from.

    Attributes:
        good: those at which density and gradient are finite, one after the other, as they are found.
    """

    def __init__(self, program: BoundProgram, evaluate: Evaluate, choice: _Choice, chain: int) -> None:
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
    with suppress(Exception), p.context():
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
