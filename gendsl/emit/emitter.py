"""Graph to source: the program's four functions.

- `model(data)`: the PPL model, right under any batch axes on the left.
- `log_density(u, data)`: the log-density of the unconstrained latents u, one point at a time.
- `constrain(u, data)`: every named value.
- `unconstrain(values, data)`: the inverse, for the sampled latents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gendsl.emit.density import DensityFunctions
from gendsl.emit.dialect import Dialect
from gendsl.emit.layout import Layout, assign_slots, unconstrained_event
from gendsl.emit.networks import MODULES, declarations, given, imports, makers
from gendsl.emit.ppl import PplModel
from gendsl.emit.scope import Module
from gendsl.emit.text import wrap
from gendsl.graph.learned import learned_of
from gendsl.graph.node import Array, Graph
from gendsl.graph.types import ArrayType, DistType, Size

__all__ = ["Emitted", "Site", "emit", "header"]


@dataclass(frozen=True)
class Site:
    """A sampled latent.

    Attributes:
        name: its name.
        layout: the layout of its value.
        unconstrained: event shape of its unconstrained form.
        type: the type of its prior.
    """

    name: str
    layout: Layout
    unconstrained: tuple[Size, ...]
    type: DistType

    def unconstrained_shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape of its unconstrained form in the program's layout."""
        return replace(self.layout, event=self.unconstrained).shape(sizes)


@dataclass(frozen=True)
class Emitted:
    """A program as text, with its layout.

    Attributes:
        source: the text.
        sites: the sampled latents.
        inputs: data that the program takes.
        outputs: what `constrain` returns, for the user: declared latents and recorded values.
        constants: larger arrays of the model, which travel with the data.
        sizes: plates whose length travels with the data.
        casts: data that are given as floats although they count.
        slots: plate -> slot.
        adaptive: whether it holds a solver that chooses its own steps.
        density: the graph that `log_density` was emitted from.
        statistics: what is computed from the data once, for `log_density`: the precomputed nodes of its graph.
        reads: names of the data that `log_density` reads.
    """

    source: str
    sites: tuple[Site, ...]
    inputs: tuple[Layout, ...]
    outputs: tuple[Layout, ...]
    constants: dict[str, Array]
    sizes: tuple[str, ...]
    casts: frozenset[str]
    density: Graph
    slots: dict[str, int] = field(default_factory=dict)
    adaptive: bool = False
    statistics: tuple[Layout, ...] = ()
    reads: frozenset[str] = frozenset()


def emit(graph: Graph, density: Graph, dialect: Dialect, precision: str, *, laid_out: Sequence[Graph] = ()) -> Emitted:
    """The program of a model.

    Args:
        graph: the model's graph.
        density: the graph of its fused density, with the same latents.
        dialect: the backend's spelling.
        precision: "float64" or "float32".
        laid_out: what the model's graph is on each engine: plates that meet in one are kept apart in all, so that
            latents have one layout everywhere.

    Raises:
        CompileError: if the dialect cannot spell a node.
    """
    names = frozenset((*graph.inputs, *graph.plate, *(str(n.name) for _, n in density.of("precomputed"))))
    networks = learned_of(graph.nodes)
    for other in laid_out:  # programs take the same parameters on all engines
        networks = {**learned_of(other.nodes), **networks}
    slots = assign_slots(graph, density, *laid_out)
    module = Module(dialect, slots, precision, names=names, networks=networks)
    whole = _Emitter(graph, module)
    return whole.run(DensityFunctions(density, module, whole.casts))


class _Emitter(PplModel, DensityFunctions):
    """The whole program."""

    def run(self, fused: DensityFunctions) -> Emitted:
        sites = []
        for _, n in self.graph.of("latent"):
            t, d = n.type, self.graph.nodes[n.args[0]].type
            if not isinstance(t, ArrayType) or not isinstance(d, DistType):
                raise TypeError("a latent is a draw of a distribution")
            sites.append(Site(str(n.name), self.layout(str(n.name), t, d.joint), unconstrained_event(d), d))
        model = self._model()
        density = fused._density()
        constrain, outputs = self._constrain()
        unconstrain = self._unconstrain()
        self.size_args.update(fused.size_args)
        model = [f"def model({self._arguments()}):", *self._docstring(), *model]
        inputs = []
        for _, n in self.graph.of("data"):
            if isinstance(n.type, ArrayType):
                inputs.append(self.layout(str(n.name), n.type))
        body = [*header(self.module, self.dialect, self.graph.name), "", ""]
        for block in (model, density, constrain, unconstrain):
            for line in block:
                body += wrap(line)
            body += ["", ""]
        return Emitted(
            "\n".join(body).rstrip() + "\n",
            tuple(sites),
            tuple(inputs),
            tuple(outputs),
            dict(self.module.constants),
            tuple(self.size_args),
            self.casts,
            fused.graph,
            dict(self.module.slots),
            bool(self.graph.of("odeint")),
            tuple(fused.statistics()),
            frozenset((*fused.reads, *self.module.constants)),
        )


def header(module: Module, dialect: Dialect, name: str) -> list[str]:
    """The docstring, the imports and the helpers of a program whose functions have been emitted."""
    note = dialect.notes.get(module.precision)
    note = f"\n\n{note}\n" if note else ""
    if given(module.networks):
        note += f"\nIt is loaded with `{MODULES}`: the user's own specs by name.\n"
    lines = [f'"""Program {name} for {dialect.name}, {module.precision}; written by gendsl.{note}"""', ""]
    statements = [*dialect.header, *module.imports]
    for maker in makers(module.networks):
        statements += dialect.imports[maker]
    statements += imports(module.networks)
    future = [s for s in statements if s.startswith("import ")]
    froms = [s for s in statements if s.startswith("from ")]
    ours = [s for s in froms if s.startswith("from gendsl")]
    lines += sorted(set(future)) + sorted(set(froms) - set(ours))
    lines += ["", *sorted(set(ours))] if ours else []
    for helper in module.helpers:
        dtype = module.dtype("float")
        lines += ["", "", *dialect.snippets[helper].replace("{float}", dtype).strip("\n").splitlines()]
    if module.networks:
        lines += [
            *([""] if module.helpers else []),
            "",
            *(part for line in declarations(module) for part in wrap(line)),
        ]
    return lines
