"""The Pyro (torch) backend of gendsl."""

from gendsl_pyro.backend import backend

__all__ = ["backend"]
