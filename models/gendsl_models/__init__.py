"""The zoo: models declared with gendsl, their data, and reference posteriors to compare with."""

from gendsl_models.learned import LEARNED, Learned
from gendsl_models.registry import ZOO, Entry

__all__ = ["LEARNED", "ZOO", "Entry", "Learned"]
