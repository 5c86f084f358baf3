"""What to run, as data."""

from gendsl.methods.base import Method
from gendsl.methods.mcmc import NUTS

__all__ = ["NUTS", "Method"]
