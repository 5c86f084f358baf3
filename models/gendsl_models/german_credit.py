"""German credit: a logistic regression on standardised predictors."""

import gendsl as gd

__all__ = ["german_credit"]


def german_credit(predictors: int = 25) -> gd.Model:
    """Logistic regression of credit risk; the intercept is one of the predictors.

        weights[1:D] ~ Normal(0, 1)
        y[n] ~ Bernoulli(logits = X[n] . weights)

    Data: X (customer), event (predictor,); y (customer), 0 or 1.

    Args:
        predictors: D.

    Reference:
        Statlog: German Credit Data (Hofmann, 1994) | https://doi.org/10.24432/C5NC77
    """
    m = gd.Model("german_credit")
    customer = m.plate("customer")
    predictor = m.axis("predictor", predictors)
    x = m.data("X", dims=customer, event=predictor)
    weights = m.latent("weights", gd.Normal(0, 1).expand(predictor))
    m.observe("y", gd.Bernoulli(logits=x @ weights), dims=customer)
    return m
