"""Programs: what a model compiles to.

`compile_graph` runs the passes, emits the source for a backend and loads it. A `Program` has the source and its
entries; bound to data it is a `BoundProgram`, whose densities are functions of the unconstrained latents alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.backend import CPU, Backend, find_device, get_backend
from gendsl.emit.load import load
from gendsl.emit.networks import given
from gendsl.errors import CompileError, DataError, caller
from gendsl.graph.learned import Learned, learned_of
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DType
from gendsl.networks import initial
from gendsl.request import check_seed

if TYPE_CHECKING:
    from gendsl.coordinates import Coordinates
    from gendsl.data import Bound
    from gendsl.emit.emitter import Emitted, Site
    from gendsl.emit.layout import Layout
    from gendsl.passes import Report

__all__ = ["BoundProgram", "Program", "compile_graph", "discrete_latents"]

_CHUNK = 1000  # draws that are mapped at once: bounds the memory of recorded values
_PRECISIONS = ("float64", "float32")


def compile_graph(
    graph: Graph,
    backend: str,
    *,
    precision: str = "float64",
    device: str = CPU,
    partly_centered: bool = False,
) -> Program:
    """Run the passes and emit the program.

    Args:
        graph: the declared graph.
        backend: whose program.
        precision: "float64" or "float32".
        device: where its functions run.
        partly_centered: whether latents with a random scale are centred by shares that are parameters.

    Raises:
        CompileError: if the precision is unknown, a latent is discrete, or the backend cannot express a node.
        BackendError: if the backend is missing, or has no such device.
    """
    if precision not in _PRECISIONS:
        raise CompileError(
            "unknown precision",
            given=repr(precision),
            needed=" or ".join(map(repr, _PRECISIONS)),
            where=caller(),
        )
    if words := discrete_latents(graph):
        problem, more = words
        raise CompileError(f"a program needs continuous latents, and {problem}", **more)
    found = get_backend(backend)
    lines = (*(n.where for n in graph.nodes), *(p.where for p in graph.plates))
    return _compiled(
        graph, (lines, _negative_zeros(graph)), found.name, precision, find_device(found, device), partly_centered
    )


def _negative_zeros(graph: Graph) -> tuple[int, ...]:
    """Constants that are -0.0, which Python takes for equal to 0.0."""
    zeros = [(i, n.attr["value"]) for i, n in graph.of("const") if n.attr["value"] == 0.0]
    return tuple(i for i, x in zeros if isinstance(x, float) and math.copysign(1.0, x) < 0)


@lru_cache(maxsize=32)
def _compiled(
    graph: Graph, more: tuple[object, ...], backend: str, precision: str, device: str, partly: bool
) -> Program:
    """One program for equal graphs, so that what a backend compiled for it is there for the next fit.

    Equality of graphs leaves out the lines of their declarations, which errors name, and the sign of zeros: they are
    in `more`.
    """
    from gendsl.emit.emitter import emit
    from gendsl.passes import lower, unroll

    found = get_backend(backend)
    loops = found.dialect.loops
    lowered, density, report = lower(graph, partly_centered=partly, loops=loops)
    unrolled = unroll(lowered)
    emitted = emit(unrolled if loops else lowered, density, found.dialect, precision, laid_out=(lowered, unrolled))
    return Program(graph, lowered, report, found, precision, emitted, device)


def discrete_latents(graph: Graph) -> tuple[str, dict[str, Any]] | None:
    """What is said of a graph's discrete latents: the problem, and the rest of the message; None if it has none."""
    found = [n for _, n in graph.of("latent") if isinstance(n.type, ArrayType) and n.type.dtype is not DType.FLOAT]
    if not found:
        return None
    names = ", ".join(f"'{n.name}'" for n in found)
    return f"{names} {'is' if len(found) == 1 else 'are'} discrete", {
        "node": found[0].name,
        "given": str(found[0].type),
        "needed": "latents with a density",
        "fix": "sum it out: gd.Mixture over its cases, or gd.HiddenMarkov for a sequence",
        "where": found[0].where,
    }


