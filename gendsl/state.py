"""The state of a sampler: what it takes to go on without warming up again, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gendsl.coordinates import Coordinates

__all__ = ["SamplerState", "entropy"]


@dataclass(frozen=True, eq=False)
class SamplerState:
    """Where the chains are, what they have learnt, and where their random numbers come from.

    The random numbers of a chain come from `entropy(seed, chain, run)`, so a continuation repeats exactly, and two that
    follow each other never share numbers.

    Attributes:
        chain: numbers of the chains, (chain,).
        position: positions of the last kept draws, (chain, dimension), in the order of the program's sites.
        step_size: adapted step sizes, (chain,).
        inverse_mass: adapted inverse mass matrices: (chain, dimension) where they are diagonal, (chain, dimension,
            dimension) where dense, (chain, 0) where the engine does not tell them.
        seed: seed of the first run.
        run: how often the run has been continued so far.
        coordinates: those of the positions and mass matrices; None where they are the unconstrained values themselves.
    """

    chain: np.ndarray
    position: np.ndarray
    step_size: np.ndarray
    inverse_mass: np.ndarray
    seed: int
    run: int = 0
    coordinates: Coordinates | None = None

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The state as arrays of numbers."""
        words = [np.uint32((self.seed >> at) & 0xFFFFFFFF) for at in range(0, max(self.seed.bit_length(), 1), 32)]
        return {
            "chain": self.chain,
            "position": self.position,
            "step_size": self.step_size,
            "inverse_mass": self.inverse_mass,
            "seed": np.array(words, np.uint32),
            "run": np.array(self.run),
            **({} if self.coordinates is None else self.coordinates.to_arrays()),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> SamplerState:
        """The state that `to_arrays` gave."""
        return cls(
            chain=np.asarray(arrays["chain"], np.int64),
            position=np.asarray(arrays["position"], np.float64),
            step_size=np.asarray(arrays["step_size"], np.float64),
            inverse_mass=np.asarray(arrays["inverse_mass"], np.float64),
            seed=sum(int(word) << (32 * k) for k, word in enumerate(np.atleast_1d(arrays["seed"]))),
            run=int(arrays["run"]),
            coordinates=Coordinates.from_arrays(arrays),
        )


def entropy(seed: int, chain: int, run: int) -> Sequence[int]:
    """Entropy for `numpy.random.SeedSequence`, of a chain in a run or in its continuation."""
    return [seed, chain, run] if run else [seed, chain]
