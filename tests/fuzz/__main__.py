"""The law of the compiler over many random models.

    python -m tests.fuzz --graphs 2000 --shards 2 --out .cache/fuzz    # goes on where it was stopped
    python -m tests.fuzz --graphs 2000 --minutes 30                    # stops cleanly after 30 minutes
    python -m tests.fuzz --seed 17                                     # one model again, with its program

Each shard is a process and appends one JSON line for each finished model to `<out>/shard_<k>.jsonl`; a run that was
killed loses the models in work only. It exits with 1 on any disagreement, whose seeds it prints.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.fuzz.record import read, summary
from tests.fuzz.worker import examine_seed, shard

__all__ = ["main"]

_EVERY = 30.0  # seconds between two lines of progress where there is no terminal


def main(argv: list[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--graphs", type=int, default=2000, help="how many models, of the seeds 0, 1, ...")
    parser.add_argument("--shards", type=int, default=2, help="how many processes")
    parser.add_argument("--out", type=Path, default=Path(".cache/fuzz"), help="where the lines go")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long")
    parser.add_argument("--seed", type=int, help="examine one model and print its program")
    args = parser.parse_args(argv)
    if args.seed is not None:
        return _one(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    done = read(args.out)
    todo = [s for s in range(args.graphs) if s not in done]
    if done:
        print(f"{args.graphs - len(todo)} of {args.graphs} models are done; going on", flush=True)
    dead = _run(args.out, todo, args.graphs, args.shards, time.time() + 60 * args.minutes)
    records = [r for s, r in read(args.out).items() if s < args.graphs]
    print(summary(records, args.graphs))
    for k, status in dead:
        print(f"shard {k} died with status {status}; run again to go on after it")
    return 1 if dead or any(not r.ok for r in records) else 0


def _one(seed: int) -> int:
    from tests.laws.strategy import seeded_case

    print(seeded_case(seed).text)
    record = examine_seed(seed)
    print(f"\nseed {seed}: {'agrees' if record.ok else record.error} ({record.seconds:.1f} s)")
    return 0 if record.ok else 1


def _run(out: Path, todo: list[int], total: int, shards: int, until: float) -> list[tuple[int, int | None]]:
    """Run the shards; returns those that died."""
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=shard, args=(str(out / f"shard_{k}.jsonl"), todo[k::shards], until), daemon=True)
        for k in range(shards)
        if todo[k::shards]
    ]
    for p in processes:
        p.start()
    with ExitStack() as stack:
        show = _progress(stack, total)
        try:
            while any(p.is_alive() for p in processes):
                for p in processes:
                    p.join(0.5)
                records = [r for s, r in read(out).items() if s < total]
                show(len(records), sum(not r.ok for r in records))
        except KeyboardInterrupt:
            print("stopped; run again to go on")
            for p in processes:
                p.terminate()
            return []
    return [(k, p.exitcode) for k, p in enumerate(processes) if p.exitcode]


def _progress(stack: ExitStack, total: int) -> Callable[[int, int], None]:
    """A function that shows how many are done: a bar on a terminal, else a line now and then."""
    if sys.stdout.isatty():
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("models"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        bar = stack.enter_context(Progress(*columns, TextColumn("{task.fields[bad]} disagreements")))
        task = bar.add_task("models", total=total, bad=0)
        return lambda done, bad: bar.update(task, completed=done, bad=bad)
    last = [0.0]

    def line(done: int, bad: int) -> None:
        if time.time() - last[0] > _EVERY:
            last[0] = time.time()
            print(f"{done} of {total} models, {bad} disagreements", flush=True)

    return line


if __name__ == "__main__":
    sys.exit(main())
