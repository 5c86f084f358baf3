"""Pictures of a fit, as matplotlib figures that belong to no window."""

from gendsl.results.plots.draw import plot

__all__ = ["plot"]
