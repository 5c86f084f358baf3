"""A GARCH(1, 1) process: a variance that follows its own past, with a bound that depends on a parameter."""

import gendsl as gd

__all__ = ["garch"]


def garch() -> gd.Model:
    """GARCH(1, 1), with flat priors on the stationary region.

        mu real, alpha0 > 0 flat; (alpha1, beta1) flat on alpha1, beta1 > 0, alpha1 + beta1 < 1
        sigma[1] = sigma1
        sigma[t]^2 = alpha0 + alpha1 (y[t-1] - mu)^2 + beta1 sigma[t-1]^2          t = 2, ..., T
        y[t] ~ Normal(mu, sigma[t])

    The uniform distribution on that triangle has the marginal alpha1 ~ Beta(1, 2), of density proportional to
    1 - alpha1, and the conditional beta1 ~ Uniform(0, 1 - alpha1), of density 1 / (1 - alpha1).

    Data: y (time); sigma1, the first standard deviation.

    Reference:
        Generalized autoregressive conditional heteroskedasticity (Bollerslev, 1986) |
        https://doi.org/10.1016/0304-4076(86)90063-1
    """
    m = gd.Model("garch")
    time = m.plate("time")
    y = m.data("y", dims=time)
    sigma1 = m.data("sigma1", support=gd.positive)
    mu = m.latent("mu", gd.ImproperUniform(gd.real))
    alpha0 = m.latent("alpha0", gd.ImproperUniform(gd.positive))
    alpha1 = m.latent("alpha1", gd.Beta(1, 2))
    beta1 = m.latent("beta1", gd.Uniform(0, 1 - alpha1))

    def step(variance: gd.Expr, before: gd.Expr) -> tuple[gd.Expr, gd.Expr]:
        variance = alpha0 + alpha1 * gd.square(before - mu) + beta1 * variance
        return variance, variance

    late = time >= 1
    _, variance = gd.scan(step, gd.square(sigma1), gd.lag(y, 1, late), dim=late)
    m.observe("y_first", gd.Normal(mu, sigma1), value=y[0])
    m.observe("y_late", gd.Normal(mu, gd.sqrt(variance)), dims=late, value=y[late])
    return m
