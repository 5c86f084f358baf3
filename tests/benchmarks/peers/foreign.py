"""PyMC with nutpie, and Stan by PyStan: run by an interpreter that has them, which need not have gendsl.

    python foreign.py pymc|stan CASE DATA.npz DRAWS.npz SEED

Writes the draws, (chain, draw, ...), and `seconds` from data to summary. `build` is the time of Stan's C++ compiler,
which is not in `seconds`: Stan keeps what it has built for ever.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

STAN = {
    "eight_schools_noncentered": """
data { int J; vector[J] y; vector<lower=0>[J] sigma; }
parameters { real mu; real<lower=0> tau; vector[J] theta_trans; }
model { mu ~ normal(0, 5); tau ~ cauchy(0, 5); theta_trans ~ std_normal(); y ~ normal(mu + tau * theta_trans, sigma); }
""",
    "radon_minnesota": """
data { int N; array[N] int county_of; vector[N] log_uranium; vector[N] floor; vector[N] floor_by_county;
       vector[N] log_radon; }
transformed data { matrix[N, 3] x = append_col(append_col(log_uranium, floor), floor_by_county); }
parameters { real county_effect_mean; real<lower=0> county_effect_scale; real<lower=0> log_radon_scale;
             vector[85] base; vector[3] weight; }
model { county_effect_mean ~ std_normal(); county_effect_scale ~ std_normal(); log_radon_scale ~ std_normal();
        weight ~ std_normal(); base ~ std_normal();
        log_radon ~ normal_id_glm(x, county_effect_mean + county_effect_scale * base[county_of], weight,
                                  log_radon_scale); }
""",
    "kidscore_interaction": """
data { int N; vector[N] mom_hs; vector[N] mom_iq; vector[N] kid_score; }
transformed data { vector[N] inter = mom_hs .* mom_iq; }
parameters { vector[4] beta; real<lower=0> sigma; }
model { sigma ~ cauchy(0, 2.5);
        kid_score ~ normal(beta[1] + beta[2] * mom_hs + beta[3] * mom_iq + beta[4] * inter, sigma); }
""",
    "logearn_interaction": """
data { int N; vector[N] earn; vector[N] height; vector[N] male; }
transformed data { vector[N] log_earn = log(earn); vector[N] inter = height .* male; }
parameters { vector[4] beta; real<lower=0> sigma; }
model { log_earn ~ normal(beta[1] + beta[2] * height + beta[3] * male + beta[4] * inter, sigma); }
""",
    "german_credit_logistic": """
data { int N; matrix[N, 25] X; array[N] int y; }
parameters { vector[25] weights; }
model { weights ~ std_normal(); y ~ bernoulli_logit_glm(X, 0, weights); }
""",
    "arK": """
data { int N; vector[N] y; }
parameters { real alpha; vector[5] beta; real<lower=0> sigma; }
model { alpha ~ normal(0, 10); beta ~ normal(0, 10); sigma ~ cauchy(0, 2.5);
        for (t in 6:N) { real m = alpha; for (k in 1:5) m += beta[k] * y[t - k]; y[t] ~ normal(m, sigma); } }
""",
    "low_dim_gauss_mix": """
data { int N; vector[N] y; }
parameters { ordered[2] mu; vector<lower=0>[2] sigma; real<lower=0, upper=1> theta; }
model { sigma ~ normal(0, 2); mu ~ normal(0, 2); theta ~ beta(5, 5);
        for (n in 1:N) target += log_mix(theta, normal_lpdf(y[n] | mu[1], sigma[1]),
                                         normal_lpdf(y[n] | mu[2], sigma[2])); }
