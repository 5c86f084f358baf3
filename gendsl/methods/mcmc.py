"""Markov chain Monte Carlo methods."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gendsl.errors import ModelError, caller
from gendsl.methods.base import Method
from gendsl.methods.init import Init, Uniform

__all__ = ["HMC", "MCMC", "NUTS", "Engine"]


class Engine(StrEnum):
    """Whose NUTS runs.

    AUTO is what the benchmark shows ahead: nutpie on a CPU where it is installed, else the backend's own. NATIVE is the
    kernel of Pyro or NumPyro. NUTPIE is nutpie's, in Rust, with a mass matrix of low rank.
    """

    AUTO = "auto"
    NATIVE = "native"
    NUTPIE = "nutpie"


@dataclass(frozen=True, kw_only=True)
class MCMC(Method):
    """What all Markov chain methods share.

    Args:
        chains: independent chains.
        draws: kept draws of each chain.
        warmup: adaptation draws of each chain.
        thinning: every so many-th draw is kept; `draws` counts kept ones.
        target_accept: acceptance probability that the step size is adapted to.
        init: where chains start.
        keep_warmup: whether warmup is kept too, apart from the draws.
        deadline: seconds after which sampling stops with what it has; left out, none.
    """

    chains: int = 4
    draws: int = 1000
    warmup: int = 1000
    thinning: int = 1
    target_accept: float = 0.9
    init: Init = Uniform()
    keep_warmup: bool = False
    deadline: float | None = None

    def __post_init__(self) -> None:
        for name in ("chains", "draws", "thinning"):
            self._whole(name, 1)
        self._whole("warmup", 0)
        self._probability("target_accept")
        if not isinstance(self.init, Init):
            self._refuse("init says where chains start", "init", "gd.init.Uniform(...) or gd.init.Given(...)")
        if not isinstance(self.keep_warmup, bool):
            self._refuse("keep_warmup is True or False", "keep_warmup", "a boolean")
        if self.deadline is not None and not (_number(self.deadline) and self.deadline > 0):
            self._refuse("a deadline is a time from now", "deadline", "a positive number of seconds, or None")

    def _refuse(self, problem: str, name: str, needed: str) -> None:
        raise ModelError(
            f"{type(self).__name__}: {problem}",
            given=f"{name}={getattr(self, name)!r}"[:100],
            needed=needed,
            where=caller(),
        )

    def _whole(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            kind = "positive" if least else "nonnegative"
            self._refuse(f"{name} must be a {kind} integer", name, f"a {kind} integer")

    def _probability(self, name: str) -> None:
        value = getattr(self, name)
        if not _number(value) or not 0.0 < value < 1.0:
            self._refuse(f"{name} is a probability", name, "between 0 and 1, such as 0.9")

    def _dense(self) -> None:
        if (value := getattr(self, "dense")) is not None and not isinstance(value, bool):  # noqa: B009 - of subclasses
            self._refuse("dense is True, False or None", "dense", "a boolean, or None")


@dataclass(frozen=True, kw_only=True)
class NUTS(MCMC):
    """The No-U-Turn sampler on the fused density.

    Args:
        max_tree_depth: a trajectory has at most 2^max_tree_depth - 1 gradients.
        dense: dense mass matrix (native engines; nutpie's is diagonal plus low rank); left out, dense where warmup has at
            least 20 draws for each of at most 100 dimensions.
        engine: whose kernel runs.

    Reference:
        The No-U-Turn Sampler (Hoffman, Gelman, 2014) | https://arxiv.org/abs/1111.4246
    """

    max_tree_depth: int = 10
    dense: bool | None = None
    engine: Engine = Engine.AUTO

    def __post_init__(self) -> None:
        super().__post_init__()
        self._whole("max_tree_depth", 1)
        self._dense()
        if self.engine not in list(Engine):
            self._refuse("an unknown engine", "engine", f"one of {', '.join(f'gd.Engine.{e.name}' for e in Engine)}")
        if self.engine == Engine.NUTPIE and self.dense is not None:
            self._refuse("nutpie has a mass matrix of its own", "dense", "dense=None, or engine=gd.Engine.NATIVE")


@dataclass(frozen=True, kw_only=True)
class HMC(MCMC):
    """Hamiltonian Monte Carlo with trajectories of one length, by the backend's own kernel on the fused density.

    Args:
        trajectory: length of a trajectory in the time of the dynamics: steps = trajectory / step size. The default is
            the engines'.
        dense: dense mass matrix; left out, as for NUTS.

    Reference:
        MCMC using Hamiltonian dynamics (Neal, 2011) | https://arxiv.org/abs/1206.1901
    """

    trajectory: float = 6.283185307179586
    dense: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._dense()
        if not _number(self.trajectory) or not self.trajectory > 0:
            self._refuse("a trajectory has a length", "trajectory", "a positive number, such as 2 pi")


def _number(x: object) -> bool:
    return isinstance(x, (int, float)) and not isinstance(x, bool)
