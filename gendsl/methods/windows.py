"""How warmup is divided: windows of growing length that a metric is learnt from, then one for the step sizes alone.

Each window begins with a new metric, the second as long as the first, the others twice as long as the one before.
"""

from __future__ import annotations

__all__ = ["windows"]

_WINDOW, _LAST, _SHARE = 50, 100, 0.2
_LEAST = 20


def windows(warmup: int) -> list[tuple[int, bool]]:
    """The parts of warmup: iterations, and whether a metric is learnt from them.

    Args:
        warmup: iterations in all; below 20 there is nothing to learn a metric from.
    """
    if warmup < _LEAST:
        return [(warmup, False)] if warmup else []
    if warmup < 2 * _WINDOW + _LAST:
        return [(warmup // 2, True), (warmup - warmup // 2, False)]
    last = max(_LAST, int(_SHARE * warmup))
    parts, left, length = [(_WINDOW, True)], warmup - _WINDOW - last, _WINDOW
    while left >= 3 * length:  # what would be left for the next one is at least twice as long
        parts.append((length, True))
        left -= length
        length *= 2
    return [*parts, (left, True), (last, False)]
