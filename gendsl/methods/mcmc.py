"""Markov chain Monte Carlo methods."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.methods.base import Method

__all__ = ["NUTS", "Engine"]


class Engine(StrEnum):
    """Whose kernel runs.

    NATIVE is Pyro's or NumPyro's. NUTPIE is nutpie's, in Rust, with a mass matrix of low rank, on the fused density of
    either backend.
    """

    NATIVE = "native"
    NUTPIE = "nutpie"


@dataclass(frozen=True, kw_only=True)
class NUTS(Method):
    """The No-U-Turn sampler on the fused density.

    Args:
        chains: independent chains.
        draws: kept draws of each chain.
        warmup: adaptation draws of each chain, dropped.
        target_accept: acceptance probability that the step size is adapted to.
        max_tree_depth: a trajectory has at most 2^max_tree_depth - 1 gradients.
        dense: dense mass matrix; left out, dense where warmup has at least 20 draws for each of at most 100 dimensions.
            Native engines only: nutpie's is diagonal and of low rank.
        engine: whose kernel runs.

    Reference:
        The No-U-Turn Sampler (Hoffman, Gelman, 2014) | https://arxiv.org/abs/1111.4246
    """

    chains: int = 4
    draws: int = 1000
    warmup: int = 1000
    target_accept: float = 0.9
    max_tree_depth: int = 10
    dense: bool | None = None
    engine: Engine = Engine.NATIVE

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
        if self.engine not in list(Engine):
            raise ModelError(
                "NUTS: an unknown engine",
                given=repr(self.engine)[:80],
                needed=" or ".join(f"gd.Engine.{e.name}" for e in Engine),
                where=caller(),
            )
        object.__setattr__(self, "engine", Engine(self.engine))
        if self.engine is Engine.NUTPIE and self.dense is not None:
            raise ModelError(
                "NUTS: nutpie has a mass matrix of its own",
                given=f"dense={self.dense}",
                needed="dense=None",
                fix="leave dense out, or use engine=gd.Engine.NATIVE",
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
