"""Networks on torch: the layers that gendsl's networks are written over, and `network` of emitted programs.

Images are channels-last outside and torch's own channels-first inside: the permuted view of a channels-last array is
what torch calls the memory format channels_last, which its convolutions take as it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from gendsl.errors import FAULTS
from gendsl.networks import EPSILON, placing
from gendsl_pyro.density import singular
from gendsl_pyro.ops import OPS

if TYPE_CHECKING:
    from gendsl.networks import Event, Native

__all__ = ["LAYERS", "TorchLayers", "network"]

Params = Mapping[str, torch.Tensor]

_REFUSED = (torch.nn.modules.batchnorm._BatchNorm, torch.nn.modules.dropout._DropoutNd)


class TorchLayers:
    """gendsl.networks.Layers over torch.nn.functional."""

    ops: Any = OPS

    def linear(self, params: Params, name: str, x: torch.Tensor) -> torch.Tensor:
        """x W' + b, or x W' where there is no bias."""
        return functional.linear(x, params[f"{name}.weight"], params.get(f"{name}.bias"))

    def masked_linear(self, params: Params, name: str, x: torch.Tensor, mask: np.ndarray) -> torch.Tensor:
        """x (M * W)' + b."""
        weight = params[f"{name}.weight"]
        return functional.linear(x, weight * OPS.constant(mask, like=weight), params[f"{name}.bias"])

    def conv(self, params: Params, name: str, x: torch.Tensor, stride: int = 1) -> torch.Tensor:
        """A convolution over height and width with zeros around."""
        weight = params[f"{name}.weight"]
        images = _images(x)
        y = functional.conv2d(images, weight, params[f"{name}.bias"], stride, weight.shape[-1] // 2)
        return _back(y, x)

    def group_norm(self, params: Params, name: str, x: torch.Tensor, groups: int) -> torch.Tensor:
        """Normalised over height, width and each group of channels."""
        # As sequences of pixels: of images, torch asks for a memory format, and torch.func's transforms cannot tell it.
        pixels = x.reshape((math.prod(x.shape[:-3]), x.shape[-3] * x.shape[-2], x.shape[-1])).transpose(1, 2)
        y = functional.group_norm(pixels, groups, params[f"{name}.weight"], params[f"{name}.bias"], EPSILON)
        return y.transpose(1, 2).reshape(x.shape)

    def layer_norm(self, params: Params, name: str, x: torch.Tensor) -> torch.Tensor:
        """Normalised over the last axis."""
        weight, bias = params[f"{name}.weight"], params[f"{name}.bias"]
        return functional.layer_norm(x, (x.shape[-1],), weight, bias, EPSILON)

    def embedding(self, params: Params, name: str, index: torch.Tensor) -> torch.Tensor:
        """Rows of the weight."""
        return functional.embedding(index.long(), params[f"{name}.weight"])

    def native_init(self, spec: Native, event: Event, seed: int) -> dict[str, np.ndarray]:
        """Names and initial values of a user's module, as its own constructors draw them."""
        with _seeded(seed):
            module = _checked(spec, event)
        return {
            name: value.detach().cpu().to(torch.float64).numpy().copy() for name, value in module.named_parameters()
        }

    def native(
        self, spec: Native, params: Params, x: torch.Tensor, event: Event, time: torch.Tensor | None
    ) -> torch.Tensor:
        """A user's module on the batch (N, *event)."""
        lead = tuple(x.shape[: x.ndim - len(event)])
        module = _module(spec, event)
        state = dict(params) | {
            name: b.to(x.device, x.dtype if b.is_floating_point() else b.dtype) for name, b in module.named_buffers()
        }
        args = [x.reshape((math.prod(lead), *event))]
        if time is not None:
            args.append(torch.broadcast_to(time, lead).reshape(-1))
        given = tuple(args[0].shape)
        try:
            y = torch.func.functional_call(module, state, tuple(args))
        except FAULTS as e:
            if isinstance(e, torch.OutOfMemoryError) or singular(e):  # it is the machine, or the values
                raise
            raise spec.not_called("torch", event, given, e) from e
        y = spec.result("torch", event, given, y)
        return y.reshape((*lead, *y.shape[1:]))


def _images(x: torch.Tensor) -> torch.Tensor:
    """(..., height, width, channels) as (N, channels, height, width)."""
    return x.reshape((math.prod(x.shape[:-3]), *x.shape[-3:])).permute(0, 3, 1, 2)


def _back(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """(N, channels, height, width) with the left axes of x, channels last."""
    y = y.permute(0, 2, 3, 1)
    return y.reshape((*x.shape[:-3], *y.shape[1:]))


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """torch's global generator, which constructors of modules draw from, is as it was afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _checked(spec: Native, event: Event) -> torch.nn.Module:
    factory = spec.factory("torch")
    try:
        module = factory(event)
    except FAULTS as e:
        raise spec.not_made("torch", event, e) from e
    if not isinstance(module, torch.nn.Module):
        raise spec.no_module("torch", event, module)
    for name, part in module.named_modules():
        if isinstance(part, _REFUSED) and getattr(part, "p", True):
            raise spec.stateful("torch", f"{name or 'the module'}: {type(part).__name__}")
    return module


@lru_cache(maxsize=32)
def _module(spec: Native, event: Event) -> torch.nn.Module:
    with _seeded(0):
        return _checked(spec, event)


LAYERS = TorchLayers()
network = placing(LAYERS)
