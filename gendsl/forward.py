"""Running a model forward: from its declaration, some latents and data to draws and log-probabilities of its sites.

The program is the PPL model of the declared graph, cut to the sites that are asked for (passes/forward.py). Latents
that are not given are drawn from their priors, and so are the observations that the program was made to draw.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.backend import CPU, Simulation, get_backend
from gendsl.densities import Density
from gendsl.errors import DataError, FitError, caller
from gendsl.graph.learned import parts
from gendsl.graph.masks import layers
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DistType, DType
from gendsl.passes.forward import forward
from gendsl.program import BoundProgram, Program

if TYPE_CHECKING:
    pass

__all__ = [
    "ForwardProgram",
    "Spread",
    "bind_forward",
    "compile_forward",
    "observed_dims",
    "refuse_improper",
    "simulate",
    "with_sizes",
]

_BUDGET = 2**23  # elements of all random values of the draws that run at once
_KINDS: dict[DType, Any] = {DType.BOOL: np.bool_, DType.INT: np.int64, DType.FLOAT: np.float64}

Fixed = Mapping[str, tuple[int, np.ndarray | None]]
"""Plates whose sizes and labels are fixed by draws over them."""


@dataclass(frozen=True, eq=False)
class ForwardProgram(Program):
    """A program that has a PPL model only.

    Attributes:
        whole: the whole declared graph; `declared` is the part of it whose data are needed or were given.
    """

    whole: Graph = field(kw_only=True)


@lru_cache(maxsize=32)
def compile_forward(
    graph: Graph,
    backend: str,
    wanted: tuple[str, ...],
    drawn: frozenset[str],
    kept: frozenset[str] = frozenset(),
    as_data: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset()),
    precision: str = "float64",
    device: str = CPU,
    slots: tuple[tuple[str, int], ...] | None = None,
) -> ForwardProgram:
    """The forward program of a declared graph.

    Args:
        graph: the declared graph.
        backend: whose program.
        wanted: sites that it gives.
        drawn: observations that it draws.
        kept: data that are checked although it does not need them.
        as_data: observations whose missing elements are not imputed: complete ones, and those that are not.
        precision: "float64" or "float32".
        device: where it runs.
        slots: the slot of each plate; left out, the compiler's choice.

    Raises:
        CompileError: if the backend cannot express a node.
        BackendError: if the backend is missing.
    """
    from gendsl.emit.forward import emit_forward
    from gendsl.passes import Report
    from gendsl.passes.simplify import fold, share

    found = get_backend(backend)
    lowered, done = forward(graph, wanted, drawn, as_data=as_data), []
    for name, run in (("fold", fold), ("share", share)):
        lowered, notes = run(lowered)
        done.append((name, "", tuple(notes)))
    emitted = emit_forward(lowered, found.dialect, precision, slots)
    given = forward(graph, wanted, drawn, kept, as_data)
    return ForwardProgram(
        given, lowered, Report(graph.name, (), tuple(done)), found, precision, emitted, device, whole=graph
    )


def bind_forward(
    program: ForwardProgram, data: Mapping[str, Any], sizes: Mapping[str, int] | None = None, fixed: Fixed | None = None
) -> BoundProgram:
    """Check data for a forward program.

    Args:
        program: the program.
        data: values by name; those that the program neither needs nor keeps must not be there.
        sizes: lengths of plates that no data have.
        fixed: plates that draws of latents fix.

    Raises:
        DataError: if the data do not fit, or a plate has no size.
    """
    from gendsl.data import bind

    graph = _sized(program.declared, sizes or {})
    bound = bind(graph, data, fixed)
    used = _plates(program.graph, (n for _, n in program.graph.of("latent", "let", "observe")))
    for name in (p for p in used if p not in bound.sizes):
        raise DataError(
            f"nothing gives plate '{name}' a size",
            node=name,
            given=f"data: {', '.join(data) or 'none'}",
            needed=f"data over '{name}', or its size",
            fix=f'sizes={{"{name}": 100}}',
            where=program.graph.plate[name].where,
        )
    return BoundProgram(program, bound)


@dataclass(frozen=True, eq=False)
class Spread:
    """What a simulation gives.

    Attributes:
        values: site -> (draw, *dims, *event), in the user's layout.
        log_probs: observation -> (draw, *dims), the dims that its distribution is not joint over.
    """

    values: dict[str, np.ndarray]
    log_probs: dict[str, np.ndarray]


def simulate(
    bound: BoundProgram,
    given: Mapping[str, np.ndarray],
    count: int,
    seed: tuple[int, ...],
    *,
    values: Collection[str] = (),
    log_probs: Collection[str] = (),
) -> Spread:
    """Run a forward program many times.

    Args:
        bound: a bound `ForwardProgram`.
        given: latent -> (count, *dims, *event), in the user's layout.
        count: how many runs.
        seed: entropy of all randomness.
        values: sites whose values are wanted.
        log_probs: observations whose log-probabilities are wanted.

    Raises:
        FitError: if an observation that is wanted has no draws.
    """
    from gendsl.emit.layout import Layout, user_layout
    from gendsl.graph.inside import must_check

    p = bound.program
    if not isinstance(p, ForwardProgram):
        raise TypeError("not a forward program")
    graph, sizes = p.graph, bound.bound.sizes
    layouts = {layout.name: layout for layout in p.emitted.outputs}
    observes = {str(n.name): n for _, n in graph.of("observe")}
    for name in values:
        if name in observes and (spec := _undrawable(graph, observes[name])) is not None:
            raise _no_draws(p.whole, observes[name], spec)
    run = Simulation(
        model=p.model,
        arguments=bound.arguments,
        given={k: layouts[k].into(np.asarray(v), 1) for k, v in given.items() if k in layouts},
        names=tuple(values),
        log_probs=tuple(log_probs),
        checked=frozenset(k for k in log_probs if must_check(graph, *observes[k].args[:2])),
        ranks={k: len(layout.event) for k, layout in layouts.items()},
        depth=max((-s for s in p.emitted.slots.values()), default=0),
        count=count,
        seed=seed,
        chunk=1 if p.emitted.adaptive and p.backend.dialect.loops else _chunk(graph, sizes),
        precision=p.precision,
        device=p.device,
        cache=p.cache,
    )
    raw, terms = p.backend.simulate(run)
    out = {name: _as_declared(p, name, user_layout(layouts[name], raw[name], sizes)) for name in values}
    each = {name: replace(layouts[name], event=(), joint=()) for name in log_probs}
    each = {name: Layout(name, x.dims, x.slots, ()) for name, x in each.items()}
    return Spread(out, {name: user_layout(each[name], terms[name], sizes) for name in log_probs})


def observed_dims(graph: Graph, name: str) -> tuple[str, ...]:
    """The dims of an observation in the order in which the user gives its values."""
    n = graph.nodes[graph.sites[name]]
    if name in graph.inputs:
        t = graph.nodes[graph.inputs[name]].type
    else:
        value, dist = graph.nodes[n.args[1]], graph.nodes[n.args[0]].type
        joint = isinstance(dist, DistType) and dist.joint
        t = graph.nodes[value.args[0]].type if joint else value.type
    return t.dims if isinstance(t, ArrayType) else ()


def refuse_improper(program: ForwardProgram, given: Collection[str], doing: str) -> None:
    """Raise where a latent that must be drawn has no prior to draw it from.

    Raises:
        FitError: naming the first such latent, or a factor that changes the prior.
    """
    for _, n in program.graph.of("latent"):
        if n.name in given:
            continue
        if (spec := _undrawable(program.graph, n)) is not None:
            raise _no_draws(program.whole, n, spec)
        if not _flat(program.graph, n):
            continue
        raise FitError(
            f"{doing} draws '{n.name}', whose prior is improper: it cannot be drawn from",
            node=n.name,
            given=_prior_words(program.whole, n),
            needed="a proper prior",
            fix="a normalised one: gd.Normal, gd.HalfNormal, gd.TruncatedNormal, or a transform of such a latent",
            where=n.where,
        )
    latents = {str(n.name) for _, n in program.graph.of("latent")} - set(given)
    factors = _depending(program.whole, latents)
    if factors:
        raise FitError(
            f"{doing} draws latents whose prior factor '{factors[0].name}' reweights: it cannot be drawn from",
            node=factors[0].name,
            given=f'm.factor("{factors[0].name}", ...)',
            needed="a model of latents and observations",
            fix="write it as a distribution of a latent or an observation",
            where=factors[0].where,
        )


def _depending(graph: Graph, latents: Collection[str]) -> list[Node]:
    """The factors that depend on some of the latents."""
    moved: list[bool] = []
    for n in graph.nodes:
        moved.append(n.op == "latent" and n.name in latents or any(moved[a] for a in n.args))
    return [n for i, n in graph.of("factor") if moved[i]]


def _undrawable(graph: Graph, n: Node) -> Density | None:
    """What has no draws of its own, an energy, where the distribution of a site is or holds one."""
    specs = (dict(d.attr.get("static", ())).get("spec") for d in parts(graph, n))
    return next((s for s in specs if isinstance(s, Density) and "sample" not in s.offers), None)


def _no_draws(graph: Graph, n: Node, spec: Density) -> FitError:
    kind = "latent" if n.name in {x.name for _, x in graph.of("latent")} else "observation"
    return FitError(
        f"the {kind} '{n.name}' has a density that is known up to a constant: it cannot be drawn from",
        node=n.name,
        given=f"{spec!r}"[:160],
        needed="a distribution that has draws",
        fix="gd.Flow has draws and a density; rows of a trained energy come by fit.sample(sampler=gd.MALA(...)), the "
        "posterior of a latent by gd.MALA() or gd.NUTS()",
        where=n.where,
    )


def _flat(graph: Graph, n: Node) -> bool:
    return graph.nodes[layers(graph, n.args[0])[1]].op == "dist.ImproperUniform"


def _prior_words(graph: Graph, n: Node) -> str:
    restricted = any(f.name == f"{n.name}_prior" for _, f in graph.of("factor"))
    return "a prior with constraint=, which is not normalised" if restricted else "gd.ImproperUniform"


def _as_declared(p: ForwardProgram, name: str, x: np.ndarray) -> np.ndarray:
    """Observations with their dims in the user's order; numbers of the declared kind."""
    n = p.whole.nodes[p.whole.sites[name]]
    t = p.graph.nodes[p.graph.sites[name]].type
    if n.op == "observe" and isinstance(t, ArrayType):
        dist = p.whole.nodes[n.args[0]].type
        have = (*t.dims, *(dist.joint if isinstance(dist, DistType) else ()))
        order = [1 + have.index(d) for d in observed_dims(p.whole, name)]
        x = np.transpose(x, (0, *order, *range(1 + len(order), x.ndim)))
    kind = n.type.dtype if isinstance(n.type, ArrayType) else DType.FLOAT
    return x.astype(_KINDS[kind], copy=False) if kind is not DType.FLOAT else x


