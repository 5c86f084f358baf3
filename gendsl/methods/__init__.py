"""What to run, as data."""

from gendsl.methods import init
from gendsl.methods.base import Method
from gendsl.methods.init import Init
from gendsl.methods.mcmc import HMC, MCMC, NUTS, Centering, Engine
from gendsl.methods.train import Checkpoint, Precision, Remainder, Train, Validation

__all__ = [
    "HMC",
    "MCMC",
    "NUTS",
    "Centering",
    "Checkpoint",
    "Engine",
    "Init",
    "Method",
    "Precision",
    "Remainder",
    "Train",
    "Validation",
    "init",
]
