"""The contract between gendsl and a backend.

A backend is one object, found through the entry-point group `gendsl.backends`. It has

- a `Dialect`: how operations, distributions and statements are spelt in its language;
- `Ops`: the array functions that the mathematics in gendsl/math is written over;
- `Layers`: what networks are written over (gendsl/networks/layers.py);
- an `Engine`: what runs, such as its own NUTS and HMC kernels;
- `Evidence`: its own bounds on the evidence (gendsl/objectives/pair.py).

Nothing here imports a backend; `get_backend(name)` does, at first use.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gendsl.errors import BackendError, caller

if TYPE_CHECKING:
    from gendsl.coordinates import Coordinates
    from gendsl.emit.dialect import Dialect
    from gendsl.math.langevin import Target
    from gendsl.methods import MCMC
    from gendsl.networks import Layers
    from gendsl.objectives.pair import Evidence
    from gendsl.program import BoundProgram
    from gendsl.state import SamplerState
    from gendsl.training import Job, Report, Trained

__all__ = [
    "AUTO",
    "CPU",
    "PREFERRED",
    "Backend",
    "Density",
    "Draws",
    "Engine",
    "Ops",
    "Progress",
    "Simulation",
    "find_device",
    "get_backend",
    "names",
]

AUTO = "auto"
CPU = "cpu"
PREFERRED = ("numpyro", "pyro")
"""The order of "auto": NumPyro's kernels are compiled whole, and so the faster ones."""

Array = Any
"""An array of the backend."""


class Ops(Protocol):
    """What mathematics is written over; each backend's ops.py has every name.

    - array functions under numpy's names and meanings (`axis` and `keepdims` where numpy has them); what makes arrays
      takes `like=`, whose dtype and device the result has: `constant(values, like)`, `zeros(shape, like=)`,
      `full(shape, value, like=)`, `arange(n, like=)`, `eye(n, like=)`; `cholesky` is not a number
      where a matrix is not positive definite;
    - transformations: `grad(f)`, `value_and_grad(f, has_aux=False)`, `vjp(f, *x) -> (value, pull)`,
      `jvp(f, primals, tangents) -> (value, tangent)`, `vmap(f, in_axes, out_axes)`,
      `scan(step, init, xs, length=None, reverse=False) -> (carry, ys)`, `while_loop(condition, body, init)`,
      `solve_ode(rhs, y0, t0, t1, rtol, atol, max_steps) -> y(t1)` of dy/dt = rhs(t, y), adaptively (order 5), each
      element to its tolerance; not finite where the solver gives up;
    - draws, functions of a key: `key(*entropy)`, `split(key, count)`, `fold_in(key, number)`,
      `normal(key, shape, like=)`, `uniform`, `rademacher`, `randint(key, shape, low, high, like=)`,
      `permutation(key, count, like=)`. Equal keys give equal numbers on one backend; backends differ.
    """

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """An array function."""


class Progress(Protocol):
    """Where an engine reports how far it is."""

    def start(self, chains: Sequence[int], total: int) -> None:
        """A run of chains with these numbers, of `total` iterations each, begins."""

    def update(self, chain: int, done: int, divergences: int) -> None:
        """Chain `chain` has done so many iterations."""

    def stop(self) -> None:
        """The run is over."""


@dataclass
class Draws:
    """What a sampler returns, as numpy.

    Attributes:
        unconstrained: site -> (chain, draw, *shape), in the program's layout.
        stats: arviz's name -> (chain, draw): lp, energy, n_steps, tree_depth (NUTS), acceptance_rate, step_size,
            diverging.
        seconds: wall time of the named parts (warmup, sampling).
        complete: whether all draws that were asked for are there.
        note: why not, where they are not, and what else there is to say of the run.
        state: what it takes to go on; None where nothing can.
        warmup: draws of warmup, where they were kept: site -> (chain, iteration, *shape).
        warmup_stats: their statistics.
        error: what the density raised, or how a process ended, where that cut chains short.
    """

    unconstrained: dict[str, np.ndarray]
    stats: dict[str, np.ndarray]
    seconds: dict[str, float] = field(default_factory=dict)
    complete: bool = True
    note: str = ""
    state: SamplerState | None = None
    warmup: dict[str, np.ndarray] = field(default_factory=dict)
    warmup_stats: dict[str, np.ndarray] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, eq=False)
