"""A hidden Markov chain with two states and normal emissions."""

import gendsl as gd

__all__ = ["hmm"]


def hmm() -> gd.Model:
    """Two hidden states, summed out; the initial state has weight 1 for each.

        theta1, theta2 uniform on the simplex: theta_i[j] = P(state[t+1] = j | state[t] = i)
        0 < mu[1] < mu[2], mu1 ~ Normal(3, 1), mu2 ~ Normal(10, 1)
        y[t] ~ Normal(mu[state[t]], 1)

    Data: y (time).

    Reference:
        A tutorial on hidden Markov models (Rabiner, 1989) | https://doi.org/10.1109/5.18626
    """
    m = gd.Model("hmm")
    time = m.plate("time")
    theta1 = m.latent("theta1", gd.Dirichlet([1.0, 1.0]))
    theta2 = m.latent("theta2", gd.Dirichlet([1.0, 1.0]))
    mu = m.latent("mu", gd.Normal([3.0, 10.0], 1.0), constraint=gd.positive_ordered)
    chain = gd.HiddenMarkov(
        initial=[1.0, 1.0],
        transition=gd.stack([theta1, theta2], axis=0),
        emission=gd.Normal(mu, 1.0),
        dim=time,
    )
    m.observe("y", chain, dims=time)
    return m
