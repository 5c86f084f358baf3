"""What is kept of each examined model: one JSON line, appended to its shard's file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["Record", "append", "read", "summary"]


@dataclass
class Record:
    """One model.

    Attributes:
        seed: its seed; it alone makes the model again.
        ok: whether everything agreed.
        seconds: how long it took.
        finite: whether its log-density was finite.
        gap: largest difference of values, over 1 + sum |terms|.
        gradient_gap: largest difference of gradients, over 1 + max |g|.
        error: what disagreed.
        uses: families, operations and features that it has.
    """

    seed: int
    ok: bool
    seconds: float
    finite: bool = True
    gap: float = 0.0
    gradient_gap: float = 0.0
    error: str = ""
    uses: dict[str, int] = field(default_factory=dict)


def append(path: Path, record: Record) -> None:
    """Write a line; a line is written whole or, where the process is killed, not read."""
    with path.open("a") as f:
        f.write(json.dumps(asdict(record)) + "\n")


def read(folder: Path) -> dict[int, Record]:
    """All records of a folder by seed; a line that was cut off is left out."""
    out: dict[int, Record] = {}
    for path in sorted(folder.glob("shard_*.jsonl")):
        for line in path.read_text().splitlines():
            try:
                r = Record(**json.loads(line))
            except (ValueError, TypeError):
                continue
            out[r.seed] = r
    return out


def summary(records: Iterable[Record], wanted: int) -> str:
    """The final report: how many, what disagreed, what was covered."""
    records = list(records)
    bad = [r for r in records if not r.ok]
    uses: Counter[str] = Counter()
    for r in records:
        uses.update(r.uses)
    families = {k[7:]: v for k, v in uses.items() if k.startswith("family:")}
    ops = {k[3:]: v for k, v in uses.items() if k.startswith("op:")}
    rest = {k: v for k, v in uses.items() if ":" not in k or k.startswith(("missing:", "data:", "improper:"))}
    good = [r for r in records if r.ok]
    lines = [
        f"{len(records)} of {wanted} models, {len(bad)} disagreements, "
        f"{sum(not r.finite for r in good)} not finite on either engine",
        f"largest gaps: values {max((r.gap for r in good), default=0.0):.1e}, "
        f"gradients {max((r.gradient_gap for r in good), default=0.0):.1e}; "
        f"{sum(r.seconds for r in records) / max(1, len(records)):.2f} s a model",
    ]
    for name, counts in (("families", families), ("operations", ops), ("features", rest)):
        shown = ", ".join(f"{k} {v}" for k, v in sorted(counts.items()))
        lines.append(f"{name} ({len(counts)}): {shown}")
    for r in bad:
        lines += ["", f"seed {r.seed}: {r.error}", f"  repeat: python -m tests.fuzz --seed {r.seed}"]
    return "\n".join(lines)
