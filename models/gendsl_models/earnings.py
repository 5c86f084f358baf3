"""Earnings and height: a log-linear regression with an interaction and strongly correlated coefficients."""

import gendsl as gd

__all__ = ["logearn_interaction"]


def logearn_interaction() -> gd.Model:
    """Log earnings on height, sex and their interaction, with flat priors.

        beta[1:4] flat; sigma > 0 flat
        log(earn[n]) ~ Normal(beta1 + beta2 height[n] + beta3 male[n] + beta4 height[n] male[n], sigma)

    Data: earn (person), height (person), male (person), 0 or 1.

    Reference:
        Data Analysis Using Regression and Multilevel/Hierarchical Models (Gelman, Hill, 2006) |
        https://doi.org/10.1017/CBO9780511790942
    """
    m = gd.Model("logearn_interaction")
    person = m.plate("person")
    predictor = m.axis("predictor", 4, coords=["intercept", "height", "male", "height_male"])
    earn = m.data("earn", dims=person, support=gd.positive)
    height = m.data("height", dims=person)
    male = m.data("male", dims=person)
    beta = m.latent("beta", gd.ImproperUniform(gd.real).expand(predictor))
    sigma = m.latent("sigma", gd.ImproperUniform(gd.positive))
    mean = beta[0] + beta[1] * height + beta[2] * male + beta[3] * height * male
    m.observe("log_earn", gd.Normal(mean, sigma), dims=person, value=gd.log(earn))
    return m
