"""Torch's generator and Pyro's validation, which belong to the process, borrowed and given back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pyro
import torch
from pyro.poutine.runtime import am_i_wrapped

__all__ = ["seeded"]

_IN_PROCESS = threading.Lock()


@contextmanager
def seeded(seed: int, device: str = "cpu") -> Iterator[None]:
    """Torch draws from this seed, nothing is validated, and no handler around the caller sees what is sampled."""
    there = [] if device == "cpu" else [int(device.partition(":")[2] or 0)]
    alone: Any = pyro.poutine.block() if am_i_wrapped() else nullcontext()
    with _IN_PROCESS, torch.random.fork_rng(devices=there), pyro.validation_enabled(False), alone:
        torch.default_generator.manual_seed(seed)
        for k in there:
            torch.cuda.default_generators[k].manual_seed(seed)
        yield
