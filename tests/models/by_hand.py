"""The log-densities of the zoo's models, written by hand in numpy and scipy from their statements."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import integrate, special, stats

__all__ = ["JOINT", "ODE"]

Values = Mapping[str, Any]
norm, cauchy = stats.norm.logpdf, stats.halfcauchy.logpdf
half = stats.halfnorm.logpdf


def _schools(v: Values, d: Values) -> float:
    prior = norm(v["mu"], 0, 5) + cauchy(v["tau"], scale=5)
    return prior + norm(v["theta"], v["mu"], v["tau"]).sum() + norm(d["y"], v["theta"], d["sigma"]).sum()


def _schools_noncentered(v: Values, d: Values) -> float:
    theta = v["mu"] + v["tau"] * v["theta_trans"]
    prior = norm(v["mu"], 0, 5) + cauchy(v["tau"], scale=5) + norm(v["theta_trans"]).sum()
    return prior + norm(d["y"], theta, d["sigma"]).sum()


def _columns(*columns: Any) -> np.ndarray:
    return np.stack(np.broadcast_arrays(*columns), -1).astype(float)


def _earnings(v: Values, d: Values) -> float:
    x = _columns(1, d["height"], d["male"], d["height"] * d["male"])
    return norm(np.log(d["earn"]), x @ v["beta"], v["sigma"]).sum()


def _kidscore(v: Values, d: Values) -> float:
    x = _columns(1, d["mom_hs"], d["mom_iq"], d["mom_hs"] * d["mom_iq"])
    return cauchy(v["sigma"], scale=2.5) + norm(d["kid_score"], x @ v["beta"], v["sigma"]).sum()


def _mesquite(v: Values, d: Values) -> float:
    sizes = [np.log(d[k]) for k in ("diam1", "diam2", "canopy_height", "total_height", "density")]
    return norm(np.log(d["weight"]), _columns(1, *sizes, d["group"]) @ v["beta"], v["sigma"]).sum()


def _nes(v: Values, d: Values) -> float:
    ages = [d["age_discrete"] == k for k in (2, 3, 4)]
    x = _columns(1, d["real_ideo"], d["race_adj"], *ages, d["educ1"], d["gender"], d["income"])
    return norm(d["partyid7"], x @ v["beta"], v["sigma"]).sum()


def _ar(v: Values, d: Values) -> float:
    y, total = d["y"], norm(v["alpha"], 0, 10) + norm(v["beta"], 0, 10).sum() + cauchy(v["sigma"], scale=2.5)
    for t in range(5, len(y)):
        total += norm(y[t], v["alpha"] + sum(v["beta"][k] * y[t - 1 - k] for k in range(5)), v["sigma"])
    return total


def _arma(v: Values, d: Values) -> float:
    mu, phi, theta, y = v["mu"], v["phi"], v["theta"], d["y"]
    err = np.empty(len(y))
    err[0] = y[0] - (mu + phi * mu)
    for t in range(1, len(y)):
        err[t] = y[t] - (mu + phi * y[t - 1] + theta * err[t - 1])
    prior = norm(mu, 0, 10) + norm(phi, 0, 2) + norm(theta, 0, 2) + cauchy(v["sigma"], scale=2.5)
    return prior + norm(err, 0, v["sigma"]).sum()


def _garch(v: Values, d: Values) -> float:
    y, sigma = d["y"], np.empty(len(d["y"]))
    sigma[0] = d["sigma1"]
    for t in range(1, len(y)):
        sigma[t] = np.sqrt(v["alpha0"] + v["alpha1"] * (y[t - 1] - v["mu"]) ** 2 + v["beta1"] * sigma[t - 1] ** 2)
    return np.log(2.0) + norm(y, v["mu"], sigma).sum()  # flat on the triangle, of area 1/2


def _mixture(v: Values, d: Values) -> float:
    theta, y = v["theta"], d["y"][:, None]
    parts = norm(y, v["mu"], v["sigma"]) + np.log([theta, 1 - theta])
    prior = norm(v["mu"], 0, 2).sum() + half(v["sigma"], scale=2).sum() + stats.beta.logpdf(theta, 5, 5)
    return prior + special.logsumexp(parts, axis=-1).sum()


def _hmm(v: Values, d: Values) -> float:
    log_a = np.log(np.stack([v["theta1"], v["theta2"]]))
    emissions = norm(d["y"][:, None], v["mu"], 1)
    alpha = emissions[0]
    for e in emissions[1:]:
        alpha = special.logsumexp(alpha[:, None] + log_a, axis=0) + e
    return norm(v["mu"], [3, 10], 1).sum() + special.logsumexp(alpha)


def _gp(v: Values, d: Values) -> float:
    gap = d["x"][:, None] - d["x"]
    k = v["alpha"] ** 2 * np.exp(-(gap**2) / (2 * v["rho"] ** 2)) + v["sigma"] * np.eye(len(gap))
    prior = stats.gamma.logpdf(v["rho"], 25, scale=1 / 4) + half(v["alpha"], scale=2) + half(v["sigma"])
    return prior + stats.multivariate_normal.logpdf(d["y"], np.zeros(len(gap)), k)


def _solve(rates: Callable[..., Any], start: Any, times: np.ndarray) -> np.ndarray:
    out = integrate.solve_ivp(rates, (0.0, float(times[-1])), start, t_eval=times, rtol=1e-10, atol=1e-12)
    return out.y.T


def _lotka_volterra(v: Values, d: Values) -> float:
    a, b, c, e = v["theta"]
    z = _solve(lambda _, s: [(a - b * s[1]) * s[0], (-c + e * s[0]) * s[1]], v["z_init"], d["ts"])
    loc, scale = np.array([1, 0.05, 1, 0.05]), np.array([0.5, 0.05, 0.5, 0.05])
    prior = (norm(v["theta"], loc, scale) - _log_mass_above_zero(loc, scale)).sum()
    prior += _lognormal(v["sigma"], -1, 1).sum() + _lognormal(v["z_init"], np.log(10), 1).sum()
    seen = _lognormal(d["y_init"], np.log(v["z_init"]), v["sigma"]).sum()
    return prior + seen + _lognormal(d["y"], np.log(z), v["sigma"]).sum()


def _log_mass_above_zero(loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return stats.norm.logsf(0, loc, scale)


def _lognormal(x: Any, loc: Any, scale: Any) -> Any:
    return norm(np.log(x), loc, scale) - np.log(x)


def _blr(v: Values, d: Values) -> float:
    prior = norm(v["beta"], 0, 10).sum() + half(v["sigma"], scale=10)
    return prior + norm(d["y"], d["X"] @ v["beta"], v["sigma"]).sum()


def _radon(v: Values, d: Values) -> float:
    w = v["weight"]
    level = v["county_effect"][d["county_of"]] + w[0] * d["log_uranium"] + w[1] * d["floor"]
    level = level + w[2] * d["floor_by_county"]
    prior = norm(v["county_effect_mean"]) + half(v["county_effect_scale"]) + half(v["log_radon_scale"])
    prior += norm(w).sum() + norm(v["county_effect"], v["county_effect_mean"], v["county_effect_scale"]).sum()
    return prior + norm(d["log_radon"], level, v["log_radon_scale"]).sum()


def _bernoulli(y: Any, logits: Any) -> Any:
    return special.log_expit(np.where(np.asarray(y) == 1, logits, -np.asarray(logits)))


def _german_credit(v: Values, d: Values) -> float:
    return norm(v["weights"]).sum() + _bernoulli(d["y"], d["X"] @ v["weights"]).sum()


def _walk(x: np.ndarray, first: float, scale: float) -> float:
    return norm(x[0], 0, first) + norm(x[1:], x[:-1], scale).sum()


def _brownian(v: Values, d: Values) -> float:
    s, there = d["innovation_noise_scale"], ~np.isnan(d["observed_locs"])
    seen = norm(d["observed_locs"][there], v["locs"][there], d["observation_noise_scale"]).sum()
    return _walk(v["locs"], s, s) + seen


def _item_response(v: Values, d: Values) -> float:
    ability, difficulty = v["centered_student_ability"], v["question_difficulty"]
    logits = v["mean_student_ability"] + ability[d["student_ids"]] - difficulty[d["question_ids"]]
    prior = norm(v["mean_student_ability"], 0.75, 1) + norm(ability).sum() + norm(difficulty).sum()
    return prior + _bernoulli(d["correct"], logits).sum()


def _funnel(v: Values, d: Values) -> float:
    return norm(v["v"], 0, 3) + norm(v["x"], 0, np.exp(v["v"] / 2)).sum()


def _coins(v: Values, d: Values) -> float:
    return stats.beta.logpdf(v["p"], 2, 2) + stats.bernoulli.logpmf(d["heads"], v["p"]).sum()


def _poisson(v: Values, d: Values) -> float:
    rate = d["exposure"] * np.exp(v["alpha"] + d["x"] @ v["beta"])
    return norm(v["alpha"], 0, 2) + norm(v["beta"]).sum() + stats.poisson.logpmf(d["count"], rate).sum()


def _crossed(v: Values, d: Values) -> float:
    prior = norm(v["mu"], 0, 5) + sum(half(v[k], scale=2) for k in ("tau_student", "tau_item", "sigma"))
    prior += norm(v["a"], 0, v["tau_student"]).sum() + norm(v["b"], 0, v["tau_item"]).sum()
    return prior + norm(d["score"], v["mu"] + v["a"][:, None] + v["b"], v["sigma"]).sum()


def _ordinal(v: Values, d: Values) -> float:
    c = np.concatenate([[-np.inf], v["cutpoints"], [np.inf]])
    eta = d["x"] @ v["beta"]
    p = special.expit(c[d["answer"] + 1] - eta) - special.expit(c[d["answer"]] - eta)
    return norm(v["beta"]).sum() + norm(v["cutpoints"], 0, 3).sum() + np.log(p).sum()


def _slopes(v: Values, d: Values) -> float:
    s = np.diag(v["tau"]) @ v["L"]
    prior = norm(v["mu"], 0, 5).sum() + half(v["tau"], scale=2).sum() + half(v["sigma"])
    prior += stats.beta.logpdf(v["L"][1, 0] / 2 + 0.5, 2, 2) - np.log(2)  # the correlation, under LKJ(2)
    prior += stats.multivariate_normal.logpdf(v["beta"] - v["mu"], np.zeros(2), s @ s.T).sum()
    line = v["beta"][d["group_of"]]
    return prior + norm(d["y"], line[:, 0] + line[:, 1] * d["x"], v["sigma"]).sum()


def _zero_inflated(v: Values, d: Values) -> float:
    prior = norm(v["alpha"], 0, 2) + norm(v["gamma"], 0, 2) + norm(v["beta"]) + norm(v["delta"])
    gate = special.expit(v["gamma"] + v["delta"] * d["x"])
    p = (1 - gate) * stats.poisson.pmf(d["count"], np.exp(v["alpha"] + v["beta"] * d["x"]))
    return prior + np.log(p + gate * (d["count"] == 0)).sum()


def _robust(v: Values, d: Values) -> float:
    prior = norm(v["alpha"], 0, 10) + norm(v["beta"], 0, 10) + cauchy(v["sigma"], scale=2.5)
    prior += stats.gamma.logpdf(v["nu"], 2, scale=10)
    return prior + stats.t.logpdf(d["y"], v["nu"], v["alpha"] + v["beta"] * d["x"], v["sigma"]).sum()


def _dirichlet_multinomial(v: Values, d: Values) -> float:
    prior = special.gammaln(4) + stats.gamma.logpdf(v["precision"], 2, scale=20)
    rows = zip(d["count"], d["total"], strict=True)
    return prior + sum(stats.dirichlet_multinomial.logpmf(c, v["precision"] * v["share"], n) for c, n in rows)


def _missing(v: Values, d: Values) -> float:
    x = d["x"].copy()
    x[np.isnan(x)] = v["x_missing"]
    prior = sum(norm(v[k], 0, 5) for k in ("mu", "alpha", "beta")) + half(v["tau"], scale=2) + half(v["sigma"], scale=2)
    return prior + norm(x, v["mu"], v["tau"]).sum() + norm(d["y"], v["alpha"] + v["beta"] * x, v["sigma"]).sum()


def _local_level(v: Values, d: Values) -> float:
    prior = half(v["innovation"]) + half(v["noise"]) + _walk(v["level"], 5, v["innovation"])
    return prior + norm(d["y"], v["level"], v["noise"]).sum()


def _volatility(v: Values, d: Values) -> float:
    phi, h = 2 * v["persistence"] - 1, v["h"] - v["mu"]
    prior = norm(v["mu"], 0, 5) + stats.beta.logpdf(v["persistence"], 20, 1.5) + half(v["sigma"], scale=0.5)
    prior += norm(h[0], 0, v["sigma"] / np.sqrt(1 - phi**2)) + norm(h[1:], phi * h[:-1], v["sigma"]).sum()
    return prior + norm(d["y"], 0, np.exp(v["h"] / 2)).sum()


def _epidemic(v: Values, d: Values) -> float:
    beta, gamma, k, n = v["beta"], v["gamma"], v["concentration"], d["population"]

    def rates(_: float, s: np.ndarray) -> list[float]:
        return [-beta * s[0] * s[1] / n, beta * s[0] * s[1] / n - gamma * s[1], gamma * s[1]]

    infected = _solve(rates, [n - 1, 1.0, 0.0], d["days"])[:, 1]
    prior = _lognormal(beta, 0.5, 0.5) + _lognormal(gamma, -0.7, 0.5) + stats.expon.logpdf(k, scale=10)
    return prior + stats.nbinom.logpmf(d["ill"], k, k / (k + infected)).sum()


JOINT: dict[str, Callable[[Values, Values], float]] = {
    "eight_schools_noncentered": _schools_noncentered,
    "eight_schools_centered": _schools,
    "logearn_interaction": _earnings,
    "kidscore_interaction": _kidscore,
    "logmesquite": _mesquite,
    "nes1980": _nes,
    "arK": _ar,
    "arma11": _arma,
    "garch11": _garch,
    "low_dim_gauss_mix": _mixture,
    "hmm_example": _hmm,
    "gp_regr": _gp,
    "lotka_volterra": _lotka_volterra,
    "blr": _blr,
    "radon_minnesota": _radon,
    "german_credit_logistic": _german_credit,
    "brownian_missing": _brownian,
    "item_response": _item_response,
    "funnel": _funnel,
    "coins": _coins,
    "poisson_regression": _poisson,
    "crossed_effects": _crossed,
    "ordinal_regression": _ordinal,
    "correlated_slopes": _slopes,
    "zero_inflated": _zero_inflated,
    "robust_regression": _robust,
    "dirichlet_multinomial": _dirichlet_multinomial,
    "missing_data": _missing,
    "local_level": _local_level,
    "stochastic_volatility": _volatility,
    "epidemic": _epidemic,
}
ODE = {"lotka_volterra", "epidemic"}
