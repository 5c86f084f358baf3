"""An epidemic: the SIR equations with overdispersed counts of the ill."""

import numpy as np

import gendsl as gd

__all__ = ["epidemic", "simulate"]

_POPULATION = 763.0


def epidemic() -> gd.Model:
    """The numbers S, I and R of the susceptible, the infected and the recovered in a closed population of N.

        dS/dt = -beta S I / N,  dI/dt = beta S I / N - gamma I,  dR/dt = gamma I
        (S, I, R)(0) = (N - 1, 1, 0)
        beta ~ LogNormal(0.5, 0.5); gamma ~ LogNormal(-0.7, 0.5); concentration ~ Exponential(0.1)
        ill[t] ~ GammaPoisson(concentration, concentration / I(t)), of mean I(t)

    Recorded: reproduction = beta / gamma.

    Data: population, N; days (day), times after 0; ill (day).

    Reference:
        A contribution to the mathematical theory of epidemics (Kermack, McKendrick, 1927) |
        https://doi.org/10.1098/rspa.1927.0118
    """
    m = gd.Model("epidemic")
    day = m.plate("day")
    population = m.data("population", support=gd.positive)
    days = m.data("days", dims=day, support=gd.positive)
    beta = m.latent("beta", gd.LogNormal(0.5, 0.5))
    gamma = m.latent("gamma", gd.LogNormal(-0.7, 0.5))
    concentration = m.latent("concentration", gd.Exponential(0.1))
    m.let("reproduction", beta / gamma)

    def rates(state: gd.Expr, _: gd.Expr) -> gd.Expr:
        susceptible, infected, _recovered = state
        infections = beta * susceptible * infected / population
        recoveries = gamma * infected
        return gd.stack([-infections, infections - recoveries, recoveries])

    states = gd.odeint(rates, gd.stack([population - 1, 1.0, 0.0]), days)
    infected = gd.maximum(states[..., 1], 1e-3)  # the solver may end a little below 0
    m.observe("ill", gd.GammaPoisson(concentration, concentration / infected), dims=day)
    return m


def simulate(seed: int = 0) -> dict[str, np.ndarray | float]:
    """14 days in a school of 763 pupils with beta = 1.7 and gamma = 0.5, solved by Runge-Kutta steps."""
    rng = np.random.default_rng(seed)
    beta, gamma, steps = 1.7, 0.5, 100

    def rates(y: np.ndarray) -> np.ndarray:
        infections, recoveries = beta * y[0] * y[1] / _POPULATION, gamma * y[1]
        return np.array([-infections, infections - recoveries, recoveries])

    y, h = np.array([_POPULATION - 1, 1.0, 0.0]), 1.0 / steps
    infected = []
    for _ in range(14):
        for _ in range(steps):
            k1 = rates(y)
            k2 = rates(y + h / 2 * k1)
            k3 = rates(y + h / 2 * k2)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + rates(y + h * k3))
        infected.append(y[1])
    means = rng.gamma(20.0, np.array(infected) / 20.0)
    return {"population": _POPULATION, "days": np.arange(1.0, 15.0), "ill": rng.poisson(means)}
