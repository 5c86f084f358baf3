"""The NumPyro (JAX) backend of gendsl."""

from gendsl_numpyro.backend import backend

__all__ = ["backend"]
