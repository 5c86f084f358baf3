"""Means and covariances of a Gaussian process at the inputs of a fit and at new ones, together.

They are the declared mean and covariance, evaluated with the new data behind the data of the fit along the process's
plate; latents and observations that they depend on are given, those of the fit before the new ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from gendsl.data import Bound
from gendsl.errors import FitError, caller
from gendsl.forward import ForwardProgram, compile_forward, observed_dims, simulate
from gendsl.gaussian_process import Process, axes_of, own_dims
from gendsl.graph.node import Graph, Node
from gendsl.passes.rewrite import Rewriter
from gendsl.program import BoundProgram, Program

__all__ = [
    "Joined",
    "Seen",
    "Trained",
    "fitted",
    "in_site_axes",
    "observed_at",
    "refuse_other_sizes",
    "values_at",
    "with_learnt",
]

_SEED = (0, 0)  # nothing is drawn


class Seen(Protocol):
    """What is read of a fit.

    Attributes:
        program: the program that was run.
        bound: the same with its data.
        draws: site -> (chain, draw, *dims, *event).
        params: parameters that it has learnt, (*dims, *event) each.
    """

    @property
    def program(self) -> Program: ...
    @property
    def bound(self) -> BoundProgram: ...
    @property
    def draws(self) -> Mapping[str, np.ndarray]: ...
    @property
    def params(self) -> Mapping[str, np.ndarray]: ...


@dataclass(frozen=True, eq=False)
class Trained:
    """What is read of a fit without latents."""

    program: Program
    bound: BoundProgram
    params: Mapping[str, np.ndarray]
    draws: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Joined:
    """A process under the data of a fit and new ones.

    Attributes:
        fit: the fit.
        process: the process.
        new: new data.
        given: new values of what mean and covariance depend on, (chain * draw, *dims, *event).
        rows: the new elements that count; None for all.
    """

    fit: Seen
    process: Process
    new: Bound
    given: Mapping[str, np.ndarray]
    rows: np.ndarray | None

    @property
    def length(self) -> int:
        """The number of elements of both."""
        plate = self.process.plate
        return self.fit.bound.bound.sizes[plate] + (self.new.sizes[plate] if self.rows is None else len(self.rows))

    def moments(self, count: int, size: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Batches of draws: which, means (draw, *dims, n + m), and covariances (draw, *dims, n + m, n + m).

        Dims over which a value does not vary have length 1. All batches have one size: the last may repeat a draw.
        """
        p, trained = self.process, self.fit.bound.bound
        more = self.length - trained.sizes[p.plate]
        if more:
            p.check()
        graph = _with_lets(p.graph, {f"{p.name}_mean": p.moments[0], f"{p.name}_covariance": p.moments[1]}, p)
        names = tuple(str(n.name) for n in graph.nodes[-2:])
        drawn = frozenset(k for k in p.random if k in graph.inputs)
        program = _compile(self.fit, graph, names, drawn)
        sizes = {k: v + more if p.along(k) else v for k, v in trained.sizes.items()}
        coords = {k: v for k, v in trained.coords.items() if not p.along(k)}
        bound = with_learnt(self.fit, BoundProgram(program, Bound(self._data(program), sizes, coords)))
        given = self._given(program)
        for start in range(0, count, size):
            at = np.minimum(np.arange(start, start + size), count - 1)
            out = simulate(bound, {k: v[at] for k, v in given.items()}, size, _SEED, values=names).values
            loc, covariance = (_spread(out[k], program.graph, k, p) for k in names)
            yield at, loc, covariance

    def _data(self, program: ForwardProgram) -> dict[str, np.ndarray]:
        """The data of both; those that do not run along the process's plate must be the same."""
        p, out, needed = self.process, {}, set(self.process.data)
        for name, i in program.graph.inputs.items():
            old, axes = self.fit.bound.bound.arrays[name], axes_of(program.graph.nodes[i])
            if any(map(p.along, axes)):
                out[name] = self._both(old, self.new.arrays[name], axes, 0)
                continue
            if name in needed and not np.array_equal(old, self.new.arrays[name]):
                raise p.refusal(
                    f"other values of '{name}' than the fit has",
                    f"the data of the fit for '{name}', which does not run over '{p.plate}'",
                    f"give the values of '{name}' that the fit has",
                )
            out[name] = old
        return out

    def _given(self, program: ForwardProgram) -> dict[str, np.ndarray]:
        p, draws, out = self.process, fitted(self.fit), {}
        for name in p.random:
            old = observed_at(p.graph, name, self.fit.bound.bound) if name in p.graph.inputs else draws[name]
            axes = axes_of(program.graph.nodes[program.graph.sites[name]])
            more = self.given[name]
            old = np.broadcast_to(old, (len(more), *old.shape[1:]))
            out[name] = self._both(old, more, axes, 1) if any(map(p.along, axes)) else more
        return out

    def _both(self, old: np.ndarray, more: np.ndarray, axes: tuple[Any, ...], lead: int) -> np.ndarray:
        k = lead + next(i for i, a in enumerate(axes) if self.process.along(a))
        return np.concatenate([old, more if self.rows is None else np.take(more, self.rows, k)], k)


