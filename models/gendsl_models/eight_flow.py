"""A flow on eight Gaussians: spline couplings, by maximum likelihood."""

import numpy as np

import gendsl as gd
from gendsl_models import toys

__all__ = ["data", "eight_flow"]


def eight_flow(layers: int = 4, bins: int = 8) -> gd.Model:
    """Points in the plane as an invertible map of normal ones, made of rational-quadratic splines in a box.

        z ~ Normal(0, I),  x[row] = (T_1 o ... o T_L)(z)
        log p(x) = log Normal(T^-1(x)) + log |det dT^-1 / dx|

    Each T_l moves one coordinate by a spline whose knots a network reads off the other.

    Data: x (row, 2).

    Reference:
        Neural Spline Flows (Durkan, Bekasov, Murray, Papamakarios, 2019) | https://arxiv.org/abs/1906.04032
    """
    m = gd.Model("eight_flow")
    flow = gd.Flow(gd.Normal(0, 1).expand(2), gd.flows.nsf(layers, bins=bins))
    m.observe("x", flow, dims=m.plate("row"))
    m.objective(gd.MaximumLikelihood())
    return m


def data(*, held_out: bool = False) -> dict[str, np.ndarray]:
    """20,000 points to learn from, or 5,000 others."""
    return {"x": toys.eight_gaussians(5_000, 1) if held_out else toys.eight_gaussians(20_000)}
