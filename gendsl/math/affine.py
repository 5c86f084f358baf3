"""An affine map of some elements of a vector, over `ops`: u_i = c + A v_i for i in an index, u_j = v_j for the rest."""

from __future__ import annotations

from typing import Any

__all__ = ["placed"]


def placed(ops: Any, v: Any, index: Any, rest: Any, order: Any, matrix: Any, shift: Any) -> Any:
    """The vector u.

    Args:
        ops: array functions.
        v: the vector, (d,).
        index: the elements that are mapped, (k,).
        rest: the others, (d - k,).
        order: where each element of u is in (rest, index), (d,).
        matrix: A, (k, k).
        shift: c, (k,).
    """
    return ops.concatenate([v[rest], matrix @ v[index] + shift])[order]
