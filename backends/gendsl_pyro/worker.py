"""The process that samples chains for `gendsl_pyro.pool`.

It is a fresh interpreter that is told everything through its standard input: first its import path (read by the command
that starts it), then the `Job`, then a `Start` for each chain. It answers on its standard output. When its input ends
it dies, so none outlives its parent, however that ended.

A process of `multiprocessing` would do the same, but its "spawn" runs the user's script a second time unless the script
guards its top level, and "fork" may hang once torch or jax have started threads.
"""

from __future__ import annotations

import linecache
import os
import pickle
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import torch

from gendsl.methods.chains import Chain
from gendsl_pyro.chain import Settings, run_chain

__all__ = ["BROKEN", "COMMAND", "Job", "main"]

COMMAND = "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); from gendsl_pyro.worker import main; main()"
"""Python code that starts a worker."""

BROKEN = (EOFError, OSError, ValueError, pickle.UnpicklingError)
"""How reading from a pipe fails whose other end is gone: at its end, within a message, or closed by this one.

What is read there is what our own other end wrote; no file and no socket is read.
"""


@dataclass(frozen=True)
class Job:
    """What all chains share.

    Attributes:
        source: the program as text.
        name: its name, for tracebacks.
        arguments: its arguments after the first, tensors as numpy.
        settings: of the run, the device among them.
    """

    source: str
    name: str
    arguments: tuple[dict[str, Any], ...]
    settings: Settings

    def log_density(self) -> Callable[[dict[str, torch.Tensor]], torch.Tensor]:
        """The density, from the source."""
        filename = f"<gendsl {self.name} worker>"
        linecache.cache[filename] = (len(self.source), None, self.source.splitlines(True), filename)
        space: dict[str, Any] = {"__name__": f"gendsl_program_{self.name}"}
        exec(compile(self.source, filename, "exec"), space)  # noqa: S102 - emitted by our parent
        device = self.settings.device
        arguments = [
            {k: torch.from_numpy(v).to(device) if isinstance(v, np.ndarray) else v for k, v in group.items()}
            for group in self.arguments
        ]
        density = space["log_density"]
        return lambda u: density(u, *arguments)


def main() -> None:
    """Serve chains until told to end."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints, prints to stderr
    torch.set_num_threads(1)
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stop = threading.Event()
    job: Job = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_listen, args=(sys.stdin.buffer, inbox, stop), daemon=True).start()
    density: Callable[..., torch.Tensor] | None = None
    _send(out, ("ready", -1, None))  # a chain's time starts when it is sent
    while (message := inbox.get()) is not None:
        number = message.number
        try:
            density = density or job.log_density()
            report = _Reporter(out, number)
            chain = run_chain(density, job.settings, message, report, stop.is_set, report.hand_over)
            _send(out, ("draws", number, chain))
        except Exception:  # the program does not load: the chain's end says why
            lost = Chain(np.zeros((0, 0)), {}, error=traceback.format_exc(), number=number)
            _send(out, ("draws", number, lost))
    out.close()


class _Reporter:
    def __init__(self, out: BinaryIO, chain: int) -> None:
        self.out, self.chain = out, chain

    def __call__(self, done: int, divergences: int) -> None:
        _send(self.out, ("progress", self.chain, (done, divergences)))

    def hand_over(self, part: Chain) -> None:
        _send(self.out, ("part", self.chain, part))


def _send(out: BinaryIO, message: Any) -> None:
    pickle.dump(message, out)
    out.flush()


def _listen(source: BinaryIO, inbox: queue.SimpleQueue[Any], stop: threading.Event) -> None:
    """Pass messages on; `"stop"` sets the event, the end of the input ends the process."""
    try:
        while (message := pickle.load(source)) is not None:
            if isinstance(message, str):
                stop.set()
            else:
                inbox.put(message)
    except BROKEN:  # the parent is gone
        os._exit(1)
    inbox.put(None)
