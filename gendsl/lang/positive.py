"""Checks of scales and lengths outside of distributions: kernels, noise."""

from __future__ import annotations

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.graph.constraints import Interval, implies, nonnegative, positive
from gendsl.lang.expr import Expr, Value

__all__ = ["require_positive"]


def require_positive(value: Value, what: str, node: str, *, zero: bool = False) -> None:
    """Refuse a number that is not positive, or a named value whose support reaches outside.

    Args:
        value: the value.
        what: its name in the message.
        node: the node in the message.
        zero: whether 0 is allowed.

    Raises:
        ModelError: if the value is not, or need not be, positive.
    """
    needed = nonnegative if zero else positive
    words = str(needed)
    if isinstance(value, Expr):
        n = value.builder.nodes[value.node]
        s = value.support
        if n.op in ("latent", "param", "let") and isinstance(s, Interval) and not s.dynamic and not implies(s, needed):
            raise ModelError(
                f"the {what} must be {words}",
                node=node,
                given=f"'{n.name}', which is {s}",
                needed=f"a value that is {words}",
                fix=f"give '{n.name}' a positive prior such as gd.HalfNormal, or wrap it: gd.exp({n.name})",
                where=caller(),
            )
        return
    try:
        x = np.asarray(value, float)
    except (TypeError, ValueError):
        x = np.asarray(np.nan)
    if not (np.isfinite(x) & ((x >= 0) if zero else (x > 0))).all():
        raise ModelError(
            f"the {what} must be {words}",
            node=node,
            given=repr(value),
            needed=f"a number that is {words}",
            where=caller(),
        )
