"""Latents over plates that are new in part: elements with labels that the fit knows keep their posterior.

For a plate that is called new, an element whose label is one of the fit's is that element, and has its draws; the
others are drawn from the prior given the other latents. Elements without labels are all new.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from gendsl.data.labels import keys
from gendsl.errors import FitError
from gendsl.forward import bind_forward, compile_forward, simulate
from gendsl.graph.types import ArrayType
from gendsl.joined import with_learnt
from gendsl.program import BoundProgram
from gendsl.request import joint_plates, plates_of, root

if TYPE_CHECKING:
    from collections.abc import Set
    from typing import Any

    from gendsl.data import Bound
    from gendsl.joined import Seen

__all__ = ["keep_known", "known_elements"]

_NEW = 3  # keeps the stream of random numbers apart from those of predictions


def known_elements(before: Bound, now: Bound, plate: str) -> dict[int, int]:
    """The elements of a plate whose labels both have: where they are now -> where they were."""
    old, new = before.coords.get(plate), now.coords.get(plate)
    if old is None or new is None:
        return {}
    at = {k: i for i, k in enumerate(keys(old))}
    return {i: at[k] for i, k in enumerate(keys(new)) if k in at}


def keep_known(
    fit: Seen, bound: BoundProgram, anew: Set[str], given: Mapping[str, np.ndarray], data: Mapping[str, Any], seed: int
) -> dict[str, np.ndarray]:
    """Draws of the latents over new plates where some of the elements are known; none where all are new.

    Args:
        fit: the fit.
        bound: the program that needs the latents, with new data.
        anew: the plates, none of them cut from another.
        given: draws of the other latents, (chain * draw, *dims, *event).
        data: the new data.
        seed: seed of the draws of what is new.

    Raises:
        FitError: if a distribution that is joint over a plate would have to be drawn given some of its elements.
    """
    trained, graph = fit.bound.bound, bound.program.graph
    known = {plate: found for plate in anew if (found := known_elements(trained, bound.bound, plate))}
    over = [n for _, n in graph.of("latent") if n.name in fit.draws and anew & set(plates_of(graph, n))]
    latents = [n for n in over if n.name not in given]
    kept = [n for n in latents if all(known.get(p) for p in set(plates_of(graph, n)) & anew)]
    for n in kept:
        if joint := [p for p in joint_plates(graph, n) if p in known]:
            raise FitError(
                f"'{n.name}' is joint over '{joint[0]}': new elements cannot be drawn given those of the fit",
                node=n.name,
                given=f"{len(known[joint[0]])} elements of '{joint[0]}' that the fit has, and others",
                needed="new elements only, or those of the fit only",
                fix=f"leave the known elements of '{joint[0]}' out of the data",
                where=n.where,
            )
    if not kept:
        return {}
    p = fit.program
    declared, lead = p.declared, next(iter(given.values())).shape[0] if given else None
    count = lead or int(np.prod(next(iter(fit.draws.values())).shape[:2]))
    names = tuple(str(n.name) for n in latents)
    inputs = frozenset(k for k in data if k in declared.inputs)
    program = compile_forward(
        declared, p.backend.name, names, frozenset(), inputs, precision=p.precision, device=p.device
    )
    fixed = {k: (trained.sizes[k], trained.coords.get(k)) for k in _plates(program, given) if k not in anew}
    sizes = {k: v for k, v in bound.bound.sizes.items() if k in anew}
    run = with_learnt(fit, bind_forward(program, data, sizes, fixed))
    values = simulate(run, given, count, (seed, _NEW), values=names).values
    for n in kept:
        name = str(n.name)
        values[name] = _put(values[name], fit.draws[name].reshape(count, *fit.draws[name].shape[2:]), n, graph, known)
    return values


def _plates(program: Any, given: Mapping[str, np.ndarray]) -> dict[str, None]:
    latents = [n for _, n in program.graph.of("latent") if n.name in given]
    return dict.fromkeys(p for n in latents for p in plates_of(program.graph, n))


def _put(new: np.ndarray, old: np.ndarray, n: Any, graph: Any, known: Mapping[str, dict[int, int]]) -> np.ndarray:
    """The new values, with the old ones at elements that are known along every plate."""
    dims = n.type.dims if isinstance(n.type, ArrayType) else ()
    to, source = [np.arange(new.shape[0])], [np.arange(old.shape[0])]
    for k, dim in enumerate(dims, 1):
        pairs = known.get(root(graph, dim))
        there = np.arange(new.shape[k])
        to.append(there if pairs is None else np.array(list(pairs), int))
        source.append(there if pairs is None else np.array(list(pairs.values()), int))
    new = new.copy()
    new[np.ix_(*to)] = old[np.ix_(*source)]
    return new
