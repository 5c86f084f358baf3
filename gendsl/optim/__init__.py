"""How parameters move: optimisers, and schedules of their learning rates, as data."""

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
