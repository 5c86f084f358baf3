"""Where tensors are: by name, as a context in which torch makes them there."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

__all__ = ["on", "there_are"]


def on(device: str) -> AbstractContextManager[object]:
    """The context in which new tensors are on a device. On the CPU it is none at all, which costs nothing."""
    return nullcontext() if device == "cpu" else torch.device(device)


def there_are() -> list[str]:
    """The devices of this machine."""
    return ["cpu", *(f"cuda:{k}" for k in range(torch.cuda.device_count() if torch.cuda.is_available() else 0))]