class Simulation:
    """A run of a PPL model forward, `count` times at once.

    Attributes:
        model: the PPL model, right under any axes on the left.
        arguments: its arguments.
        given: latents that are set: name -> (count, *shape), in the program's layout; all others are drawn.
        names: sites whose values are wanted.
        log_probs: observations whose log-probabilities are wanted.
        checked: those among them whose values may lie outside their support.
        ranks: event axes of each site.
        depth: plate slots of the program.
        count: how many runs.
        seed: seed of all randomness, as entropy for `numpy.random.SeedSequence`.
        chunk: runs at once, at most: it bounds the memory.
        precision: "float64" or "float32".
        device: where it runs.
        cache: where a backend may keep what it has compiled for this model.
    """

    model: Callable[..., Any]
    arguments: tuple[dict[str, Any], ...]
    given: Mapping[str, np.ndarray]
    names: tuple[str, ...]
    log_probs: tuple[str, ...]
    checked: frozenset[str]
    ranks: Mapping[str, int]
    depth: int
    count: int
    seed: tuple[int, ...]
    chunk: int
    precision: str
    device: str
    cache: dict[Any, Any]


class Density(Protocol):
    """The fused density of many vectors, each of which holds all unconstrained sites in the program's order.

    Attributes:
        data: what it depends on besides the vectors, as inputs of what is compiled.
    """

    data: Any

    def __call__(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        """The log-density of one vector, and its gradient."""

    def evaluate(self, u: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
        """The log-density at a point given by site, and its gradient by site; NaN and nothing where it is singular."""

    def compiled(self, key: tuple[Any, ...], make: Callable[[Callable[[Any], Target]], Callable[..., Any]]) -> Any:
        """`make(target_of)`, compiled: a function of the data, then of arrays.

        `target_of(data)` maps vectors (chain, dimension) to their log-densities (chain,) and gradients. What is
        compiled is kept with the program under the key, and serves other data of the same shapes.
        """


class Engine(Protocol):
    """What a backend runs."""

    def density(self, program: BoundProgram, coordinates: Coordinates | None, iterations: int) -> Density:
        """The fused density for samplers that are written over `ops`.

        Args:
            program: the bound program.
            coordinates: those of the vectors; None where they hold the unconstrained values themselves.
            iterations: about how often it will be evaluated.
        """

    def mcmc(
        self,
        program: BoundProgram,
        method: MCMC,
        seed: int,
        progress: Progress,
        state: SamplerState | None = None,
    ) -> Draws:
        """Sample the fused density with the backend's own kernel, or go on from a state with `method.draws` more."""

    def train(self, job: Job, report: Report) -> Trained:
        """Train a game by gradients, or go on from a state or checkpoint.

        The loop is `gendsl.training.loop.run`; the backend gives a learner (`gendsl.training.contract`).
        """


class Backend(Protocol):
    """One backend."""

    name: str
    dialect: Dialect
    ops: Ops
    layers: Layers
    engine: Engine
    evidence: Evidence

    def context(self, precision: str, device: str = CPU) -> AbstractContextManager[Any]:
        """The context in which everything of this precision ("float64", "float32") runs, on this device.

        Nothing global stays.
        """

    def devices(self) -> list[str]:
        """The devices of this machine, such as "cpu" and "cuda:0"; the CPU is "cpu"."""

    def array(self, value: np.ndarray, precision: str) -> Array:
        """A numpy array as the backend's, on the context's device; floats in the given precision."""

    def numpy(self, value: Array) -> np.ndarray:
        """The backend's array as numpy."""

    def value_and_grad(
        self, function: Callable[[dict[str, Array]], Array]
    ) -> Callable[[dict[str, Array]], tuple[Array, dict[str, Array]]]:
        """A scalar function of a dict of arrays with its gradient, compiled where the backend compiles."""

    def vmap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function mapped over the leading axis of its first argument (a dict of arrays).

        The other arguments are dicts of arrays and sizes that all points share. What is compiled serves other arguments
        of the same shapes.
        """

    def log_joint(self, model: Callable[..., Any], u: Mapping[str, Array], *args: Any) -> dict[str, Array]:
        """Terms of the PPL model's log-density at unconstrained latents `u`.

        Each latent site is set to `biject_to(support)(u)`, the support being the site's at that point. The terms are
        the sites' log-probabilities, and `|dx/du|` for the log-determinants; all keep their batch axes.
        """

    def simulate(self, run: Simulation) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Run a PPL model forward many times.

        Equal seeds give equal numbers; no generator's state, and nothing else that is global, is left changed.

        Returns:
            Values of the wanted sites, (count, slots..., *event), and log-probabilities, (count, slots...); all numpy,
            slots of length 1 where a value does not vary.
        """


_ENGINES = {"jax": "numpyro", "flax": "numpyro", "torch": "pyro", "pytorch": "pyro"}
"""What backends compute with -> their names."""


@cache
def get_backend(name: str) -> Backend:
    """Load a backend; "auto" is the first of `PREFERRED` whose packages are installed.

    Raises:
        BackendError: if there is none of this name, or what it needs is not installed.
    """
    if name == AUTO:
        return _first()
    points = {p.name: p.value for p in metadata.entry_points(group="gendsl.backends")}
    if name not in points:
        known = ", ".join(sorted(points)) or "none is installed"
        words = str(name).lower()
        near = [_ENGINES[words]] if words in _ENGINES else difflib.get_close_matches(words, points, 1, 0.5)
        fix = f"did you mean '{near[0]}'?" if near else "check the spelling"
        if words.partition(":")[0] in ("cuda", "gpu", "tpu", "mps", "cpu"):
            fix = f"device={name!r} says where a backend computes"
        raise BackendError(
            f"there is no backend '{name}'", given=repr(name), needed=f"one of {known}", fix=fix, where=caller()
        )
    module, _, attribute = points[name].partition(":")
    try:
        out: Backend = getattr(import_module(module), attribute)
    except ImportError as e:
        raise BackendError(
            f"backend '{name}' needs a package that is not installed: {e.name or e}",
            fix=f"pip install 'gendsl[{name}]'",
        ) from e
    return out


def _first() -> Backend:
    why = []
    for name in dict.fromkeys((*PREFERRED, *names())):
        try:
            return get_backend(name)
        except BackendError as e:
            why.append(e.problem)
    raise BackendError("no backend is installed", given="; ".join(why), fix="pip install 'gendsl[all]'", where=caller())


def find_device(backend: Backend, name: str) -> str:
    """A device by its full name: "cuda" and "gpu" are "cuda:0".

    Raises:
        BackendError: if the backend has none of this name here.
    """
    there = backend.devices()
    kind, _, number = str(name).lower().partition(":")
    wanted = {"gpu": "cuda"}.get(kind, kind) + (f":{number or 0}" if kind != CPU or number not in ("", "0") else "")
    if not isinstance(name, str) or wanted not in there:
        raise BackendError(
            f"{backend.name} finds no such device",
            given=f"device={name!r}",
            needed=f"one of {', '.join(there)}",
            fix="leave device out to run on the CPU" if kind != CPU else 'device="cpu"',
            where=caller(),
        )
    return wanted


def names() -> list[str]:
    """The backends that are installed."""
    return sorted({p.name for p in metadata.entry_points(group="gendsl.backends")})
