"""gendsl: declare a generative model once, compile it to Pyro or NumPyro, and infer in one way.

    import gendsl as gd

    m = gd.Model("coins")
    coin = m.plate("coin")
    p = m.latent("p", gd.Beta(1, 1))
    m.observe("heads", gd.Bernoulli(probs=p), dims=coin)
    fit = m.fit({"heads": [1, 0, 1]}, gd.NUTS(), backend="numpyro")

Importing gendsl loads neither torch nor jax; a backend loads when it is first used.
"""

from gendsl.errors import (
    BackendError,
    CompileError,
    DataError,
    FitError,
    FormatError,
    GendslError,
    ModelError,
)
from gendsl.graph.constraints import (
    Constraint,
    Interval,
    corr_cholesky,
    corr_matrix,
    lower_cholesky,
    nonnegative,
    ordered,
    positive,
    positive_definite,
    positive_ordered,
    real,
    simplex,
    unit_interval,
)
from gendsl.lang import functions, kernels
from gendsl.lang import kernels as kernel
from gendsl.lang.control import odeint, scan
from gendsl.lang.distributions import *  # noqa: F403
from gendsl.lang.distributions import __all__ as _distributions
from gendsl.lang.expr import Expr, same
from gendsl.lang.functions import *  # noqa: F403
from gendsl.lang.functions import __all__ as _functions
from gendsl.lang.indexing import lag
from gendsl.lang.model import Missing, Model
from gendsl.lang.plates import Axis, Plate
from gendsl.methods import NUTS

__version__ = "0.1.0"

__all__ = [  # noqa: PLE0604
    "NUTS",
    "Axis",
    "BackendError",
    "CompileError",
    "Constraint",
    "DataError",
    "Expr",
    "FitError",
    "FormatError",
    "GendslError",
    "Interval",
    "Missing",
    "Model",
    "ModelError",
    "Plate",
    "corr_cholesky",
    "corr_matrix",
    "functions",
    "kernel",
    "kernels",
    "lag",
    "lower_cholesky",
    "nonnegative",
    "odeint",
    "ordered",
    "positive",
    "positive_definite",
    "positive_ordered",
    "real",
    "same",
    "scan",
    "simplex",
    "unit_interval",
    *_distributions,
    *_functions,
]