@dataclass(frozen=True, eq=False)
class Program:
    """An emitted program.

    Attributes:
        declared: the graph as declared.
        graph: the graph after the passes, which was emitted; `emitted.density` is that of the fused density.
        report: what the passes did.
        backend: the backend.
        precision: "float64" or "float32".
        emitted: the source and its layout.
        device: where its functions run.
        cache: what the backend compiled for it, by what that depends on.
    """

    declared: Graph
    graph: Graph
    report: Report
    backend: Backend
    precision: str
    emitted: Emitted
    device: str = CPU
    cache: dict[Any, Any] = field(default_factory=dict, kw_only=True)

    def context(self) -> AbstractContextManager[Any]:
        """The context in which its functions and their arrays are, by precision and device."""
        return self.backend.context(self.precision, self.device)

    @property
    def source(self) -> str:
        """The program as text; it runs as it stands."""
        return self.emitted.source

    @property
    def sites(self) -> tuple[Site, ...]:
        """The sampled latents, in order."""
        return self.emitted.sites

    @cached_property
    def namespace(self) -> dict[str, Any]:
        """The loaded source; tracebacks show it."""
        title = f"{self.backend.name} {self.precision}"
        return load(self.source, self.graph.name, title, given(self.networks))

    @cached_property
    def networks(self) -> dict[str, Learned]:
        """What of it has learned parameters, by name: networks, and learned distributions, with their event shapes."""
        return learned_of(self.graph.nodes)

    def network_parameters(self, seed: int = 0) -> dict[str, np.ndarray]:
        """Initial values of what its networks and learned distributions learn: name -> array, float64, torch's layouts.

        They are functions of the seed and the name, so equal on both backends; those of a user's own module are as its
        constructors draw them.

        Args:
            seed: a nonnegative integer.

        Raises:
            FitError: if the seed is none.
        """
        out: dict[str, np.ndarray] = {}
        with self.context():
            for name, used in self.networks.items():
                out |= initial(self.backend.layers, used.spec, used.event, check_seed(seed), f"{name}.")
        return out

    @property
    def model(self) -> Callable[..., Any]:
        """The PPL model: `model(data)`."""
        out: Callable[..., Any] = self.namespace["model"]
        return out

    @property
    def log_density(self) -> Callable[..., Any]:
        """The fused log-density: `log_density(unconstrained, data)`, with the log-determinants of the transforms."""
        out: Callable[..., Any] = self.namespace["log_density"]
        return out

    @property
    def constrain(self) -> Callable[..., Any]:
        """`constrain(unconstrained, data)` -> every named value, in the program's layout."""
        out: Callable[..., Any] = self.namespace["constrain"]
        return out

    @property
    def unconstrain(self) -> Callable[..., Any]:
        """`unconstrain(values, data)`: the inverse, for the sampled latents."""
        out: Callable[..., Any] = self.namespace["unconstrain"]
        return out

    @cached_property
    def constrain_many(self) -> Callable[..., Any]:
        """`constrain` mapped over a leading axis of the unconstrained latents."""
        return self.backend.vmap(self.constrain)

    def bind(self, data: Mapping[str, Any]) -> BoundProgram:
        """Check data against the model and put them into the program's layout.

        Raises:
            DataError: if the data do not fit.
        """
        from gendsl.data import bind

        return BoundProgram(self, bind(self.declared, data))


