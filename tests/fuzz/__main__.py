"""The fuzzer: random graphs against the law, in processes, resumable.

    python -m tests.fuzz --graphs 2000 --shards 2 --out .cache/fuzz
    python -m tests.fuzz --seed 17            # one graph again, with its declaration

Each shard appends a line for each finished graph to `<out>/shard_<k>.jsonl`; a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any


def examine_seed(seed: int) -> dict[str, Any]:
    """One graph: its seed, whether it obeys the law, how long it took, the operations and families it holds."""
    from tests.laws.law_whole import examine
    from tests.laws.strategy import seeded_case

    start = time.perf_counter()
    row: dict[str, Any] = {"seed": seed, "ok": True, "error": ""}
    try:
        case = seeded_case(seed)
        row["ops"] = sorted({n.op for n in case.model.graph.nodes})
        seen = examine(case.model, case.data, seed, tolerance=case.tolerance, lead=(3,) if seed % 3 else (2, 2))
        row["finite"] = seen.finite
    except Exception:  # a fuzzer records whatever goes wrong
        row.update(ok=False, error=traceback.format_exc(limit=-6))
    row["seconds"] = round(time.perf_counter() - start, 2)
    return row


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    out = []
    for line in path.read_text().splitlines():
        try:
            out.append(json.loads(line))
        except json.JSONDecodeError:
            continue  # the line that was being written when the run was stopped
    return out


def shard(out: Path, k: int, shards: int, graphs: int, until: float) -> None:
    """Examine every seed of this shard that has no line yet."""
    import torch

    torch.set_num_threads(1)
    path = out / f"shard_{k}.jsonl"
    done = {r["seed"] for r in _rows(path)}
    with path.open("a") as f:
        for seed in range(k, graphs, shards):
            if seed in done:
                continue
            if time.time() > until:
                return
            f.write(json.dumps(examine_seed(seed)) + "\n")
            f.flush()


def summarise(out: Path, graphs: int) -> int:
    """Print what was seen; the exit status is 1 on any disagreement, 2 where graphs are left to do."""
    rows = {r["seed"]: r for p in sorted(out.glob("shard_*.jsonl")) for r in _rows(p) if r["seed"] < graphs}
    bad = [r for r in rows.values() if not r["ok"]]
    ops = Counter(op for r in rows.values() for op in r.get("ops", ()))
    seconds = sum(r["seconds"] for r in rows.values())
    print(f"{len(rows)} of {graphs} graphs, {len(bad)} disagreements, {seconds / max(1, len(rows)):.2f} s a graph")
    print(f"{len(ops)} operations and families; the rarest: {', '.join(f'{o} {c}' for o, c in ops.most_common()[-8:])}")
    for r in bad[:20]:
        print(f"--- seed {r['seed']} (python -m tests.fuzz --seed {r['seed']})\n{r['error']}")
    return 1 if bad else 0 if len(rows) == graphs else 2


def main() -> int:
    """Run the fuzzer from the command line."""
    parser = argparse.ArgumentParser(prog="tests.fuzz")
    parser.add_argument("--graphs", type=int, default=2000)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(".cache/fuzz"))
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this time; run again to go on")
    parser.add_argument("--seed", type=int, help="examine one graph and print it")
    parser.add_argument("--shard", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.seed is not None:
        from tests.laws.strategy import seeded_case

        print(seeded_case(options.seed).model)
        row = examine_seed(options.seed)
        print("obeys the law" if row["ok"] else row["error"])
        return 0 if row["ok"] else 1
    options.out.mkdir(parents=True, exist_ok=True)
    until = time.time() + 60 * options.minutes
    if options.shard is not None:
        shard(options.out, options.shard, options.shards, options.graphs, until)
        return 0
    command = [sys.executable, "-m", "tests.fuzz", "--graphs", str(options.graphs), "--out", str(options.out)]
    command += ["--shards", str(options.shards), "--minutes", str(options.minutes)]
    processes = [subprocess.Popen([*command, "--shard", str(k)]) for k in range(options.shards)]
    try:
        while any(p.poll() is None for p in processes):
            time.sleep(5)
            if sys.stdout.isatty():
                count = sum(len(_rows(p)) for p in options.out.glob("shard_*.jsonl"))
                print(f"\r{count} of {options.graphs} graphs", end="", flush=True)
    except KeyboardInterrupt:
        for p in processes:
            p.terminate()
    return summarise(options.out, options.graphs)


if __name__ == "__main__":
    sys.exit(main())
