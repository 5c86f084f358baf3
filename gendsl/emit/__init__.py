"""Emission: graph to source, over a dialect."""
