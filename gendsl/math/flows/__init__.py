"""Bijections of the real line and of vectors, over `ops`: what normalizing flows are made of.

A bijection is two functions, each of which gives the value together with the log-determinant of its own Jacobian:

    forward(ops, ..., x) -> (y, log|dy/dx|)        inverse(ops, ..., y) -> (x, log|dx/dy|)

The last axis is the event; any axes stand on the left. Maps of the line (`affine`, `spline`, `constrain`) act on each
element and give one log-derivative an element; maps of vectors give one log-determinant a vector, without the last
axis. A map of the line that takes learned parameters reads them from the last axis of `raw`, unconstrained; all zeros
are the identity. A network is a callable argument (the *conditioner*).

Reference:
    Normalizing Flows for Probabilistic Modeling and Inference (Papamakarios, Nalisnick, Rezende, Mohamed,
    Lakshminarayanan, 2019) | https://arxiv.org/abs/1912.02762
"""

from gendsl.math.flows import affine, autoregressive, chain, constrain, coupling, density, linear, permutation, spline
from gendsl.math.flows.scalar import Scalar

__all__ = [
    "Scalar",
    "affine",
    "autoregressive",
    "chain",
    "constrain",
    "coupling",
    "density",
    "linear",
    "permutation",
    "spline",
]
