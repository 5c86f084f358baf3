"""Party identification in the American National Election Study of 1980."""

import gendsl as gd

__all__ = ["nes1980"]


def nes1980() -> gd.Model:
    """Party identification on ideology, race, age group, education, gender and income, with flat priors.

        beta[1:9] flat; sigma > 0 flat
        partyid7[n] ~ Normal(x[n] . beta, sigma)
        x[n] = (1, real_ideo, race_adj, [age = 2], [age = 3], [age = 4], educ1, gender, income)

    Data, all (voter): partyid7, real_ideo, race_adj, age_discrete, one of 1 to 4, educ1, gender, income.

    Reference:
        Data Analysis Using Regression and Multilevel/Hierarchical Models (Gelman, Hill, 2006) |
        https://doi.org/10.1017/CBO9780511790942
    """
    m = gd.Model("nes1980")
    voter = m.plate("voter")
    names = ("intercept", "real_ideo", "race_adj", "age_2", "age_3", "age_4", "educ1", "gender", "income")
    predictor = m.axis("predictor", len(names), coords=names)
    real_ideo = m.data("real_ideo", dims=voter)
    race_adj = m.data("race_adj", dims=voter)
    age = m.data("age_discrete", dims=voter, dtype=int)
    educ1 = m.data("educ1", dims=voter)
    gender = m.data("gender", dims=voter)
    income = m.data("income", dims=voter)
    beta = m.latent("beta", gd.ImproperUniform(gd.real).expand(predictor))
    sigma = m.latent("sigma", gd.ImproperUniform(gd.positive))
    ages = [gd.to_float(age == k) for k in (2, 3, 4)]
    x = gd.stack([1.0, real_ideo, race_adj, *ages, educ1, gender, income])
    m.observe("partyid7", gd.Normal(x @ beta, sigma), dims=voter)
    return m
