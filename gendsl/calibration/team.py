"""Simulations in processes of their own; the parent's side of `gendsl.calibration.worker`."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, Any

from gendsl.calibration.job import Job, Record
from gendsl.calibration.worker import COMMAND
from gendsl.errors import FitError

__all__ = ["run_team"]


def run_team(job: Job, numbers: Sequence[int], workers: int) -> Iterator[Record]:
    """Run simulations in several processes; records come as they are done.

    A simulation depends on the job and its number alone, not on which process runs it. Closing the iterator, or an
    exception of the caller, ends the processes.

    Raises:
        FitError: if a simulation raises, or a process dies.
    """
    inbox: queue.Queue[tuple[_Worker, str | None]] = queue.Queue()
    waiting = list(numbers)[::-1]
    team: list[_Worker] = []
    running: set[_Worker] = set()
    try:
        for _ in range(min(workers, len(waiting))):
            team.append(_Worker(inbox))
        text = job.to_json()
        for w in team:
            w.send(json.dumps(sys.path), text, str(waiting.pop()))
            running.add(w)
        while running:
            worker, line = inbox.get()
            if line is None:
                raise _died(worker)
            record: dict[str, Any] = json.loads(line)
            if "failed" in record:
                raise _failed(record)
            if waiting:
                worker.send(str(waiting.pop()))
            else:
                running.remove(worker)
            yield record
    finally:
        for w in team:
            w.close()


def _failed(record: dict[str, Any]) -> FitError:
    trace = str(record["failed"])
    out = FitError(
        f"simulation {record['k']} failed",
        given=trace.strip().splitlines()[-1],
        fix="the traceback below shows where",
    )
    out.add_note(trace)
    return out


def _died(worker: _Worker) -> FitError:
    code = worker.process.wait()
    out = FitError(
        "a process ended before its simulation was done",
        given=f"exit status {code}" + (" (killed; out of memory?)" if code in (-9, 137) else ""),
        needed="a process for each of processes=...",
        fix="the output of the process is below; what was done is kept where path= is given",
    )
    out.add_note(worker.errors())
    return out


class _Worker:
    """A process with a thread that reads what it says."""

    def __init__(self, inbox: queue.Queue[tuple[_Worker, str | None]]) -> None:
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        # A session of its own: an interrupt from the terminal reaches the parent alone.
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            start_new_session=True,
            text=True,
        )
        self._in: Any = self.process.stdin
        self._out: Any = self.process.stdout
        self._reader = threading.Thread(target=self._read, args=(inbox,), daemon=True)
        self._reader.start()

    def _read(self, inbox: queue.Queue[tuple[_Worker, str | None]]) -> None:
        with suppress(ValueError, OSError):
            for line in self._out:
                if line.endswith("\n"):
                    inbox.put((self, line))
        inbox.put((self, None))

    def send(self, *lines: str) -> None:
        with suppress(OSError):  # it has died, which its reader reports
            for line in lines:
                self._in.write(line + "\n")
            self._in.flush()

    def errors(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read()[-4000:].decode(errors="replace")

    def close(self) -> None:
        """End the process and wait for it."""
        self.process.kill()
        with suppress(OSError):
            self._in.close()
        self.process.wait()
        self._reader.join(5)
        self._out.close()
        self._stderr.close()
