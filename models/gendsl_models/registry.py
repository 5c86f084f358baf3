"""The zoo: every model with its data, and where there is one the reference posterior that it must reproduce.

>>> from gendsl_models import ZOO
>>> sorted(ZOO)[:2]
['arK', 'arma11']
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gendsl as gd
from gendsl_models import (
    ar,
    arma,
    brownian,
    coins,
    correlated_slopes,
    crossed_effects,
    dirichlet_multinomial,
    earnings,
    eight_schools,
    epidemic,
    funnel,
    garch,
    gaussian_mixture,
    german_credit,
    gp_regression,
    hmm,
    item_response,
    kidscore,
    linear_regression,
    local_level,
    lotka_volterra,
    mesquite,
    missing_data,
    nes,
    ordinal_regression,
    poisson_regression,
    radon,
    robust_regression,
    stochastic_volatility,
    zero_inflated,
)
from gendsl_models.cases import CASES
from gendsl_models.reference import load_data

__all__ = ["ZOO", "Entry"]


@dataclass(frozen=True)
class Entry:
    """A model of the zoo.

    Attributes:
        name: its name here; that of its reference case, where it has one.
        build: declares the model.
        data: gives data for it: those of the reference case, or simulated ones, the same at every call.
        reference: the reference case, or None.
        sites: site -> parameter of the reference, as in `cases.Case`; empty without a reference.
        slow: whether inference takes long.
    """

    name: str
    build: Callable[[], gd.Model]
    data: Callable[[], Mapping[str, Any]]
    reference: str | None = None
    sites: Mapping[str, str] = field(default_factory=dict)
    slow: bool = False


_REFERENCE: dict[str, Callable[[], gd.Model]] = {
    "eight_schools_noncentered": eight_schools.noncentered,
    "eight_schools_centered": eight_schools.centered,
    "logearn_interaction": earnings.logearn_interaction,
    "kidscore_interaction": kidscore.kidscore_interaction,
    "logmesquite": mesquite.logmesquite,
    "nes1980": nes.nes1980,
    "arK": partial(ar.ar, order=5),
    "arma11": arma.arma,
    "garch11": garch.garch,
    "low_dim_gauss_mix": gaussian_mixture.low_dim_gauss_mix,
    "hmm_example": hmm.hmm,
    "gp_regr": gp_regression.gp_regression,
    "lotka_volterra": lotka_volterra.lotka_volterra,
    "blr": partial(linear_regression.linear_regression, predictors=5),
    "radon_minnesota": radon.radon,
    "german_credit_logistic": partial(german_credit.german_credit, predictors=25),
    "brownian_missing": brownian.brownian,
    "item_response": item_response.item_response,
    "funnel": partial(funnel.funnel, size=10),
}

_SIMULATED: dict[str, tuple[Callable[[], gd.Model], Callable[[], Mapping[str, Any]]]] = {
    "coins": (coins.coins, coins.simulate),
    "poisson_regression": (poisson_regression.poisson_regression, poisson_regression.simulate),
    "crossed_effects": (crossed_effects.crossed_effects, crossed_effects.simulate),
    "ordinal_regression": (ordinal_regression.ordinal_regression, ordinal_regression.simulate),
    "correlated_slopes": (correlated_slopes.correlated_slopes, correlated_slopes.simulate),
    "zero_inflated": (zero_inflated.zero_inflated, zero_inflated.simulate),
    "robust_regression": (robust_regression.robust_regression, robust_regression.simulate),
    "dirichlet_multinomial": (dirichlet_multinomial.dirichlet_multinomial, dirichlet_multinomial.simulate),
    "missing_data": (missing_data.missing_data, missing_data.simulate),
    "local_level": (local_level.local_level, local_level.simulate),
    "stochastic_volatility": (stochastic_volatility.stochastic_volatility, stochastic_volatility.simulate),
    "epidemic": (epidemic.epidemic, epidemic.simulate),
}


def _entry(name: str, build: Callable[[], gd.Model]) -> Entry:
    case = CASES[name]
    return Entry(name, build, partial(load_data, name), name, case.sites, case.slow)


ZOO: dict[str, Entry] = {
    **{name: _entry(name, build) for name, build in _REFERENCE.items()},
    **{name: Entry(name, build, data) for name, (build, data) in _SIMULATED.items()},
}
"""Every model of the zoo, by name."""
