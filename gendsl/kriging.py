"""Gaussian processes at new inputs: what a fit predicts there is conditioned on what it has seen.

The elements of a plate t that a Gaussian process runs over are points of one function. For each draw of the posterior,
the values at new inputs x* are those of that function, given its values y at the inputs x of the fit (observed, less
the missing ones; or, of a latent process, the draw of it):

    y* | y ~ N(mu* + K*x Kxx^-1 (y - mu), K** - K*x Kxx^-1 Kx*)

where K is the covariance with its noise. Functions over another plate that is called new are new ones: nothing of
theirs is known, and they are drawn from the process.

Reference:
    Gaussian Processes for Machine Learning (Rasmussen, Williams, 2006), section 2.2 | http://gaussianprocess.org/gpml/
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gendsl.errors import FitError
from gendsl.forward import ForwardProgram, compile_forward, simulate
from gendsl.gaussian_process import Process, axes_of, process_of
from gendsl.graph.node import Graph
from gendsl.joined import Joined, Seen, fitted, in_site_axes, observed_at, values_at, with_learnt
from gendsl.known import known_elements
from gendsl.math.gaussian import condition, draw, log_prob
from gendsl.program import BoundProgram
from gendsl.request import plates_of

__all__ = ["Kriging", "functions_of", "functions_over", "incomplete"]

_STREAM = 4  # keeps the stream of random numbers apart from those of predictions
_BUDGET = 2**22  # elements of the covariances that are there at once


def functions_over(program: ForwardProgram) -> set[str]:
    """The plates of which each element has a function of its own, of the observed processes of a program."""
    graph = program.whole
    names = [str(n.name) for _, n in graph.of("observe") if n.name in program.graph.sites]
    return {d for p in (process_of(graph, name) for name in names) if p is not None for d in p.others}


def functions_of(
    fit: Seen, bound: BoundProgram, names: Collection[str], count: int, seed: int
) -> dict[str, np.ndarray]:
    """Draws of the observed processes of a model without latents at new inputs, given the data it was trained on."""
    return Kriging(fit, bound, {}, count, frozenset(), seed).observations(names)


def incomplete(fit: Seen, names: Collection[str]) -> dict[str, np.ndarray]:
    """Log-densities of what was observed of the processes with missing elements, (chain * draw, *dims)."""
    graph, draws, found = fit.program.declared, fitted(fit), {}
    kriging = Kriging(fit, fit.bound, draws, len(next(iter(draws.values()))), frozenset(), 0)
    for name in names:
        p = process_of(graph, name, strict=False)
        there = None if p is None else p.there(fit.bound.bound)
        if p is not None and there is not None:
            found[name] = kriging._alone(p, there)
    return found


@dataclass(frozen=True, eq=False)
class Kriging:
    """Predictions of the Gaussian processes of a model, given a fit.

    Values stand in the axes of their sites, (chain * draw, *dims, *event).

    Attributes:
        fit: the fit.
        bound: a forward program with new data.
        given: values that are known under the new data.
        count: how many draws.
        anew: plates with new elements.
        seed: seed of all randomness.
    """

    fit: Seen
    bound: BoundProgram
    given: Mapping[str, np.ndarray]
    count: int
    anew: Set[str]
    seed: int

    def latents(self) -> dict[str, np.ndarray]:
        """Draws of the latent processes at new elements of their plates, each given those before it.

        Raises:
            FitError: if a process cannot be conditioned, or its inputs change at elements that are not new.
        """
        found: dict[str, np.ndarray] = {}
        for _, n in self.bound.program.graph.of("latent"):
            p = process_of(self._graph, str(n.name)) if n.name in self.fit.draws else None
            if p is None:
                continue
            if p.plate in self.anew:
                if not self._new_functions(p):
                    self._unchanged(p)
                    found |= self._with(found)._latent(p)
            elif all(self._known(d) for d in p.others if d in self.anew):
                self._unchanged(p)
        return found

    def observations(self, names: Collection[str]) -> dict[str, np.ndarray]:
        """Draws of observed processes at new inputs, each given those before it; and of what they needed."""
        found: dict[str, np.ndarray] = {}
        for p in self._observed(names):
            found |= self._with(found)._drawn(p, None)
        return found

    def densities(self, names: Collection[str]) -> dict[str, np.ndarray]:
        """Log-densities of new values of observed processes given those of the fit, (chain * draw, *dims)."""
        found: dict[str, np.ndarray] = {}
        for p in self._observed(names):
            values, there = values_at(self.fit, p, self.bound.bound, self.given), p.there(self.bound.bound)
            counts = () if there is None else (there[None].astype(float),)
            found[p.name] = self._each(p, None, self._needed(p), log_prob, values, *counts, there=there)
        return found

    def _alone(self, p: Process, there: np.ndarray) -> np.ndarray:
        """The log-density of some of the values that the fit has seen, given nothing."""
        values, none = values_at(self.fit, p, self.bound.bound, self.given), np.zeros(0, int)
        counts = there[None].astype(float)
        return self._each(p, none, self._needed(p), log_prob, values, counts, there=there, alone=True)

    # -- which ---------------------------------------------------------------------------------------------------
    @property
    def _graph(self) -> Graph:
        return self.fit.program.declared

    def _with(self, found: Mapping[str, np.ndarray]) -> Kriging:
        return replace(self, given={**self.given, **found})

    def _observed(self, names: Collection[str]) -> Iterator[Process]:
        there = self.bound.program.graph.sites
        for _, n in self._graph.of("observe"):
            p = process_of(self._graph, str(n.name)) if n.name in names and n.name in there else None
            if p is None:
                continue
            if not self._new_functions(p):
                yield p

    def _known(self, plate: str) -> dict[int, int]:
        return known_elements(self.fit.bound.bound, self.bound.bound, plate)

    def _new_functions(self, p: Process) -> bool:
        """Whether the functions of a process are new ones; raise where the fit has some of them."""
        fresh = [d for d in p.others if d in self.anew]
        for d in fresh:
            if not (known := self._known(d)):
                continue
            if len(known) == self.bound.bound.sizes[d]:
                raise p.refusal(
                    f"new='{d}', and elements of '{d}' all of which the fit has",
                    "new functions, or those of the fit",
                    f"leave '{d}' out of new=, and give all its elements",
                )
            raise p.refusal(
                f"elements of '{d}' that the fit has, among others that are new",
                "new functions only, or those of the fit only",
                f"predict the new elements of '{d}' apart",
            )
        return bool(fresh)

    def _unchanged(self, p: Process) -> None:
        """Raise where the inputs change at elements of a process that stay as they were drawn."""
        graph, trained, new = self._graph, self.fit.bound.bound.arrays, self.bound.bound.arrays
        for name in (*p.data, *(k for k in p.random if k in graph.inputs)):
            if name not in new:
                continue
            before, now = trained[name], new[name]
            for k, d in enumerate(axes_of(graph.nodes[graph.inputs[name]])):
                if isinstance(d, str) and d in self.anew:
                    known = self._known(d)
                    before, now = before.take(list(known.values()), k), now.take(list(known), k)
            if np.array_equal(before, now):
                continue
            anew = p.plate in self.anew
            raise FitError(
                f"'{p.name}' was drawn at other values of '{name}'",
                node=p.name,
                given=f"new values of '{name}'"
                + (" for elements that the fit has" if anew else f", and '{p.plate}' not among new="),
                needed=f"the values of the fit, or elements of '{p.plate}' that are new",
                fix="give other inputs other labels, or none"
                if anew
                else f'new="{p.plate}" gives the function at other inputs',
                where=p.where,
            )

    # -- draws ---------------------------------------------------------------------------------------------------
    def _latent(self, p: Process) -> dict[str, np.ndarray]:
        """A latent process at all elements of its plate: as it was drawn at those that the fit has."""
        known, old = self._known(p.plate), fitted(self.fit)[p.name]
        size = self.bound.bound.sizes[p.plate]
        rest = np.array([i for i in range(size) if i not in known], int)
        found = self._drawn(p, rest) if len(rest) else {}
        out = np.empty((*old.shape[:-1], size))
        if len(rest):
            out[..., rest] = found[p.name]
        out[..., list(known)] = old[..., list(known.values())]
        return {**found, p.name: out}

    def _drawn(self, p: Process, rows: np.ndarray | None) -> dict[str, np.ndarray]:
        """Draws at some new elements, and the values drawn for them to depend on."""
        needed = self._needed(p)
        size = self.bound.bound.sizes[p.plate] if rows is None else len(rows)
        shape = (self.count, *(self.fit.bound.bound.sizes[d] for d in p.dims), size)
        noise = np.random.default_rng([self.seed, _STREAM, self._graph.sites[p.name]]).standard_normal(shape)
        drawn = {n.name for _, n in self.bound.program.graph.of("latent")}
        found = {k: v for k, v in needed.items() if k in drawn}
        return {**found, p.name: self._each(p, rows, needed, draw, noise)}

    def _each(
        self,
        p: Process,
        rows: np.ndarray | None,
        needed: Mapping[str, np.ndarray],
        function: Callable[..., Any],
        *more: np.ndarray,
        there: np.ndarray | None = None,
        alone: bool = False,
    ) -> np.ndarray:
        """function(ops, mean, scale, *more) of the conditional distributions, draws in batches of equal size.

        Args:
            p: the process.
            rows: the new elements that count; None for all.
            needed: new values of what the process depends on.
            function: what is computed.
            more: its further arguments, (chain * draw or 1, *dims, m).
            there: which of the new values are no missing ones, (*dims, m); None for all.
            alone: whether the distribution is that of the elements of the fit themselves, given nothing.
        """
        program, trained = self.fit.program, self.fit.bound.bound
        joined = Joined(self.fit, p, self.bound.bound, needed, rows)
        known, mask = values_at(self.fit, p, trained, fitted(self.fit)), p.there(trained)
        known = known[..., :0] if alone else known
        counts = (None if alone else mask, there)
        plates = tuple(trained.sizes[d] for d in p.dims)
        lengths = (known.shape[-1], joined.length - known.shape[-1])
        full = [np.ones((*plates, n), bool) if x is None else x for x, n in zip(counts, lengths, strict=True)]
        both = None if all(x is None for x in counts) else np.concatenate(full, -1)
        most = max(1, _BUDGET // (joined.length**2 * math.prod(plates)))
        size = math.ceil(self.count / math.ceil(self.count / most))
        backend, precision, parts = program.backend, program.precision, []
        for at, loc, covariance in joined.moments(self.count, size):
            loc = np.broadcast_to(loc, (size, *plates, joined.length))
            with backend.context(precision, program.device):
                own = [x[at] if len(x) > 1 else np.broadcast_to(x, (size, *x.shape[1:])) for x in (known, *more)]
                a, b, y, *rest = (backend.array(np.array(x), precision) for x in (loc, covariance, *own))
                c = None if both is None else backend.array(both.astype(float), precision) > 0
                out = function(backend.ops, *condition(backend.ops, a, b, y, c), *rest)
                parts.append(np.asarray(backend.numpy(out), np.float64))
        whole = np.concatenate(parts)[: self.count]
        if np.isnan(whole).any():
            raise p.refusal(
                "a covariance at the inputs of the fit and the new ones that is not positive definite",
                "inputs that differ, a noise, or a jitter",
                "gd.GaussianProcess(..., jitter=1e-8)",
            )
        return whole

    # -- what a process depends on -------------------------------------------------------------------------------
    def _needed(self, p: Process) -> dict[str, np.ndarray]:
        """New values of the latents and observations that a process depends on; what is not given is drawn."""
        graph, program = self._graph, self.bound.program
        out = {k: self.given[k] for k in p.random if k in self.given}
        held = [k for k in p.random if k not in out and k not in {n.name for _, n in program.graph.of("latent")}]
        for name in held:
            x = observed_at(graph, name, self.bound.bound)
            out[name] = np.broadcast_to(x, (self.count, *x.shape[1:]))
        for name in p.random:
            fresh = set() if name in graph.inputs else self.anew & set(plates_of(graph, graph.nodes[graph.sites[name]]))
            if other := sorted(fresh - {p.plate}):
                raise p.refusal(
                    f"new elements of '{other[0]}', over which '{name}' runs, on which it depends",
                    f"the elements of '{other[0]}' that the fit has",
                    f"leave '{other[0]}' out of new=",
                )
            if name not in out and fresh and self._known(p.plate):
                raise p.refusal(
                    f"elements of '{p.plate}' that the fit has, among others, and '{name}', on which it depends",
                    "new elements only, or those of the fit only",
                    f"predict the new elements of '{p.plate}' apart",
                )
        if lacking := tuple(k for k in p.random if k not in out):
            drawn = frozenset(k for k in lacking if k in graph.inputs)
            q = compile_forward(
                graph, program.backend.name, lacking, drawn, precision=program.precision, device=program.device
            )
            run = with_learnt(self.fit, BoundProgram(q, self.bound.bound))
            some = {k: v for k, v in self.given.items() if k in q.graph.sites}
            values = simulate(run, some, self.count, (self.seed, _STREAM), values=lacking).values
            out |= {k: in_site_axes(graph, k, v) if k in drawn else v for k, v in values.items()}
        return out
