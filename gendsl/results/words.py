"""Numbers and lists in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["chains_of", "counted", "listed", "number", "percent"]


def number(x: float) -> str:
    """A number with as many digits as one reads."""
    if not np.isfinite(x):
        return str(float(x))
    if float(x).is_integer() and abs(x) < 1e6:
        return str(int(x))
    if abs(x) >= 1e6 or abs(x) < 1e-3:
        return f"{x:.2g}"
    return f"{x:.0f}" if abs(x) >= 100 else f"{x:.3f}" if abs(x) < 10 else f"{x:.1f}"


def percent(x: float) -> str:
    """A share."""
    return f"{x:.0%}" if x >= 0.01 or x == 0 else "under 1%"


def counted(n: int, what: str) -> str:
    """1 chain; 2 chains."""
    return f"{n} {what}{'s' * (n != 1)}"


def listed(items: Sequence[object]) -> str:
    """a, b and c."""
    words = list(map(str, items))
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def chains_of(which: Sequence[int]) -> str:
    """chain 0; chains 0 and 2."""
    return f"chain{'s' * (len(which) > 1)} {listed(which)}"
