"""Simulation-based calibration: does a method draw from the posterior of a model?

Parameters from the prior, data given them, a fit to those data: the rank of each parameter among L draws of its fit is
uniform on 0, ..., L if, and in practice only if, the draws come from the posterior.

Reference:
    Validating Bayesian Inference Algorithms with Simulation-Based Calibration (Talts, Betancourt, Simpson, Vehtari,
    Gelman, 2018) | https://arxiv.org/abs/1804.06788
"""

from gendsl.calibration.calibrate import calibrate
from gendsl.calibration.result import Calibration

__all__ = ["Calibration", "calibrate"]
