"""Markov chain Monte Carlo methods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.methods.base import Method

__all__ = ["NUTS"]


@dataclass(frozen=True, kw_only=True)
class NUTS(Method):
    """The No-U-Turn sampler, by the backend's own kernel on the fused density.

    Args:
        chains: independent chains.
        draws: kept draws of each chain.
        warmup: adaptation draws of each chain, dropped.
        target_accept: acceptance probability that the step size is adapted to.
        max_tree_depth: a trajectory has at most 2^max_tree_depth - 1 gradients.
        dense: dense mass matrix; left out, dense where warmup has at least 20 draws for each of at most 100 dimensions.

    Reference:
        The No-U-Turn Sampler (Hoffman, Gelman, 2014) | https://arxiv.org/abs/1111.4246
    """

    chains: int = 4
    draws: int = 1000
    warmup: int = 1000
    target_accept: float = 0.9
    max_tree_depth: int = 10
    dense: bool | None = None

    def __post_init__(self) -> None:
        for name in ("chains", "draws", "max_tree_depth"):
            self._count(name, 1, "a positive integer")
        self._count("warmup", 0, "a nonnegative integer")
        if isinstance(self.dense, np.bool_):
            object.__setattr__(self, "dense", bool(self.dense))
        if self.dense is not None and not isinstance(self.dense, bool):
            raise ModelError(
                "NUTS: dense is True, False or None",
                given=repr(self.dense)[:80],
                needed="a boolean, or None",
                fix="leave dense out: the sampler decides",
                where=caller(),
            )
        number = isinstance(self.target_accept, (int, float, np.floating)) and not isinstance(self.target_accept, bool)
        if not number or not 0.0 < self.target_accept < 1.0:
            raise ModelError(
                "NUTS: target_accept is a probability",
                given=repr(self.target_accept),
                needed="between 0 and 1, such as 0.9",
                where=caller(),
            )

    def _count(self, name: str, least: int, words: str) -> None:
        """A whole number, which may be numpy's."""
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ModelError(
                f"NUTS: {name} must be {words}",
                given=repr(value)[:80],
                needed=words,
                fix=f"for example {name}={getattr(type(self), name)}",
                where=caller(),
            )
        object.__setattr__(self, name, int(value))
