"""Bayesian linear regression on a matrix of predictors."""

import gendsl as gd

__all__ = ["linear_regression"]


def linear_regression(predictors: int = 5) -> gd.Model:
    """Linear regression without an intercept.

        beta[1:D] ~ Normal(0, 10); sigma ~ HalfNormal(10)
        y[n] ~ Normal(X[n] . beta, sigma)

    Data: X (row), event (predictor,); y (row).

    Args:
        predictors: D.

    Reference:
        posteriordb, sblrc-blr | https://github.com/stan-dev/posteriordb
    """
    m = gd.Model("linear_regression")
    row = m.plate("row")
    predictor = m.axis("predictor", predictors)
    x = m.data("X", dims=row, event=predictor)
    beta = m.latent("beta", gd.Normal(0, 10).expand(predictor))
    sigma = m.latent("sigma", gd.HalfNormal(10))
    m.observe("y", gd.Normal(x @ beta, sigma), dims=row)
    return m
