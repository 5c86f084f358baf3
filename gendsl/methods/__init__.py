"""What to run, as data."""

from gendsl.methods.base import Method
from gendsl.methods.mcmc import NUTS, Engine

__all__ = ["NUTS", "Engine", "Method"]
