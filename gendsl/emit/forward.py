"""Emission of the PPL model alone, for a graph that is run forward."""

from __future__ import annotations

from gendsl.emit.dialect import Dialect
from gendsl.emit.emitter import Emitted, header
from gendsl.emit.layout import Layout, assign_slots
from gendsl.emit.ppl import PplModel
from gendsl.emit.scope import Module
from gendsl.emit.text import wrap
from gendsl.graph.learned import learned_of
from gendsl.graph.node import Graph
from gendsl.graph.types import ArrayType, DistType

__all__ = ["emit_forward"]


def emit_forward(
    graph: Graph, dialect: Dialect, precision: str, slots: tuple[tuple[str, int], ...] | None = None
) -> Emitted:
    """The program `model(data)` of a graph whose sites are sampled as declared.

    Its outputs are the latents, recorded values and observations.

    Args:
        graph: the graph.
        dialect: the backend's spelling.
        precision: "float64" or "float32".
        slots: the slot of each plate; left out, they are assigned.

    Raises:
        CompileError: if the dialect cannot spell a node.
    """
    names = frozenset((*graph.inputs, *graph.plate))
    places = assign_slots(graph) if slots is None else dict(slots)
    networks = learned_of(graph.nodes)
    return _Forward(graph, Module(dialect, places, precision, names=names, networks=networks)).run()


class _Forward(PplModel):
    def run(self) -> Emitted:
        body = self._model()
        model = [f"def model({self._arguments()}):", *self._docstring(), *body]
        lines = [line for text in model for line in wrap(text)]
        source = "\n".join([*header(self.module, self.dialect, self.graph.name), "", "", *lines])
        return Emitted(
            source.rstrip() + "\n",
            (),
            tuple(self.layout(str(n.name), n.type) for _, n in self.graph.of("data") if isinstance(n.type, ArrayType)),
            tuple(self._outputs()),
            dict(self.module.constants),
            tuple(self.size_args),
            self.casts,
            self.graph,
            dict(self.module.slots),
            bool(self.graph.of("odeint")),
        )

    def _outputs(self) -> list[Layout]:
        out = []
        for _, n in self.graph.of("latent", "let", "observe"):
            d = self.graph.nodes[n.args[0]].type
            joint = d.joint if isinstance(d, DistType) else ()
            if isinstance(n.type, ArrayType):
                out.append(self.layout(str(n.name), n.type, joint))
        return out
