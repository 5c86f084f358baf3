"""Eight schools: parallel experiments with known standard errors, centred and non-centred."""

import gendsl as gd

__all__ = ["centered", "noncentered"]


def centered() -> gd.Model:
    """Eight schools, as one writes it.

        mu       ~ Normal(0, 5)
        tau      ~ HalfCauchy(5)
        theta[j] ~ Normal(mu, tau)
        y[j]     ~ Normal(theta[j], sigma[j])

    Data: y (school), estimated effects; sigma (school), their standard errors.

    Reference:
        Estimation in Parallel Randomized Experiments (Rubin, 1981) | https://doi.org/10.3102/10769986006004377
    """
    m = gd.Model("eight_schools_centered")
    school = m.plate("school")
    sigma = m.data("sigma", dims=school, support=gd.positive)
    mu = m.latent("mu", gd.Normal(0, 5))
    tau = m.latent("tau", gd.HalfCauchy(5))
    theta = m.latent("theta", gd.Normal(mu, tau), dims=school)
    m.observe("y", gd.Normal(theta, sigma), dims=school)
    return m


def noncentered() -> gd.Model:
    """Eight schools with standardised effects.

        mu             ~ Normal(0, 5)
        tau            ~ HalfCauchy(5)
        theta_trans[j] ~ Normal(0, 1)
        theta[j]       = mu + tau theta_trans[j]
        y[j]           ~ Normal(theta[j], sigma[j])

    Data: y (school), estimated effects; sigma (school), their standard errors.

    Reference:
        Estimation in Parallel Randomized Experiments (Rubin, 1981) | https://doi.org/10.3102/10769986006004377
    """
    m = gd.Model("eight_schools_noncentered")
    school = m.plate("school")
    sigma = m.data("sigma", dims=school, support=gd.positive)
    mu = m.latent("mu", gd.Normal(0, 5))
    tau = m.latent("tau", gd.HalfCauchy(5))
    theta_trans = m.latent("theta_trans", gd.Normal(0, 1), dims=school)
    theta = m.let("theta", mu + tau * theta_trans)
    m.observe("y", gd.Normal(theta, sigma), dims=school)
    return m
