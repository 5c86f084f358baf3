"""Brownian motion, observed with noise and with a gap."""

import gendsl as gd

__all__ = ["brownian"]


def brownian() -> gd.Model:
    """A random walk with known scales, some of whose observations are missing (NaN).

        locs[1] ~ Normal(0, innovation_noise_scale)
        locs[t] ~ Normal(locs[t-1], innovation_noise_scale)          t = 2, ..., T
        observed_locs[t] ~ Normal(locs[t], observation_noise_scale)  where it was observed

    Data: innovation_noise_scale; observation_noise_scale; observed_locs (time), NaN where missing.

    Reference:
        Inference Gym, BrownianMotionMissingMiddleObservations |
        https://github.com/tensorflow/probability/tree/main/spinoffs/inference_gym
    """
    m = gd.Model("brownian")
    time = m.plate("time")
    innovation = m.data("innovation_noise_scale", support=gd.positive)
    observation = m.data("observation_noise_scale", support=gd.positive)
    walk = gd.Markov(gd.Normal(0, innovation), lambda before: gd.Normal(before, innovation), dim=time)
    locs = m.latent("locs", walk, dims=time)
    m.observe("observed_locs", gd.Normal(locs, observation), dims=time, missing=gd.Missing.MASK)
    return m
