"""Flows as they are known by name: chains of transforms, each a few lines of data.

realnvp   affine couplings and shuffles
nsf       spline couplings and shuffles
maf       affine masked autoregressive transforms and reversals; `iaf` turns each round
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gendsl.checked import whole
from gendsl.namespace import namespace
from gendsl.networks import Activation
from gendsl.transforms.autoregressive import MaskedAutoregressive
from gendsl.transforms.base import Transform
from gendsl.transforms.chain import Chain, Inverse
from gendsl.transforms.coupling import Coupling
from gendsl.transforms.linear import Reverse, Shuffle
from gendsl.transforms.scalar import Affine, ScalarSpec, Spline

__all__ = ["autoregressive_flow", "coupling_flow", "iaf", "maf", "nsf", "realnvp"]

_HIDDEN = (64, 64)
_ACTIVATION = Activation.SILU


def coupling_flow(
    scalar: ScalarSpec,
    layers: int,
    *,
    hidden: tuple[int, ...] = _HIDDEN,
    activation: Activation = _ACTIVATION,
    seed: int = 0,
) -> Chain:
    """Couplings with a shuffle after each but the last.

    Args:
        scalar: the map of one element.
        layers: how many couplings.
        hidden: widths of the hidden layers of each network.
        activation: the function between them.
        seed: of the shuffles; the k-th has seed + k.

    Raises:
        ModelError: if a value is not what it should be.
    """
    layers, seed = _whole("coupling_flow", layers, seed)
    one = Coupling(scalar=scalar, hidden=hidden, activation=activation)
    return _between(one, [Shuffle(seed + k) for k in range(layers - 1)])


def autoregressive_flow(
    scalar: ScalarSpec, layers: int, *, hidden: tuple[int, ...] = _HIDDEN, activation: Activation = _ACTIVATION
) -> Chain:
    """Masked autoregressive transforms with a reversal after each but the last; arguments as for `coupling_flow`."""
    layers, _ = _whole("autoregressive_flow", layers)
    one = MaskedAutoregressive(scalar=scalar, hidden=hidden, activation=activation)
    return _between(one, [Reverse()] * (layers - 1))


def realnvp(layers: int = 8, *, hidden: tuple[int, ...] = _HIDDEN, limit: float = 5.0, seed: int = 0) -> Chain:
    """Affine couplings: quick, and needing many layers where a density has several modes.

    Args:
        layers: how many.
        hidden: widths of the hidden layers of each network.
        limit: bound of the absolute log-scale of one layer.
        seed: of the shuffles.

    Reference:
        Density estimation using Real NVP (Dinh, Sohl-Dickstein, Bengio, 2016) | https://arxiv.org/abs/1605.08803
    """
    layers, seed = _whole("realnvp", layers, seed)
    return coupling_flow(Affine(limit=limit), layers, hidden=hidden, seed=seed)


def nsf(
    layers: int = 4, *, bins: int = 8, bound: float = 5.0, hidden: tuple[int, ...] = _HIDDEN, seed: int = 0
) -> Chain:
    """Spline couplings; data are best standardised, since splines act in a box.

    Args:
        layers: how many.
        bins: pieces of each spline.
        bound: half the side of the box.
        hidden: widths of the hidden layers of each network.
        seed: of the shuffles.

    Reference:
        Neural Spline Flows (Durkan, Bekasov, Murray, Papamakarios, 2019) | https://arxiv.org/abs/1906.04032
    """
    layers, seed = _whole("nsf", layers, seed)
    return coupling_flow(Spline(bins=bins, bound=bound), layers, hidden=hidden, seed=seed)


def maf(layers: int = 5, *, hidden: tuple[int, ...] = _HIDDEN, limit: float = 5.0) -> Chain:
    """Affine masked autoregressive transforms: densities in one call of each network, draws in as many as elements.

    Args:
        layers: how many.
        hidden: widths of the hidden layers of each network.
        limit: bound of the absolute log-scale of one layer.

    Reference:
        Masked Autoregressive Flow for Density Estimation (Papamakarios, Pavlakou, Murray, 2017) |
        https://arxiv.org/abs/1705.07057
    """
    layers, _ = _whole("maf", layers)
    return autoregressive_flow(Affine(limit=limit), layers, hidden=hidden)


def iaf(layers: int = 5, *, hidden: tuple[int, ...] = _HIDDEN, limit: float = 5.0) -> Chain:
    """`maf` with each transform turned round: draws in one call of each network, as a guide needs; arguments as there.

    Reference:
        Improved Variational Inference with Inverse Autoregressive Flow (Kingma et al., 2016) |
        https://arxiv.org/abs/1606.04934
    """
    layers, _ = _whole("iaf", layers)
    return Chain(tuple(Inverse(t) for t in maf(layers, hidden=hidden, limit=limit).transforms))


def _whole(who: str, layers: int, seed: int = 0) -> tuple[int, int]:
    """How many layers, and a seed; a ModelError where they are none."""
    who = f"gd.flows.{who}"
    return whole(who, "layers", layers, usual="4"), whole(who, "seed", seed, least=0, usual="0")


def _between(one: Transform, gaps: list[Transform]) -> Chain:
    parts = [one]
    for gap in gaps:
        parts += [gap, one]
    return Chain(tuple(parts))


if not TYPE_CHECKING:  # where types are checked, a name that is not there is found by that
    __getattr__, __dir__ = namespace("gd.flows", __all__)
