"""Children's test scores: a regression on the mother's schooling, her IQ and their interaction."""

import gendsl as gd

__all__ = ["kidscore_interaction"]


def kidscore_interaction() -> gd.Model:
    """Test scores with flat coefficients and a half-Cauchy scale.

        beta[1:4] flat; sigma ~ HalfCauchy(2.5)
        kid_score[n] ~ Normal(beta1 + beta2 mom_hs[n] + beta3 mom_iq[n] + beta4 mom_hs[n] mom_iq[n], sigma)

    Data: kid_score (child), mom_hs (child), 0 or 1, mom_iq (child).

    Reference:
        Data Analysis Using Regression and Multilevel/Hierarchical Models (Gelman, Hill, 2006) |
        https://doi.org/10.1017/CBO9780511790942
    """
    m = gd.Model("kidscore_interaction")
    child = m.plate("child")
    predictor = m.axis("predictor", 4, coords=["intercept", "mom_hs", "mom_iq", "mom_hs_iq"])
    mom_hs = m.data("mom_hs", dims=child)
    mom_iq = m.data("mom_iq", dims=child)
    beta = m.latent("beta", gd.ImproperUniform(gd.real).expand(predictor))
    sigma = m.latent("sigma", gd.HalfCauchy(2.5))
    mean = beta[0] + beta[1] * mom_hs + beta[2] * mom_iq + beta[3] * mom_hs * mom_iq
    m.observe("kid_score", gd.Normal(mean, sigma), dims=child)
    return m
