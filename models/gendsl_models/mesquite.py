"""Mesquite bushes: the weight of leaves from the size of the bush, on the log scale."""

import gendsl as gd

__all__ = ["logmesquite"]

_SIZES = ("diam1", "diam2", "canopy_height", "total_height", "density")


def logmesquite() -> gd.Model:
    """Log weight on log sizes and the group, with flat priors.

        beta[1:7] flat; sigma > 0 flat
        log(weight[n]) ~ Normal(x[n] . beta, sigma)
        x[n] = (1, log diam1, log diam2, log canopy_height, log total_height, log density, group)

    Data, all (bush): weight, diam1, diam2, canopy_height, total_height, density, group, 0 or 1.

    Reference:
        Data Analysis Using Regression and Multilevel/Hierarchical Models (Gelman, Hill, 2006) |
        https://doi.org/10.1017/CBO9780511790942
    """
    m = gd.Model("logmesquite")
    bush = m.plate("bush")
    predictor = m.axis("predictor", 7, coords=["intercept", *(f"log_{s}" for s in _SIZES), "group"])
    weight = m.data("weight", dims=bush, support=gd.positive)
    sizes = [m.data(name, dims=bush, support=gd.positive) for name in _SIZES]
    group = m.data("group", dims=bush)
    beta = m.latent("beta", gd.ImproperUniform(gd.real).expand(predictor))
    sigma = m.latent("sigma", gd.ImproperUniform(gd.positive))
    x = gd.stack([1.0, *map(gd.log, sizes), group])
    m.observe("log_weight", gd.Normal(x @ beta, sigma), dims=bush, value=gd.log(weight))
    return m
