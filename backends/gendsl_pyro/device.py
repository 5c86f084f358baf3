"""Where tensors are: by name, as a context in which torch makes them there, and errors leave as they were raised."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

import torch

from gendsl.errors import GendslError

__all__ = ["on", "there_are"]


class _On(AbstractContextManager[None]):
    """A device's context. Of an error Pyro makes another, of its class and its text with a table of the trace behind
    it: the first one leaves."""

    def __init__(self, device: str) -> None:
        self._device = nullcontext() if device == "cpu" else torch.device(device)

    def __enter__(self) -> None:
        self._device.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._device.__exit__(kind, error, at)
        first = error
        while isinstance(first, GendslError) and type(first.__cause__) is type(first):
            first = first.__cause__
        if first is not None and first is not error:
            raise first from first.__cause__


def on(device: str) -> AbstractContextManager[object]:
    """The context in which new tensors are on a device."""
    return _On(device)


def there_are() -> list[str]:
    """The devices of this machine."""
    return ["cpu", *(f"cuda:{k}" for k in range(torch.cuda.device_count() if torch.cuda.is_available() else 0))]
