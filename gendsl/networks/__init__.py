"""Networks: specs of functions with parameters, whose forward is written once over a backend's layers.

To add one, write a frozen dataclass over `Network` or `Timed` with `output`, `parameters` and `forward`, and name it in
`NETWORKS`; tests/laws/test_networks.py demands a case for it.
"""

from gendsl.networks.activation import Activation
from gendsl.networks.base import Event, Network, Timed
from gendsl.networks.beside import beside, seen_event
from gendsl.networks.convolution import ConvDecoder, ConvNet
from gendsl.networks.layers import EPSILON, Layers
from gendsl.networks.masked import MaskedMLP
from gendsl.networks.mlp import MLP, ResNet
from gendsl.networks.native import Native
from gendsl.networks.parameter import Init, Parameter
from gendsl.networks.placed import Placed, initial, parameter_names, placing
from gendsl.networks.time import Fourier, Sinusoidal, TimeFeatures
from gendsl.networks.transformer import Transformer
from gendsl.networks.unet import UNet

__all__ = [
    "EPSILON",
    "NETWORKS",
    "TIMES",
    "Activation",
    "ConvDecoder",
    "ConvNet",
    "Event",
    "Fourier",
    "Init",
    "Layers",
    "MLP",
    "MaskedMLP",
    "Native",
    "Network",
    "Parameter",
    "Placed",
    "ResNet",
    "Sinusoidal",
    "TimeFeatures",
    "Timed",
    "Transformer",
    "UNet",
    "beside",
    "initial",
    "parameter_names",
    "placing",
    "seen_event",
]

NETWORKS: dict[str, type[Network]] = {
    k.__name__: k for k in (ConvDecoder, ConvNet, MLP, MaskedMLP, ResNet, Transformer, UNet)
}
"""The networks that files may hold, by name."""

TIMES: dict[str, type[TimeFeatures]] = {k.__name__: k for k in (Fourier, Sinusoidal)}
"""The features of time that files may hold, by name."""