def _chunk(graph: Graph, sizes: Mapping[str, int]) -> int:
    """Draws at once, so that their random values together stay within a budget."""
    total = 1
    for i, n in graph:
        if graph.random[i] and isinstance(n.type, ArrayType):
            shape = [sizes.get(d, 1) for d in n.type.dims]
            shape += [sizes.get(e, 1) if isinstance(e, str) else e for e in n.type.event]
            total += int(np.prod(shape, dtype=int))
    return int(np.clip(_BUDGET // total, 1, 1000))


def _plates(graph: Graph, nodes: Iterable[Node]) -> list[str]:
    """The plates that values run over, as dims or as event axes."""
    out: dict[str, None] = {}
    for n in nodes:
        if isinstance(n.type, ArrayType):
            out.update(dict.fromkeys(n.type.dims))
            out.update(dict.fromkeys(e for e in n.type.event if isinstance(e, str)))
    return list(out)


def with_sizes(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """The graph with sizes written into the plates that have none, for programs of what no data measure."""
    plates = (replace(p, size=sizes.get(p.name)) if p.base is None and p.size is None else p for p in graph.plates)
    return replace(graph, plates=tuple(plates))


def _sized(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """The graph with these sizes of plates."""
    if not isinstance(sizes, Mapping):
        raise DataError(
            "sizes are given by plate",
            given=repr(sizes)[:80],
            needed="a dict",
            fix='sizes={"row": 100}',
            where=caller(),
        )
    for name, size in sizes.items():
        plate = graph.plate.get(name)
        if plate is None or plate.base is not None:
            roots = ", ".join(p.name for p in graph.plates if p.base is None)
            raise DataError(
                f"there is no plate '{name}' that could be given a size",
                node=name,
                given=f"sizes={dict(sizes)}",
                needed=f"some of {roots or 'none'}",
                fix="check the spelling; a plate cut from another has the other's size",
                where=caller() if plate is None else plate.where,
            )
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise DataError(
                "a plate has at least one element",
                node=name,
                given=f"sizes={dict(sizes)}",
                needed="a positive integer",
                fix=f'sizes={{"{name}": 100}}',
                where=plate.where,
            )
        if plate.size not in (None, size):
            raise DataError(
                f"plate '{name}' is declared with another size",
                node=name,
                given=f"sizes={dict(sizes)}",
                needed=f"{plate.size}",
                fix=f'leave size= out of m.plate("{name}"), and coords',
                where=plate.where,
            )
    plates = tuple(replace(p, size=int(sizes[p.name])) if p.name in sizes else p for p in graph.plates)
    return replace(graph, plates=plates)
