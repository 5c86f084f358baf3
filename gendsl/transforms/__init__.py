"""Transforms: specs of bijections, which flows are chains of.

To add one, write a frozen dataclass over `Transform` with `parameters`, `forward` and `inverse`, and name it in
`TRANSFORMS`; tests/laws/test_transforms.py demands a case for it.
"""

from typing import TYPE_CHECKING

from gendsl.namespace import namespace
from gendsl.transforms.autoregressive import MaskedAutoregressive
from gendsl.transforms.base import Event, Transform
from gendsl.transforms.chain import Chain, Inverse
from gendsl.transforms.constrain import Exp, Scale, Sigmoid, Softplus, onto
from gendsl.transforms.coupling import AffineCoupling, Coupling, SplineCoupling
from gendsl.transforms.elementwise import Elementwise
from gendsl.transforms.linear import LULinear, Permutation, Reverse, Shuffle
from gendsl.transforms.recipes import autoregressive_flow, coupling_flow, iaf, maf, nsf, realnvp
from gendsl.transforms.scalar import SCALARS, Affine, ScalarSpec, Spline

__all__ = [
    "SCALARS",
    "TRANSFORMS",
    "Affine",
    "AffineCoupling",
    "Chain",
    "Coupling",
    "Elementwise",
    "Event",
    "Exp",
    "Inverse",
    "LULinear",
    "MaskedAutoregressive",
    "Permutation",
    "Reverse",
    "ScalarSpec",
    "Scale",
    "Shuffle",
    "Sigmoid",
    "Softplus",
    "Spline",
    "SplineCoupling",
    "Transform",
    "autoregressive_flow",
    "coupling_flow",
    "iaf",
    "maf",
    "nsf",
    "onto",
    "realnvp",
]

TRANSFORMS: dict[str, type[Transform]] = {
    k.__name__: k
    for k in (
        Chain, Coupling, Elementwise, Exp, Inverse, LULinear, MaskedAutoregressive, Permutation, Reverse, Scale,
        Shuffle, Sigmoid, Softplus,
    )
}  # fmt: skip
"""The transforms that files may hold, by name."""

if not TYPE_CHECKING:  # where types are checked, a name that is not there is found by that
    __getattr__, __dir__ = namespace("gd.transform", __all__)
