"""gendsl: declare a generative model once, compile it to Pyro or NumPyro, and infer in one way.

    import gendsl as gd

    m = gd.Model("coins")
    coin = m.plate("coin")
    p = m.latent("p", gd.Beta(1, 1))
    m.observe("heads", gd.Bernoulli(probs=p), dims=coin)
    fit = m.fit({"heads": [1, 0, 1]}, gd.NUTS(), backend="numpyro")

Importing gendsl loads neither torch nor jax; a backend loads when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gendsl import samplers as sampler
from gendsl import transforms as transform
from gendsl.densities import CategoricalElement, NormalElement, Predicts
from gendsl.errors import (
    BackendError,
    CompileError,
    DataError,
    FitError,
    FormatError,
    GendslError,
    GendslWarning,
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
from gendsl.lang.distributions import (
    LKJ,
    AsymmetricLaplace,
    Autoregressive,
    Bernoulli,
    Beta,
    BetaBinomial,
    Binomial,
    Categorical,
    Cauchy,
    Chi2,
    Delta,
    Diffusion,
    Dirichlet,
    DirichletMultinomial,
    Distribution,
    Energy,
    Exponential,
    Flow,
    Folded,
    Gamma,
    GammaPoisson,
    GaussianProcess,
    Geometric,
    Gumbel,
    HalfCauchy,
    HalfNormal,
    HiddenMarkov,
    ImproperUniform,
    InverseGamma,
    Kumaraswamy,
    Laplace,
    LKJCholesky,
    Logistic,
    LogNormal,
    LowRankMultivariateNormal,
    Markov,
    Masked,
    Mixture,
    MixtureOf,
    Multinomial,
    MultivariateNormal,
    MultivariateStudentT,
    NegativeBinomial,
    Normal,
    OrderedLogistic,
    Pareto,
    Poisson,
    ProjectedNormal,
    Pushforward,
    RelaxedBernoulli,
    SineBivariateVonMises,
    SineSkewed,
    SoftLaplace,
    StudentT,
    TruncatedNormal,
    Uniform,
    Unit,
    VonMises,
    Weibull,
    Wishart,
    ZeroInflated,
    ZeroInflatedPoisson,
)
from gendsl.lang.expr import Expr, same
from gendsl.lang.functions import *  # noqa: A004, F403 - numpy's functions, under numpy's names
from gendsl.lang.indexing import lag
from gendsl.lang.model import Missing, Model
from gendsl.lang.plates import Axis, Plate
from gendsl.methods import (
    HMC,
    MALA,
    NUTS,
    ULA,
    Centering,
    ChainMethod,
    Checkpoint,
    Engine,
    Precision,
    Remainder,
    Train,
    Validation,
    init,
)
from gendsl.namespace import nearest
from gendsl.networks import (
    MLP,
    Activation,
    ConvDecoder,
    ConvNet,
    Fourier,
    MaskedMLP,
    Native,
    ResNet,
    Sinusoidal,
    Transformer,
    UNet,
)
from gendsl.processes import EDM, OU, VE, VP, Process, Rectified, SubVP, schedule
from gendsl.results.kinds import Plot
from gendsl.samplers import ProbabilityFlow, Probe
from gendsl.transforms import recipes as flows

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gendsl import guide
    from gendsl.calibration.calibrate import calibrate
    from gendsl.calibration.result import Calibration
    from gendsl.comparison import compare
    from gendsl.lang.chain import ModelAndGuide
    from gendsl.math.adversarial import Minimax, NonSaturating, Wasserstein
    from gendsl.objectives.adversarial import GAN, R1, WGAN, GradientPenalty
    from gendsl.objectives.base import Objective
    from gendsl.objectives.baseline import Baseline
    from gendsl.objectives.contrastive import ContrastiveDivergence, PersistentContrastiveDivergence
    from gendsl.objectives.diffusion import DenoisingScoreMatching, FlowMatching, Times, Weight
    from gendsl.objectives.energy import ImplicitScoreMatching, SlicedScoreMatching, SmoothedScoreMatching
    from gendsl.objectives.evidence import ELBO, IWAE, Gradient
    from gendsl.objectives.likelihood import MaximumLikelihood
    from gendsl.results.store import load
    from gendsl.trained import TrainedFit

__all__ = [
    "Activation",
    "AsymmetricLaplace",
    "Autoregressive",
    "Axis",
    "BackendError",
    "Baseline",
    "Bernoulli",
    "Beta",
    "BetaBinomial",
    "Binomial",
    "Calibration",
    "Categorical",
    "CategoricalElement",
    "Cauchy",
    "Centering",
    "ChainMethod",
    "Checkpoint",
    "Chi2",
    "CompileError",
    "Constraint",
    "ContrastiveDivergence",
    "ConvDecoder",
    "ConvNet",
    "DataError",
    "Delta",
    "DenoisingScoreMatching",
    "Diffusion",
    "Dirichlet",
    "DirichletMultinomial",
    "Distribution",
    "EDM",
    "ELBO",
    "Energy",
    "Engine",
    "Exponential",
    "Expr",
    "FitError",
    "Flow",
    "FlowMatching",
    "Folded",
    "FormatError",
    "Fourier",
    "GAN",
    "Gamma",
    "GammaPoisson",
    "GaussianProcess",
    "GendslError",
    "GendslWarning",
    "Geometric",
    "Gradient",
    "GradientPenalty",
    "Gumbel",
    "HMC",
    "HalfCauchy",
    "HalfNormal",
    "HiddenMarkov",
    "IWAE",
    "ImplicitScoreMatching",
    "ImproperUniform",
    "Interval",
    "InverseGamma",
    "Kumaraswamy",
    "LKJ",
    "LKJCholesky",
    "Laplace",
    "LogNormal",
    "Logistic",
    "LowRankMultivariateNormal",
    "MALA",
    "MLP",
    "Markov",
    "Masked",
    "MaskedMLP",
    "MaximumLikelihood",
    "Minimax",
    "Missing",
    "Mixture",
    "MixtureOf",
    "Model",
    "ModelAndGuide",
    "ModelError",
    "Multinomial",
    "MultivariateNormal",
    "MultivariateStudentT",
    "NUTS",
    "Native",
    "NegativeBinomial",
    "NonSaturating",
    "Normal",
    "NormalElement",
    "OU",
    "Objective",
    "OrderedLogistic",
    "Pareto",
    "PersistentContrastiveDivergence",
    "Plate",
    "Plot",
    "Poisson",
    "Precision",
    "Predicts",
    "ProbabilityFlow",
    "Probe",
    "Process",
    "ProjectedNormal",
    "Pushforward",
    "R1",
    "Rectified",
    "RelaxedBernoulli",
    "Remainder",
    "ResNet",
    "SineBivariateVonMises",
    "SineSkewed",
    "Sinusoidal",
    "SlicedScoreMatching",
    "SmoothedScoreMatching",
    "SoftLaplace",
    "StudentT",
    "SubVP",
    "Times",
    "Train",
    "TrainedFit",
    "Transformer",
    "TruncatedNormal",
    "ULA",
    "UNet",
    "Uniform",
    "Unit",
    "VE",
    "VP",
    "Validation",
    "VonMises",
    "WGAN",
    "Wasserstein",
    "Weibull",
    "Weight",
    "Wishart",
    "ZeroInflated",
    "ZeroInflatedPoisson",
    "calibrate",
    "compare",
    "corr_cholesky",
    "corr_matrix",
    "flows",
    "functions",
    "guide",
    "init",
    "kernel",
    "kernels",
    "lag",
    "load",
    "lower_cholesky",
    "nonnegative",
    "odeint",
    "ordered",
    "positive",
    "positive_definite",
    "positive_ordered",
    "real",
    "same",
    "sampler",
    "scan",
    "schedule",
    "simplex",
    "transform",
    "unit_interval",
    *functions.__all__,
]

_LATER = {
    "Baseline": "gendsl.objectives",
    "Calibration": "gendsl.calibration",
    "ContrastiveDivergence": "gendsl.objectives",
    "DenoisingScoreMatching": "gendsl.objectives",
    "ELBO": "gendsl.objectives",
    "FlowMatching": "gendsl.objectives",
    "GAN": "gendsl.objectives",
    "Gradient": "gendsl.objectives",
    "GradientPenalty": "gendsl.objectives",
    "IWAE": "gendsl.objectives",
    "ImplicitScoreMatching": "gendsl.objectives",
    "MaximumLikelihood": "gendsl.objectives",
    "Minimax": "gendsl.objectives",
    "NonSaturating": "gendsl.objectives",
    "Objective": "gendsl.objectives",
    "ModelAndGuide": "gendsl.lang.chain",
    "PersistentContrastiveDivergence": "gendsl.objectives",
    "R1": "gendsl.objectives",
    "SlicedScoreMatching": "gendsl.objectives",
    "SmoothedScoreMatching": "gendsl.objectives",
    "Times": "gendsl.objectives",
    "TrainedFit": "gendsl.trained",
    "WGAN": "gendsl.objectives",
    "Wasserstein": "gendsl.objectives",
    "Weight": "gendsl.objectives",
    "calibrate": "gendsl.calibration",
    "compare": "gendsl.comparison",
    "guide": "gendsl.guide",
    "load": "gendsl.results.store",
}
"""Names that need the whole machinery, which is loaded when they are first used."""


_ELSEWHERE = {
    "DDPM": "Diffusion(...), drawn by gd.sampler.Ancestral()",
    "Flat": "ImproperUniform",
    "HalfFlat": "ImproperUniform",
    "LKJCorr": "LKJ",
    "MvNormal": "MultivariateNormal",
    "MvStudentT": "MultivariateStudentT",
    "NegBinomial": "NegativeBinomial",
    "NegativeBinomial2": "GammaPoisson",
    "SVI": "Train(), with m.objective(gd.ELBO(guide=...))",
}
"""Names that other libraries have for these."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        near = [_ELSEWHERE[name]] if name in _ELSEWHERE else nearest(name, __all__)
        hint = f"; did you mean gd.{near[0]}?" if near else ""
        raise AttributeError(f"module 'gendsl' has no attribute '{name}'{hint}")
    module = import_module(_LATER[name])
    return module if module.__name__ == f"gendsl.{name}" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*__all__, "optim", "__version__", "__doc__"})
