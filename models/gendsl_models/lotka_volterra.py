"""Predator and prey: the Lotka-Volterra equations with log-normal measurements."""

import numpy as np

import gendsl as gd

__all__ = ["lotka_volterra"]


def lotka_volterra() -> gd.Model:
    """Hares u and lynxes v.

        du/dt = (theta1 - theta2 v) u,  dv/dt = (-theta3 + theta4 u) v,  (u, v)(0) = z_init
        theta1, theta3 ~ Normal(1, 0.5), theta2, theta4 ~ Normal(0.05, 0.05), all truncated to > 0
        sigma[k] ~ LogNormal(-1, 1); z_init[k] ~ LogNormal(log 10, 1)
        y_init[k] ~ LogNormal(log z_init[k], sigma[k]); y[n, k] ~ LogNormal(log z[n, k], sigma[k])

    Data: ts (year), times after 0; y_init, event (species,); y (year), event (species,).

    Reference:
        Predator-Prey Population Dynamics: the Lotka-Volterra model in Stan (Carpenter, 2018) |
        https://mc-stan.org/users/documentation/case-studies/lotka-volterra-predator-prey.html
    """
    m = gd.Model("lotka_volterra")
    year = m.plate("year")
    species = m.axis("species", 2, coords=["hare", "lynx"])
    ts = m.data("ts", dims=year, support=gd.positive)
    prior = gd.TruncatedNormal([1.0, 0.05, 1.0, 0.05], [0.5, 0.05, 0.5, 0.05], low=0.0)
    theta = m.latent("theta", prior)
    sigma = m.latent("sigma", gd.LogNormal(-1, 1).expand(species))
    z_init = m.latent("z_init", gd.LogNormal(np.log(10.0), 1).expand(species))

    def rates(z: gd.Expr, _: gd.Expr) -> gd.Expr:
        u, v = z
        return gd.stack([(theta[0] - theta[1] * v) * u, (theta[3] * u - theta[2]) * v])

    z = gd.odeint(rates, z_init, ts)
    m.observe("y_init", gd.LogNormal(gd.log(z_init), sigma))
    m.observe("y", gd.LogNormal(gd.log(z), sigma), dims=year)
    return m
