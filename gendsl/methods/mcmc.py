"""Markov chain Monte Carlo methods."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, ClassVar, NoReturn

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.methods.base import Method
from gendsl.methods.init import Init, Uniform

__all__ = ["HMC", "MCMC", "NUTS", "Adjusted", "Centering", "ChainMethod", "Engine"]


class Engine(StrEnum):
    """Whose kernel runs.

    AUTO is nutpie's where it is installed and can do what is asked for (on a CPU, without `dense`, with warmup), else
    the backend's; on NumPyro it is the backend's too for 25 to 100 unconstrained scalars, where that is faster. NATIVE
    is Pyro's or NumPyro's. NUTPIE is nutpie's, in Rust, with a mass matrix of low rank, on the fused density of either
    backend.
    """

    AUTO = "auto"
    NATIVE = "native"
    NUTPIE = "nutpie"


class ChainMethod(StrEnum):
    """How the chains of one run share the machine. Draws of a chain are the same under SEQUENTIAL and PARALLEL.

    PARALLEL runs as many at once as there are cores: on Pyro in processes, on NumPyro in threads; where jax has several
    devices of the kind, such as GPUs, NumPyro's own kernel takes all of them in turn. SEQUENTIAL runs one after another
    in this process. VECTORIZED runs all in lockstep as one program, each waiting for the longest trajectory: NumPyro's
    own kernel only. AUTO is PARALLEL where that pays, SEQUENTIAL for what is over at once, and for NumPyro's own kernel
    on an accelerator VECTORIZED.
    """

    AUTO = "auto"
    PARALLEL = "parallel"
    SEQUENTIAL = "sequential"
    VECTORIZED = "vectorized"


class Centering(StrEnum):
    """How hierarchical latents are parametrised.

    AUTO non-centres those whose scale is random. LEARNED learns from half of warmup how far to centre each element of
    them: it pays where the data say much of some and little of others.
    """

    AUTO = "auto"
    LEARNED = "learned"


@dataclass(frozen=True, kw_only=True)
class MCMC(Method):
    """What all samplers of the fused density share.

    Args:
        chains: independent chains.
        draws: kept draws of each chain.
        warmup: adaptation draws of each chain.
        dense: dense mass matrix; left out, dense where warmup has at least 20 draws for each of at most 100 dimensions.
        thinning: every how many iterations after warmup a draw is kept: there are `thinning * draws` of them. A kept
            draw counts as diverging if any iteration since the last kept one did; its other statistics are its own.
        init: where chains start: `gd.init.Uniform(radius)`, `gd.init.Prior()` or `gd.init.Given(values)`.
        deadline: seconds of wall time, compilation included, after which sampling stops and what was drawn is kept.
            Chains that run one after another share the time.
        keep_warmup: whether the draws of warmup are kept too, as groups warmup_posterior and warmup_sample_stats.
        centering: how hierarchical latents that are not declared with `centered=` are parametrised.
        chain_method: how the chains share the machine.
        whiten: whether the sampler moves the coefficients of linear predictors in the coordinates of the design's QR
            factorisation (gendsl/whitening.py).

    Raises:
        ModelError: if a value is not what it should be.
    """

    chains: int = 4
    draws: int = 1000
    warmup: int = 1000
    dense: bool | None = None
    thinning: int = 1
    init: Init = field(default_factory=Uniform)
    deadline: float | None = None
    keep_warmup: bool = False
    centering: Centering = Centering.AUTO
    chain_method: ChainMethod = ChainMethod.AUTO
    whiten: bool = True

    lockstep: ClassVar[bool] = False
    """Whether all chains move together, whatever the backend."""

    @property
    def native(self) -> bool:
        """Whether the kernel is the backend's own."""
        return True

    @property
    def caveat(self) -> str:
        """What must be known of all draws by this method, however well its chains look; empty where nothing must."""
        return ""

    @property
    def iterations(self) -> int:
        """Iterations of a chain, warmup included."""
        return self.warmup + self.draws * self.thinning

    def __post_init__(self) -> None:
        for name in ("chains", "draws", "thinning"):
            self._count(name, 1, "a positive integer")
        self._count("warmup", 0, "a nonnegative integer")
        self._boolean("keep_warmup")
        self._boolean("whiten")
        if self.centering not in list(Centering):
            self._refuse("unknown centering", self.centering, " or ".join(f"gd.Centering.{c.name}" for c in Centering))
        object.__setattr__(self, "centering", Centering(self.centering))
        if self.chain_method not in list(ChainMethod):
            known = " or ".join(f"gd.ChainMethod.{c.name}" for c in ChainMethod)
            self._refuse("unknown chain method", self.chain_method, known)
        object.__setattr__(self, "chain_method", ChainMethod(self.chain_method))
        if self.lockstep and self.chain_method not in (ChainMethod.AUTO, ChainMethod.VECTORIZED):
            self._refuse(
                "its chains move together", self.chain_method, "gd.ChainMethod.VECTORIZED", "leave chain_method out"
            )
        if self.dense is not None:
            self._boolean("dense", " or None", "leave dense out: the sampler decides")
        if self.deadline is not None:
            self._number("deadline", math.inf, "a positive number of seconds", "seconds, such as 600, or None")
        if not isinstance(self.init, Init):
            self._refuse(
                "init is a way to choose starting points",
                self.init,
                "gd.init.Uniform(2.0), gd.init.Prior() or gd.init.Given({...})",
                "gd.init.Given({...}) for values by name" if isinstance(self.init, dict) else None,
            )

    def _count(self, name: str, least: int, words: str) -> None:
        """A whole number, which may be numpy's."""
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            self._refuse(f"{name} must be {words}", value, words, f"for example {name}={getattr(type(self), name)}")
        object.__setattr__(self, name, int(value))

    def _number(self, name: str, below: float, what: str, needed: str) -> None:
        """A number in (0, below)."""
        value = getattr(self, name)
        number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        if not number or not 0.0 < value < below:
            self._refuse(f"{name} is {what}", value, needed)
        object.__setattr__(self, name, float(value))

    def _boolean(self, name: str, more: str = "", fix: str | None = None) -> None:
        value = getattr(self, name)
        if not isinstance(value, (bool, np.bool_)):
            self._refuse(f"{name} is True, False{more}", value, f"a boolean{more and ', or None'}", fix)
        object.__setattr__(self, name, bool(value))

    def _refuse(self, problem: str, given: Any, needed: str, fix: str | None = None) -> NoReturn:
        shown = f"gd.{type(given).__name__}.{given.name}" if isinstance(given, Enum) else repr(given)[:80]
        raise ModelError(f"{type(self).__name__}: {problem}", given=shown, needed=needed, fix=fix, where=caller())


