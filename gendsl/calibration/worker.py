"""The process that simulates for `gendsl.calibration.team`.

A fresh interpreter that is told everything on its standard input, in lines of JSON: its import path (read by the
command that starts it), the job, then the number of one simulation after the other. It answers with a line for each.
When its input ends it dies, so none outlives its parent, however that ended.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback

from gendsl.calibration.job import Job

__all__ = ["COMMAND", "main"]

COMMAND = (
    "import json, sys; sys.path[:] = json.loads(sys.stdin.readline()); "
    "from gendsl.calibration.worker import main; main()"
)
"""Python code that starts a worker."""


def main() -> None:
    """Serve simulations until told to end."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever prints, prints to stderr
    job = Job.from_json(sys.stdin.readline())
    inbox: queue.SimpleQueue[int] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(inbox,), daemon=True).start()
    while True:
        k = inbox.get()
        try:
            answer = job.run(k)
        except Exception:
            answer = {"k": k, "failed": traceback.format_exc()}
        out.write(json.dumps(answer) + "\n")
        out.flush()


def _listen(inbox: queue.SimpleQueue[int]) -> None:
    for line in sys.stdin:
        inbox.put(int(line))
    os._exit(0)  # the parent is gone, or needs no more
