"""The zoo: models declared with gendsl, their data, and reference posteriors to compare with."""

from gendsl_models.registry import ZOO, Entry

__all__ = ["ZOO", "Entry"]
