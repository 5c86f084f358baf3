"""Plate diagrams: with matplotlib, as Graphviz DOT and as Mermaid text."""

from gendsl.plot.figure import plot_graph
from gendsl.plot.text import dot, mermaid

__all__ = ["dot", "mermaid", "plot_graph"]
