"""Chains in processes of their own, as many at once as there are cores; the parent's side of `gendsl_pyro.worker`."""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import IO, Any

import numpy as np

from gendsl.backend import Progress
from gendsl.methods.chains import Chain, Start, joined
from gendsl.methods.clock import Clock
from gendsl.methods.interrupt import interrupts
from gendsl_pyro.worker import BROKEN, COMMAND, Job

__all__ = ["run_pool"]

_GRACE = 10.0  # seconds that workers have to hand over their draws after an interrupt
_POLL = 0.1  # seconds between looks at the keyboard


def run_pool(job: Job, chains: list[Start], workers: int, progress: Progress, clock: Clock) -> list[Chain]:
    """Sample some chains.

    Results depend on the job and the starts alone, not on which worker takes which chain. An interrupt stops all chains
    and returns what they have; no process is left behind. Of a chain whose process dies, what it has handed over until
    then is returned, with an error; the other processes take the chains that wait.

    Args:
        job: what all chains share.
        chains: what each starts from.
        workers: processes.
        progress: told how far the chains are.
        clock: says how long each may run.
    """
    inbox: queue.Queue[tuple[_Worker, Any]] = queue.Queue()
    waiting = chains[::-1]
    results: dict[int, Chain] = {}
    parts: dict[int, list[Chain]] = {}
    team: list[_Worker] = []
    running: set[_Worker] = set()
    deadline: float | None = None
    try:
        for _ in range(min(workers, len(chains))):
            team.append(_Worker(inbox))
        for w in team:
            w.send(list(sys.path))
            w.send(job)
            running.add(w)
        with interrupts() as pressed:
            while running:
                try:
                    if pressed() and deadline is None:
                        raise KeyboardInterrupt
                    wait = _POLL if deadline is None else max(0.0, deadline - time.monotonic())
                    worker, message = inbox.get(timeout=wait)
                    if message is None:
                        if worker in running:
                            running.remove(worker)
                            lost = [] if worker.chain is None else [worker.chain]
                            if not running:  # nobody is left to take those that wait
                                lost += [start.number for start in waiting]
                            words = worker.last_words()
                            results |= {k: _cut(k, parts.pop(k, []), words) for k in lost}
                            clock.share(len(waiting), max(len(running), 1))
                        continue
                    kind, chain, content = message
                    if kind == "progress":
                        progress.update(chain, *content)
                    elif kind == "part":
                        parts.setdefault(chain, []).append(content)
                    else:
                        if kind == "draws":
                            results[chain] = content
                            parts.pop(chain, None)
                        worker.chain = None
                        if waiting:
                            start = waiting.pop()
                            worker.chain = start.number
                            worker.send(replace(start, until=clock.start()))
                        else:
                            running.remove(worker)
                            worker.send(None)
                except queue.Empty:
                    if deadline is not None:
                        break  # who does not answer is ended below
                except KeyboardInterrupt:
                    if deadline is not None:
                        break
                    deadline = time.monotonic() + _GRACE
                    waiting.clear()
                    for w in running:
                        w.send("stop")
    finally:
        with interrupts():  # there is nothing left to stop, and much to lose
            for w in team:
                w.close(kill=w in running)
    for chain, those in parts.items():
        results.setdefault(chain, _cut(chain, those, ""))
    return [results[k] for k in sorted(results)]


def _cut(chain: int, parts: list[Chain], error: str) -> Chain:
    """What is left of a chain that did not live to its end."""
    return joined(parts, error) if parts else Chain(np.zeros((0, 0)), {}, error=error, number=chain)


class _Worker:
    """A process with a thread that reads what it says.

    Attributes:
        process: the process.
        chain: the chain that it samples; None where it samples none.
    """

    def __init__(self, inbox: queue.Queue[tuple[_Worker, Any]]) -> None:
        self.chain: int | None = None
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        env = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        # A session of its own: an interrupt from the terminal reaches the parent alone, which then asks for the draws.
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=env,
            start_new_session=True,
        )
        self._in: Any = self.process.stdin
        self._out: Any = self.process.stdout
        self._reader = threading.Thread(target=self._read, args=(inbox,), daemon=True)
        self._reader.start()

    def _read(self, inbox: queue.Queue[tuple[_Worker, Any]]) -> None:
        try:
            with suppress(*BROKEN):
                while True:
                    inbox.put((self, pickle.load(self._out)))
        finally:
            inbox.put((self, None))

    def send(self, message: Any) -> None:
        with suppress(OSError):  # it has died, which its reader reports
            pickle.dump(message, self._in)
            self._in.flush()

    def last_words(self) -> str:
        """What it printed before it died, and how it ended."""
        try:
            code = self.process.wait(1)
        except subprocess.TimeoutExpired:  # alive, but it sent half a message
            self.process.kill()
            code = self.process.wait()
        self._stderr.seek(0)
        printed = self._stderr.read()[-4000:].decode(errors="replace")
        killed = " (killed; out of memory?)" if code in (-9, 137) else ""
        return f"{printed}\nits process ended with exit status {code}{killed}"

    def close(self, *, kill: bool) -> None:
        """End the process and wait for it."""
        if kill:
            self.process.kill()
        with suppress(OSError):
            self._in.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        self._out.close()
        self._stderr.close()
