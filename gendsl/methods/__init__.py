"""What to run, as data."""

from gendsl.methods import init
from gendsl.methods.base import Method
from gendsl.methods.init import Init
from gendsl.methods.langevin import MALA, ULA, Langevin
from gendsl.methods.mcmc import HMC, MCMC, NUTS, Adjusted, Centering, Engine

__all__ = [
    "HMC",
    "MALA",
    "MCMC",
    "NUTS",
    "ULA",
    "Adjusted",
    "Centering",
    "Engine",
    "Init",
    "Langevin",
    "Method",
    "init",
]
