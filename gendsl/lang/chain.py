"""The explicit chain of a diffusion, x_T -> ... -> x_1 -> x, as a model and its guide in the language.

At levels k = 1 (least noise), ..., T of a process, in the coefficients c_k, d_k, sqrt(v_k) of
gendsl/math/diffusion/chain.py, whose levels are counted from 0,

    model   x_T ~ N(0, b^2),                    x_(k-1) ~ N(c_k x_k + d_k x0_hat(x_k, t_k), v_k),
            x ~ N(x_1 / alpha_1, sigma_1^2 / alpha_1^2)
    guide   x_T ~ N(alpha_T x, sigma_T^2),      x_(k-1) ~ N(c_k x_k + d_k x, v_k)

The guide is the forward chain q(x_1 | x) q(x_2 | x_1) ... q(x_T | x_(T-1)), which is the same law written from its top,
where the model begins. So the negative ELBO is the variational bound of diffusions, and with Kullback-Leibler
divergences in closed form

    KL(q(x_T | x), p(x_T)) + sum_k KL(q(x_(k-1) | x_k, x), p(x_(k-1) | x_k)) - log p(x | x_1).

References:
    Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020) | https://arxiv.org/abs/2006.11239
    Variational Diffusion Models (Kingma et al., 2021) | https://arxiv.org/abs/2107.00630
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gendsl.checked import refuse, whole
from gendsl.densities import DiffusionDensity
from gendsl.lang.distributions.continuous import Normal
from gendsl.lang.expr import Expr
from gendsl.lang.model import Model
from gendsl.lang.networks import NetworkHandle
from gendsl.math.diffusion import chain as formulas
from gendsl.math.diffusion.predicts import input_scale, pair
from gendsl.math.numpy_ops import NUMPY
from gendsl.samplers import GivenTimes, Grid

__all__ = ["ModelAndGuide", "explicit_chain"]


class ModelAndGuide(NamedTuple):
    """A model and the model that is its guide."""

    model: Model
    guide: Model


def explicit_chain(
    spec: DiffusionDensity, event: tuple[int, ...], steps: int, grid: Grid, name: str, plate: str, network: str
) -> ModelAndGuide:
    """See `Diffusion.chain`.

    Args:
        spec: process and network.
        event: event shape.
        steps: T.
        grid: where its levels are.
        name: of the observation.
        plate: of the rows.
        network: of the network.
    """
    who = "Diffusion.chain"
    steps = whole(who, "steps", steps, least=2, usual="10")
    if not isinstance(grid, Grid):
        refuse(who, "grid says where the levels are", grid, "for example gd.sampler.UniformLogSNR()")
    for what, value in (("name", name), ("plate", plate)):
        if not (isinstance(value, str) and value.isidentifier()):
            refuse(who, f"{what} is a Python identifier", value, "letters, digits and underscores")
    if isinstance(grid, GivenTimes) and len(grid.values) != steps:
        refuse(who, "there are as many levels as steps", grid, f"{steps} times", f"steps={len(grid.values)}")
    times = grid.times(spec.process, steps - 1)[::-1]
    low, high = spec.process.start, spec.process.end
    if times[0] < low or times[-1] > high:
        refuse(who, "the grid has times beyond the process", grid, f"times from {low:g} to {high:g}")
    levels = formulas.chain_of(spec.process, times)
    return ModelAndGuide(
        _model(spec, event, levels, name, plate, network),
        _guide(event, levels, name, plate),
    )


def _model(
    spec: DiffusionDensity, event: tuple[int, ...], levels: formulas.Chain, name: str, plate: str, network: str
) -> Model:
    """The reverse chain, whose means the network gives."""
    out = Model(f"{name}_chain")
    rows, net = out.plate(plate), out.network(network, spec.network)
    keep, pull, spread = levels.posterior
    state = out.latent(f"{name}_{len(levels.times)}", Normal(0.0, levels.base_scale).expand(*event), dims=rows)
    for k in range(len(levels.times) - 1, 0, -1):
        at = levels.times[k]
        skip, gain = (float(c) for c in pair(NUMPY, spec.process, spec.predicts, at, spec.data_scale))
        mean = float(keep[k - 1] + pull[k - 1] * skip) * state
        mean = mean + float(pull[k - 1] * gain) * _seen(spec, net, state, at)
        state = out.latent(f"{name}_{k}", Normal(mean, float(spread[k - 1])), dims=rows)
    alpha, sigma = float(levels.alpha[0]), float(levels.sigma[0])
    out.observe(name, Normal(state / alpha, sigma / alpha), dims=rows)
    return out


def _seen(spec: DiffusionDensity, net: NetworkHandle, state: Expr, at: np.ndarray) -> Expr:
    """The network's output at a level, input and time as it sees them."""
    scale = float(input_scale(NUMPY, spec.process, spec.predicts, at, spec.data_scale))
    return net(state if scale == 1.0 else scale * state, time=float(spec.process.clock(NUMPY, at)))


def _guide(event: tuple[int, ...], levels: formulas.Chain, name: str, plate: str) -> Model:
    """The forward chain given the data, from its top."""
    out = Model(f"{name}_noise")
    rows = out.plate(plate)
    x = out.data(name, dims=rows, event=event)
    keep, pull, spread = levels.posterior
    top = Normal(float(levels.alpha[-1]) * x, float(levels.sigma[-1]))
    state = out.latent(f"{name}_{len(levels.times)}", top, dims=rows)
    for k in range(len(levels.times) - 1, 0, -1):
        step = Normal(float(keep[k - 1]) * state + float(pull[k - 1]) * x, float(spread[k - 1]))
        state = out.latent(f"{name}_{k}", step, dims=rows)
    return out
