"""The reference cases: which of their data a model takes, and how its sites are named in the reference."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CASES", "Case"]


@dataclass(frozen=True)
class Case:
    """How a model of the zoo meets a reference posterior.

    Attributes:
        name: the folder of the reference.
        data: name of the model's data -> name in the reference's data.
        sites: name of the model's site -> parameter of the reference. `"beta"` names the scalar itself, or
            its elements `beta[1]`, `beta[2]`, ...; `"x[1]"` is a single scalar; `"x[2:]"` counts from 2.
        one_based: data (by the model's name) whose indices count from 1 in the reference and from 0
            in the model.
        compared: the scalars that are compared; None means all.
        few_groups: scale parameters of fewer than 10 groups, whose sd may deviate by 25 %.
        slow: whether a run takes long.
    """

    name: str
    data: Mapping[str, str]
    sites: Mapping[str, str]
    one_based: frozenset[str] = frozenset()
    compared: frozenset[str] | None = None
    few_groups: frozenset[str] = frozenset()
    slow: bool = False


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


_EFFECTS = _same("theta", "mu", "tau")
_REGRESSION = _same("beta", "sigma")

_ALL = (
    Case("eight_schools_noncentered", _same("y", "sigma"), _EFFECTS, few_groups=frozenset({"tau"})),
    Case("eight_schools_centered", _same("y", "sigma"), _EFFECTS, few_groups=frozenset({"tau"})),
    Case("logearn_interaction", _same("earn", "height", "male"), _REGRESSION),
    Case("kidscore_interaction", _same("kid_score", "mom_hs", "mom_iq"), _REGRESSION),
    Case(
        "logmesquite",
        _same("weight", "diam1", "diam2", "canopy_height", "total_height", "density", "group"),
        _REGRESSION,
    ),
    Case(
        "nes1980",
        _same("partyid7", "real_ideo", "race_adj", "age_discrete", "educ1", "gender", "income"),
        _REGRESSION,
    ),
    Case("arK", _same("y"), _same("alpha", "beta", "sigma")),
    Case("arma11", _same("y"), _same("mu", "phi", "theta", "sigma")),
    Case("garch11", _same("y", "sigma1"), _same("mu", "alpha0", "alpha1", "beta1")),
    Case("low_dim_gauss_mix", _same("y"), _same("mu", "sigma", "theta")),
    Case("hmm_example", _same("y"), _same("theta1", "theta2", "mu")),
    Case("gp_regr", _same("x", "y"), _same("rho", "alpha", "sigma")),
    Case("lotka_volterra", _same("ts", "y_init", "y"), _same("theta", "z_init", "sigma"), slow=True),
    Case("blr", _same("X", "y"), _REGRESSION),
    Case(
        "radon_minnesota",
        {"county_of": "county", **_same("log_uranium", "floor", "floor_by_county", "log_radon")},
        _same("county_effect_mean", "county_effect_scale", "county_effect", "weight", "log_radon_scale"),
        one_based=frozenset({"county_of"}),
    ),
    Case("german_credit_logistic", _same("X", "y"), _same("weights")),
    Case(
        "brownian_missing",
        _same("observed_locs", "innovation_noise_scale", "observation_noise_scale"),
        _same("locs"),
    ),
    Case(
        "item_response",
        _same("student_ids", "question_ids", "correct"),
        _same("mean_student_ability", "centered_student_ability", "question_difficulty"),
        slow=True,
    ),
    Case("funnel", {}, {"v": "x[1]", "x": "x[2:]"}, compared=frozenset({"x[1]"})),
)

CASES: dict[str, Case] = {case.name: case for case in _ALL}
"""Every reference case, by name."""