@dataclass(eq=False)
class BoundProgram:
    """A program with its data.

    Attributes:
        program: the program.
        bound: checked data, sizes and coords.
        params: values of the parameters without a prior.
        arrays: the program's data argument: arrays in its layout, and sizes of plates.
    """

    program: Program
    bound: Bound
    params: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        from gendsl.emit.layout import arrange

        p = self.program
        with p.context():
            starts = initial_params(p.graph, p.emitted.slots, self.bound.sizes)
            if any(not any(k.startswith(f"{name}.") for k in self.params) for name in p.networks):
                starts |= p.network_parameters()
            for name, value in starts.items():
                self.params.setdefault(name, p.backend.array(value, p.precision))
            self.arrays = {
                name: value if isinstance(value, int) else p.backend.array(value, p.precision)
                for name, value in arrange(p.emitted, self.bound).items()
            }

    def with_params(self, values: Mapping[str, np.ndarray]) -> BoundProgram:
        """The same with other values of some parameters: (*dims, *event) each, those of networks in their layout."""
        p, given = self.program, dict(self.params)
        nodes = {str(n.name): n for _, n in p.graph.of("param")}
        with p.context():
            for name, value in values.items():
                x = np.asarray(value)
                if name in nodes:
                    x = np.array(_param_layout(nodes[name], p.emitted.slots).into(x), order="C")
                given[name] = p.backend.array(x, p.precision)
        return BoundProgram(p, self.bound, given)

    def with_learnt(self, values: Mapping[str, np.ndarray]) -> BoundProgram:
        """As `with_params`, of the values that are of its parameters."""
        return self.with_params({k: v for k, v in values.items() if k in self.params})

    def params_of_passes(self) -> dict[str, np.ndarray]:
        """The parameters that the compiler introduced, (*dims, *event) each."""
        p, out = self.program, {}
        for _, n in p.graph.of("param"):
            if n.name not in p.declared.sites:
                layout = _param_layout(n, p.emitted.slots)
                out[layout.name] = layout.back(p.backend.numpy(self.params[layout.name]).astype(np.float64), 0)
        return out

    @property
    def arguments(self) -> tuple[dict[str, Any], ...]:
        """What the program's functions take after their first argument."""
        return (self.arrays, self.params) if self.takes_params else (self.arrays,)

    @property
    def takes_params(self) -> bool:
        """Whether the program's functions take parameters."""
        return bool(self.params or self.program.networks)

    @property
    def density_arguments(self) -> tuple[dict[str, Any], ...]:
        """The same for `log_density`, with only what it reads."""
        first = {k: v for k, v in self.arrays.items() if k in self.program.emitted.reads}
        return (first, self.params) if self.takes_params else (first,)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Unconstrained shape of each sampled latent."""
        return {s.name: s.unconstrained_shape(self.bound.sizes) for s in self.program.sites}

    @cached_property
    def coordinates(self) -> Coordinates | None:
        """The coordinates in which a sampler moves; None where they are the unconstrained values themselves."""
        from gendsl.whitening import coordinates

        return coordinates(self)

    @property
    def dimension(self) -> int:
        """The number of unconstrained numbers."""
        return sum(int(np.prod(s, dtype=int)) for s in self.shapes.values())

    def log_density(self, u: dict[str, Any]) -> Any:
        """The fused log-density at unconstrained values (arrays of the backend)."""
        with self.program.context():
            return self.program.log_density(u, *self.arguments)

    def constrain(self, u: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every named value of many draws: arrays (draw, *shape) in, (draw, *dims, *event) out, all numpy."""
        from gendsl.emit.layout import restore

        p = self.program
        with p.context():
            if absent := [name for name in self.shapes if name not in u]:
                raise DataError(
                    "values are missing for latents",
                    node=absent[0],
                    given=", ".join(u) or "nothing",
                    needed=f"unconstrained draws of {', '.join(map(repr, self.shapes))}, draws first",
                    fix="give every sampled latent: the shapes are in .shapes",
                    where=caller(),
                )
            count = len(next(iter(u.values()))) if u else 1
            chunk = 1 if p.emitted.adaptive and p.backend.dialect.loops else _CHUNK
            mapped = p.constrain_many if chunk > 1 else self._one
            parts = [
                mapped(
                    {k: p.backend.array(np.asarray(v[i : i + chunk]), p.precision) for k, v in u.items()},
                    *self.arguments,
                )
                for i in range(0, count, chunk)
            ]
            raw = {k: np.concatenate([p.backend.numpy(part[k]) for part in parts]) for k in parts[0]}
        declared = {
            str(n.name): n.type.dims for _, n in p.declared.of("latent", "let") if isinstance(n.type, ArrayType)
        }
        return restore(p.emitted, raw, self.bound.sizes, declared)

    def _one(self, u: dict[str, Any], *arguments: dict[str, Any]) -> dict[str, Any]:
        """`constrain` of a batch of one, for programs that cannot be mapped (a solver with its own steps)."""
        out = self.program.constrain({k: v[0] for k, v in u.items()}, *arguments)
        return {k: v[None] for k, v in out.items()}


def initial_params(graph: Graph, slots: Mapping[str, int], sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Initial values of the parameters that have no prior, in the program's layout."""
    out = {}
    for _, n in graph.of("param"):
        if isinstance(n.type, ArrayType):
            init, layout = n.attr["init"], _param_layout(n, slots)
            out[layout.name] = np.broadcast_to(init.numpy() if hasattr(init, "numpy") else init, layout.shape(sizes))
    return out


def _param_layout(n: Node, slots: Mapping[str, int]) -> Layout:
    from gendsl.emit.layout import Layout

    t = n.type
    if not isinstance(t, ArrayType):
        raise TypeError(f"'{n.name}' is not a value")
    return Layout(str(n.name), t.dims, tuple(slots[d] for d in t.dims), t.event)