def fitted(fit: Seen) -> dict[str, np.ndarray]:
    """All draws of a fit, (chain * draw, *dims, *event)."""
    return {k: x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]) for k, x in fit.draws.items()}


def observed_at(graph: Graph, name: str, bound: Bound) -> np.ndarray:
    """Data of an observation in the axes of its site, (1, *dims, *event)."""
    return in_site_axes(graph, name, bound.arrays[name][None])


def in_site_axes(graph: Graph, name: str, x: np.ndarray) -> np.ndarray:
    """Values of an observation, (draw, *dims, *event) as the user gives them, in the axes of its site."""
    site, given = own_dims(graph.nodes[graph.sites[name]]), observed_dims(graph, name)
    order = [given.index(d) for d in (*site, *(d for d in given if d not in site))]
    return np.transpose(x, (0, *(1 + k for k in order), *range(1 + len(order), x.ndim)))


def values_at(fit: Seen, p: Process, bound: Bound, given: Mapping[str, np.ndarray]) -> np.ndarray:
    """The values of a process, (chain * draw, *dims, t), or 1 in place of the draws where they are data.

    Args:
        fit: the fit.
        p: the process.
        bound: data.
        given: latents under these data.
    """
    if p.latent:
        return given[p.name]
    if p.name in p.graph.inputs:
        return observed_at(p.graph, p.name, bound)
    observed = p.graph.nodes[p.graph.sites[p.name]].args[1]
    graph = _with_lets(p.graph, {f"{p.name}_value": observed}, None)
    name = str(graph.nodes[-1].name)
    program = _compile(fit, graph, (name,), frozenset())
    if lacking := [str(n.name) for _, n in program.graph.of("latent") if n.name not in given]:
        raise p.refusal(
            f"observed values that depend on '{lacking[0]}', which is drawn anew",
            "values that are data, or depend on what the fit has",
            f"leave the plates of '{lacking[0]}' out of new=",
        )
    count = len(next(iter(given.values())))
    some = {k: v for k, v in given.items() if k in program.graph.sites}
    run = with_learnt(fit, BoundProgram(program, bound))
    out = _spread(simulate(run, some, count, _SEED, values=(name,)).values[name], program.graph, name, p)
    return np.broadcast_to(out, (count, *(bound.sizes[d] for d in p.dims), out.shape[-1]))


def with_learnt(fit: Seen, bound: BoundProgram) -> BoundProgram:
    """The program with the parameters that a fit has learnt, where it has.

    Raises:
        FitError: if one of them runs over a plate that has another size now.
    """
    params = [n for _, n in bound.program.graph.of("param") if n.name in fit.params]
    fix = "a latent over '{}' with a prior can be drawn for new elements; a parameter has no others"
    refuse_other_sizes(params, fit.bound.bound.sizes, bound.bound.sizes, fix)
    return bound.with_learnt(fit.params)


def refuse_other_sizes(learnt: Iterable[Node], before: Mapping[str, int], now: Mapping[str, int], fix: str) -> None:
    """Raise where something that was learnt for each element of a plate meets another number of them.

    Args:
        learnt: parameters and latents.
        before: sizes of plates when it was learnt.
        now: sizes now.
        fix: what to do, with {} for the plate.

    Raises:
        FitError: naming the first.
    """
    for n in learnt:
        for d in own_dims(n):
            if now.get(d) != before.get(d):
                raise FitError(
                    f"the {n.op.replace('param', 'parameter')} '{n.name}' was learnt for the elements of '{d}' that "
                    "the fit has",
                    node=n.name,
                    given=f"{now.get(d)} elements of '{d}'",
                    needed=f"{before.get(d)}, those of the fit",
                    fix=fix.format(d),
                    where=n.where or caller(),
                )


def _with_lets(graph: Graph, values: Mapping[str, int], p: Process | None) -> Graph:
    """The graph with more recorded values; the process's plate takes its size from the data."""
    r = Rewriter(graph).keep_all()
    for name, i in values.items():
        r.add("let", (i,), r.free_name(name), axes=())
    plates = (replace(x, size=None, coords=None) if p is not None and p.along(x.name) else x for x in graph.plates)
    return replace(r.finish(), plates=tuple(plates))


def _compile(fit: Seen, graph: Graph, names: tuple[str, ...], drawn: frozenset[str]) -> ForwardProgram:
    p = fit.program
    return compile_forward(graph, p.backend.name, names, drawn, precision=p.precision, device=p.device)


def _spread(x: np.ndarray, graph: Graph, name: str, p: Process) -> np.ndarray:
    """A recorded value with the process's dims in their order, length 1 where it does not vary."""
    dims = own_dims(graph.nodes[graph.sites[name]])
    order = [dims.index(d) for d in p.dims if d in dims]
    x = np.transpose(x, (0, *(1 + k for k in order), *range(1 + len(dims), x.ndim)))
    for k, d in enumerate(p.dims, 1):
        x = x if d in dims else np.expand_dims(x, k)
    return x