""",
}


def pymc_model(case: str, data: dict[str, np.ndarray]) -> Any:
    """The model as a user of PyMC writes it."""
    import pymc as pm
    import pytensor.tensor as pt

    x = data
    with pm.Model() as model:
        if case == "eight_schools_noncentered":
            mu, tau = pm.Normal("mu", 0, 5), pm.HalfCauchy("tau", 5)
            base = pm.Normal("theta_trans", 0, 1, shape=len(x["y"]))
            pm.Normal("y", mu + tau * base, x["sigma"], observed=x["y"])
        elif case == "radon_minnesota":
            mean, scale = pm.Normal("county_effect_mean", 0, 1), pm.HalfNormal("county_effect_scale", 1)
            noise, w = pm.HalfNormal("log_radon_scale", 1), pm.Normal("weight", 0, 1, shape=3)
            base = pm.Normal("base", 0, 1, shape=85)
            m = (mean + scale * base)[x["county_of"]]
            m = m + w[0] * x["log_uranium"] + w[1] * x["floor"] + w[2] * x["floor_by_county"]
            pm.Normal("y", m, noise, observed=x["log_radon"])
        elif case in ("kidscore_interaction", "logearn_interaction"):
            kid = case == "kidscore_interaction"
            a, b, y = (x[k] for k in (("mom_hs", "mom_iq", "kid_score") if kid else ("height", "male", "earn")))
            beta = pm.Flat("beta", shape=4)
            sigma = pm.HalfCauchy("sigma", 2.5) if kid else pm.HalfFlat("sigma")
            m = beta[0] + beta[1] * a + beta[2] * b + beta[3] * a * b
            pm.Normal("y", m, sigma, observed=y if kid else np.log(y))
        elif case == "german_credit_logistic":
            w = pm.Normal("weights", 0, 1, shape=25)
            pm.Bernoulli("y", logit_p=pt.dot(x["X"], w), observed=x["y"])
        elif case == "arK":
            y = x["y"]
            alpha, beta = pm.Normal("alpha", 0, 10), pm.Normal("beta", 0, 10, shape=5)
            sigma = pm.HalfCauchy("sigma", 2.5)
            m = alpha + sum(beta[k] * y[4 - k : len(y) - 1 - k] for k in range(5))
            pm.Normal("y", m, sigma, observed=y[5:])
        else:
            order = pm.distributions.transforms.ordered
            mu = pm.Normal("mu", 0, 2, shape=2, transform=order, initval=np.array([-1.0, 1.0]))
            sigma, theta = pm.HalfNormal("sigma", 2, shape=2), pm.Beta("theta", 5, 5)
            pm.NormalMixture("y", pt.stack([theta, 1 - theta]), mu, sigma=sigma, observed=x["y"])
    return model


def run_pymc(case: str, data: dict[str, np.ndarray], seed: int) -> tuple[dict[str, np.ndarray], float, float]:
    import arviz as az
    import pymc as pm

    began = time.perf_counter()
    with pymc_model(case, data):
        idata = pm.sample(
            1000,
            tune=1000,
            chains=4,
            cores=2,
            target_accept=0.9,
            nuts_sampler="nutpie",
            random_seed=seed,
            progressbar=False,
            compute_convergence_checks=False,
        )
    az.summary(idata)
    seconds = time.perf_counter() - began
    return {str(k): np.asarray(v) for k, v in idata.posterior.items()}, seconds, 0.0


def run_stan(case: str, data: dict[str, np.ndarray], seed: int) -> tuple[dict[str, np.ndarray], float, float]:
    import stan

    first = next(iter(data.values()))
    given: dict[str, Any] = {k: v.tolist() for k, v in data.items()} | {"N": len(first), "J": len(first)}
    if "county_of" in given:
        given["county_of"] = (data["county_of"] + 1).tolist()
    if case == "german_credit_logistic":
        given["y"] = [int(v) for v in data["y"]]
    began = time.perf_counter()
    posterior = stan.build(STAN[case], data=given, random_seed=seed + 1)
    built = time.perf_counter()
    fit = posterior.sample(num_chains=4, num_samples=1000, num_warmup=1000, delta=0.9)
    draws = {}
    for name in fit.param_names:
        x = np.asarray(fit[name])  # (*event, draws of all chains in turn)
        draws[name] = np.moveaxis(x.reshape(*x.shape[:-1], 1000, 4), (-1, -2), (0, 1))
        draws[name] = draws[name][..., 0] if draws[name].shape[2:] == (1,) else draws[name]
    _summary(draws)
    return draws, time.perf_counter() - built, built - began


def _summary(draws: dict[str, np.ndarray]) -> None:
    import arviz as az

    az.summary(az.from_dict({"posterior": draws}) if int(az.__version__.split(".")[0]) else az.from_dict(draws))


def main() -> None:
    which, case, source, target, seed = sys.argv[1:]
    data = dict(np.load(source))
    draws, seconds, build = (run_pymc if which == "pymc" else run_stan)(case, data, int(seed))
    np.savez(target, seconds=seconds, build=build, **{f"draws_{k}": v for k, v in draws.items()})


if __name__ == "__main__":
    main()