@dataclass(frozen=True, kw_only=True)
class Adjusted(MCMC):
    """Samplers that accept or reject what they propose, and so have the posterior itself as their stationary law.

    Args:
        target_accept: acceptance probability that the step size is adapted to.
    """

    target_accept: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        self._number("target_accept", 1.0, "a probability", f"between 0 and 1, such as {type(self).target_accept:g}")


@dataclass(frozen=True, kw_only=True)
class NUTS(Adjusted):
    """The No-U-Turn sampler on the fused density. See `MCMC` for the arguments that it shares with `HMC`.

    Args:
        max_tree_depth: a trajectory has at most 2^max_tree_depth - 1 gradients.
        dense: see `MCMC`. Native engines only: nutpie's mass matrix is diagonal and of low rank.
        engine: whose kernel runs; the method of a fit names the one that did.

    Reference:
        The No-U-Turn Sampler (Hoffman, Gelman, 2014) | https://arxiv.org/abs/1111.4246
    """

    max_tree_depth: int = 10
    engine: Engine = Engine.AUTO

    @property
    def native(self) -> bool:
        """Whether the kernel is the backend's own."""
        return self.engine is not Engine.NUTPIE

    def __post_init__(self) -> None:
        super().__post_init__()
        self._count("max_tree_depth", 1, "a positive integer")
        if self.engine not in list(Engine):
            self._refuse("an unknown engine", self.engine, " or ".join(f"gd.Engine.{e.name}" for e in Engine))
        object.__setattr__(self, "engine", Engine(self.engine))
        if self.engine is Engine.NUTPIE and self.dense is not None:
            raise ModelError(
                "NUTS: nutpie has a mass matrix of its own",
                given=f"dense={self.dense}",
                needed="dense=None",
                fix="leave dense out, or use engine=gd.Engine.NATIVE",
                where=caller(),
            )
        if self.engine is Engine.NUTPIE and self.chain_method is ChainMethod.VECTORIZED:
            self._refuse(
                "nutpie's chains are apart",
                self.chain_method,
                "gd.ChainMethod.PARALLEL or gd.ChainMethod.SEQUENTIAL",
                "leave chain_method out, or engine=gd.Engine.NATIVE, which NumPyro runs in lockstep",
            )
        if self.engine is Engine.NUTPIE and not self.warmup:
            self._refuse("nutpie has nothing but warmup to adapt in", 0, "warmup=1 or more", "for example warmup=300")


@dataclass(frozen=True, kw_only=True)
class HMC(Adjusted):
    """Hamiltonian Monte Carlo with trajectories of one length, by the backend's own kernel.

    The length is time in the unconstrained space, scaled by the mass matrix: where that is the posterior's covariance,
    a Gaussian comes round in 2 pi and is forgotten in pi / 2. See `MCMC` for the arguments that it shares with `NUTS`.

    Args:
        trajectory: the length. NumPyro shortens the step so that whole steps fill it; Pyro drops what is left over.
        max_steps: most leapfrog steps; where the step size is so small that more were needed, trajectories are shorter.
        target_accept: as in `Adjusted`.

    Reference:
        MCMC using Hamiltonian dynamics (Neal, 2011) | https://arxiv.org/abs/1206.1901
    """

    trajectory: float = math.pi / 2
    max_steps: int = 1000
    target_accept: float = 0.8

    def __post_init__(self) -> None:
        super().__post_init__()
        self._number("trajectory", math.inf, "a positive length", "a positive number, such as math.pi / 2")
        self._count("max_steps", 1, "a positive integer")
