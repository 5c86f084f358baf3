"""How parameters move: optimisers, and schedules of their learning rates, as data."""

from typing import TYPE_CHECKING

from gendsl.namespace import namespace
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
    __getattr__, __dir__ = namespace("gd.optim", __all__)
