"""Radon in the houses of Minnesota: a level for each county."""

import gendsl as gd

__all__ = ["radon"]


def radon() -> gd.Model:
    """Log radon with county effects and three predictors.

        county_effect_mean ~ Normal(0, 1); county_effect_scale, log_radon_scale ~ HalfNormal(1)
        county_effect[c] ~ Normal(county_effect_mean, county_effect_scale); weight[1:3] ~ Normal(0, 1)
        log_radon[n] ~ Normal(county_effect[county_of[n]] + weight1 log_uranium[n] + weight2 floor[n]
                              + weight3 floor_by_county[n], log_radon_scale)

    Data, all (house): county_of, indices from 0; log_uranium, floor, floor_by_county, log_radon.

    Reference:
        Data Analysis Using Regression and Multilevel/Hierarchical Models (Gelman, Hill, 2006) |
        https://doi.org/10.1017/CBO9780511790942
    """
    m = gd.Model("radon")
    county, house = m.plate("county"), m.plate("house")
    predictor = m.axis("predictor", 3, coords=["log_uranium", "floor", "floor_by_county"])
    at = m.data("county_of", dims=house, indexes=county)
    log_uranium = m.data("log_uranium", dims=house)
    floor = m.data("floor", dims=house)
    floor_by_county = m.data("floor_by_county", dims=house)
    mean = m.latent("county_effect_mean", gd.Normal(0, 1))
    scale = m.latent("county_effect_scale", gd.HalfNormal(1))
    effect = m.latent("county_effect", gd.Normal(mean, scale), dims=county)
    weight = m.latent("weight", gd.Normal(0, 1).expand(predictor))
    log_radon_scale = m.latent("log_radon_scale", gd.HalfNormal(1))
    level = effect[at] + weight[0] * log_uranium + weight[1] * floor + weight[2] * floor_by_county
    m.observe("log_radon", gd.Normal(level, log_radon_scale), dims=house)
    return m
