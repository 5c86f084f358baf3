"""An autoregression of order K."""

import gendsl as gd

__all__ = ["ar"]


def ar(order: int = 5) -> gd.Model:
    """AR(K), conditional on the first K observations.

        alpha ~ Normal(0, 10); beta[1:K] ~ Normal(0, 10); sigma ~ HalfCauchy(2.5)
        y[t] ~ Normal(alpha + sum_k beta[k] y[t-k], sigma)          t = K+1, ..., T

    Data: y (time).

    Args:
        order: K.

    Reference:
        Stan User's Guide, Time-series models | https://mc-stan.org/docs/stan-users-guide/time-series.html
    """
    m = gd.Model("ar")
    time = m.plate("time")
    lag = m.axis("lag", order, coords=range(1, order + 1))
    y = m.data("y", dims=time)
    late = time >= order
    alpha = m.latent("alpha", gd.Normal(0, 10))
    beta = m.latent("beta", gd.Normal(0, 10).expand(lag))
    sigma = m.latent("sigma", gd.HalfCauchy(2.5))
    past = gd.stack([gd.lag(y, k, late) for k in range(1, order + 1)])
    m.observe("y_late", gd.Normal(alpha + past @ beta, sigma), dims=late, value=y[late])
    return m
