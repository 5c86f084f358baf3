"""Neal's funnel: a scale over many orders of magnitude."""

import gendsl as gd

__all__ = ["funnel"]


def funnel(size: int = 10) -> gd.Model:
    """The funnel, without data.

        v ~ Normal(0, 3)
        x[i] ~ Normal(0, exp(v / 2))          i = 2, ..., D

    v is the x[1] of the reference. Data: none.

    Args:
        size: D, v included.

    Reference:
        Slice sampling (Neal, 2003) | https://doi.org/10.1214/aos/1056562461
    """
    m = gd.Model("funnel")
    rest = m.axis("rest", size - 1, coords=range(2, size + 1))
    v = m.latent("v", gd.Normal(0, 3))
    m.latent("x", gd.Normal(0, gd.exp(v / 2)).expand(rest))
    return m
