"""Candidates for starting points: uniform ones, draws from the prior, and values that were given.

They depend on the seed and the chain alone. Uniform ones are the same on both backends; draws from the prior come from
the backend's own generator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gendsl.errors import FitError, caller
from gendsl.graph.types import DistType
from gendsl.methods.init import Given, Init, Prior, Uniform

if TYPE_CHECKING:
    from gendsl.coordinates import Coordinates
    from gendsl.program import BoundProgram

__all__ = ["TRIES", "Choice", "Point", "choice", "flat", "split"]

TRIES = 100
_OTHERS = {"let": "is computed from latents", "observe": "is observed", "data": "is data"}
_PRIOR = 3  # keeps the stream of random numbers apart from that of predictions

Point = dict[str, np.ndarray]


@dataclass(frozen=True)
class Choice:
    """Candidates for each chain.

    Attributes:
        points: of a chain, one after the other.
        words: what kind of points they are.
        candidates: how many points to compare.
    """

    points: Callable[[int], Iterator[Point]]
    words: str
    candidates: int = 1


def choice(program: BoundProgram, init: Init, chains: int, seed: int, coordinates: Coordinates | None) -> Choice:
    """The candidates of each chain.

    Raises:
        FitError: if values are given that do not fit the model, or the prior cannot be drawn from.
    """
    if isinstance(init, Uniform):
        reach = f"({-init.radius:g}, {init.radius:g})"
        return Choice(
            lambda chain: (_placed(program, coordinates, v) for v in _uniform(program, init.radius, seed, chain)),
            f"where every unconstrained value, or its coordinate in a design, lies in {reach}",
            init.candidates,
        )
    if isinstance(init, Prior):
        return Choice(_prior(program, chains, seed), "at a draw from the prior")
    if isinstance(init, Given):
        return Choice(_given(program, init, chains, seed, coordinates), "at the values of gd.init.Given")
    raise TypeError(f"not a way to choose starting points: {init!r}")


def _uniform(program: BoundProgram, radius: float, seed: int, chain: int) -> Iterator[Point]:
    rng = np.random.default_rng([seed, chain])
    for _ in range(TRIES):
        yield {name: rng.uniform(-radius, radius, shape) for name, shape in program.shapes.items()}


def _placed(program: BoundProgram, coordinates: Coordinates | None, v: Point) -> Point:
    """A point whose values are given in some coordinates, in units of the posterior's width there."""
    if coordinates is None:
        return v
    z = flat(program, v)
    z[coordinates.index] *= coordinates.spread
    return split(program, coordinates.forward(z))


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
                where=caller() if n is None else n.where,
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


def flat(program: BoundProgram, u: Point) -> np.ndarray:
    """A point as a vector."""
    return np.concatenate([np.ravel(u[k]) for k in program.shapes])


def split(program: BoundProgram, z: np.ndarray) -> Point:
    """A vector as a point."""
    shapes = program.shapes
    ends = np.cumsum([int(np.prod(s, dtype=int)) for s in shapes.values()])[:-1]
    return {k: x.reshape(shapes[k]) for k, x in zip(shapes, np.split(z, ends), strict=True)}
