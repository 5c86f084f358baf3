"""An ARMA(1, 1) process, its errors found by recursion."""

import gendsl as gd

__all__ = ["arma"]


def arma() -> gd.Model:
    """ARMA(1, 1).

        mu ~ Normal(0, 10); phi, theta ~ Normal(0, 2); sigma ~ HalfCauchy(2.5)
        err[1] = y[1] - (mu + phi mu)
        err[t] = y[t] - (mu + phi y[t-1] + theta err[t-1])          t = 2, ..., T
        err[t] ~ Normal(0, sigma)

    Data: y (time).

    Reference:
        Stan User's Guide, Time-series models | https://mc-stan.org/docs/stan-users-guide/time-series.html
    """
    m = gd.Model("arma")
    time = m.plate("time")
    y = m.data("y", dims=time)
    mu = m.latent("mu", gd.Normal(0, 10))
    phi = m.latent("phi", gd.Normal(0, 2))
    theta = m.latent("theta", gd.Normal(0, 2))
    sigma = m.latent("sigma", gd.HalfCauchy(2.5))

    def step(err: gd.Expr, now: gd.Expr, before: gd.Expr) -> tuple[gd.Expr, gd.Expr]:
        err = now - (mu + phi * before + theta * err)
        return err, err

    late = time >= 1
    first = y[0] - (mu + phi * mu)
    _, errors = gd.scan(step, first, y[late], gd.lag(y, 1, late), dim=late)
    m.observe("first_error", gd.Normal(0, sigma), value=first)
    m.observe("errors", gd.Normal(0, sigma), dims=late, value=errors)
    return m
