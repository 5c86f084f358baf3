"""What to run, as data."""

from gendsl.methods import init
from gendsl.methods.base import Method
from gendsl.methods.init import Init
from gendsl.methods.langevin import MALA, ULA, Langevin
from gendsl.methods.mcmc import HMC, MCMC, NUTS, Adjusted, Centering, ChainMethod, Engine
from gendsl.methods.train import Checkpoint, Precision, Remainder, Train, Validation

__all__ = [
    "HMC",
    "MALA",
    "MCMC",
    "NUTS",
    "ULA",
    "Adjusted",
    "Centering",
    "ChainMethod",
    "Checkpoint",
    "Engine",
    "Init",
    "Langevin",
    "Method",
    "Precision",
    "Remainder",
    "Train",
    "Validation",
    "init",
]
