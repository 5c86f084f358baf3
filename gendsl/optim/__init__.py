"""How parameters move: optimisers, and schedules of their learning rates, as data."""

from typing import TYPE_CHECKING

from gendsl.errors import unknown
from gendsl.optim.optimizers import SGD, Adam, AdamW, Optimizer
from gendsl.optim.schedules import Constant, Cosine, Exponential, Piecewise, Schedule, WarmupCosine

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "Exponential",
    "Optimizer",
    "Piecewise",
    "Schedule",
    "WarmupCosine",
]


if not TYPE_CHECKING:  # where types are checked, a name that is not there is found by that

    def __getattr__(name: str) -> object:
        raise unknown("gd.optim", name, __all__)
