"""Plate diagrams: with matplotlib, as Graphviz DOT and as Mermaid text."""

from gendsl.plot.figure import plot_graph

__all__ = ["plot_graph"]
