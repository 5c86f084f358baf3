"""A mixture of two normals whose locations are ordered."""

import gendsl as gd

__all__ = ["low_dim_gauss_mix"]


def low_dim_gauss_mix() -> gd.Model:
    """Two normal components, told apart by the order of their locations; the component is summed out.

        mu[1] < mu[2], each ~ Normal(0, 2)
        sigma[1:2] ~ HalfNormal(2); theta ~ Beta(5, 5)
        y[n] ~ theta Normal(mu1, sigma1) + (1 - theta) Normal(mu2, sigma2)

    Data: y (observation).

    Reference:
        Identifying Bayesian Mixture Models (Betancourt, 2017) |
        https://betanalpha.github.io/assets/case_studies/identifying_mixture_models.html
    """
    m = gd.Model("low_dim_gauss_mix")
    observation = m.plate("observation")
    component = m.axis("component", 2)
    mu = m.latent("mu", gd.Normal(0, 2).expand(component), constraint=gd.ordered)
    sigma = m.latent("sigma", gd.HalfNormal(2).expand(component))
    theta = m.latent("theta", gd.Beta(5, 5))
    weights = gd.stack([theta, 1 - theta])
    m.observe("y", gd.Mixture(weights, gd.Normal(mu, sigma)), dims=observation)
    return m
