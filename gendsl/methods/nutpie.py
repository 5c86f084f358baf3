"""One chain of nutpie: NUTS in Rust on any density of a vector, with a mass matrix of low rank.

The metric is diag(s) (I + U (L - I) U') diag(s), fitted to draws and gradients of warmup: posteriors that are strongly
correlated take far fewer gradients than with a diagonal one.

nutpie calls the density from a thread of its own. An exception there would lose the draws, so the density never raises:
a point where it fails has no density, and the first failure ends the chain with what it has drawn.

Reference:
    Preconditioning Hamiltonian Monte Carlo by minimizing Fisher Divergence (Seyboldt, Carlson, Carpenter, 2026) |
    https://arxiv.org/abs/2603.18845
"""

from __future__ import annotations

import ctypes
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gendsl.errors import BackendError, caller
from gendsl.methods.chains import Chain, HandOver, Start, Thinning, limited, tree_depth
from gendsl.methods.mcmc import MCMC, NUTS
from gendsl.state import entropy

__all__ = ["Settings", "available", "require", "run_chain", "settings"]

Density = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""The log-density of a vector, and its gradient; thread-safe."""

_INTERVAL = 0.1  # seconds between reports
_SHARE = 50  # how much longer the sampler runs than it is held up by copying its draws
_NUDGE = 1e-6
_STATS = {
    "lp": ("logp", np.float64),
    "energy": ("energy", np.float64),
    "n_steps": ("n_steps", np.int64),
    "acceptance_rate": ("mean_tree_accept", np.float64),
    "step_size": ("step_size", np.float64),
    "diverging": ("diverging", np.bool_),
}


@dataclass(frozen=True)
class Settings:
    """What a chain needs to know besides its density; it can be sent to another process.

    Attributes:
        draws: kept draws.
        warmup: adaptation draws.
        target_accept: acceptance probability that the step size is adapted to.
        max_tree_depth: most doublings.
        seed: seed of the run.
        run: how often the run has been continued.
        thinning: every how many iterations a draw is kept.
        keep_warmup: whether the draws of warmup are kept too.
    """

    draws: int
    warmup: int
    target_accept: float
    max_tree_depth: int
    seed: int
    run: int = 0
    thinning: int = 1
    keep_warmup: bool = False


def settings(method: MCMC, seed: int, run: int = 0) -> Settings:
    """The settings of a method."""
    if not isinstance(method, NUTS):
        raise TypeError(f"nutpie does not run {method!r}")
    s = method
    return Settings(s.draws, s.warmup, s.target_accept, s.max_tree_depth, seed, run, s.thinning, s.keep_warmup)


def available() -> bool:
    """Whether nutpie is installed."""
    from importlib.util import find_spec

    return find_spec("nutpie") is not None


def require() -> None:
    """Raise where nutpie is not installed.

    Raises:
        BackendError: it says what to install.
    """
    if not available():
        raise BackendError(
            "NUTS(engine=gd.Engine.NUTPIE) needs nutpie, which is not installed",
            needed="the package nutpie",
            fix="pip install 'gendsl[nutpie]', or use engine=gd.Engine.NATIVE",
            where=caller(),
        )


def run_chain(
    density: Density,
    settings: Settings,
    start: Start,
    report: Callable[[int, int], None],
    stopped: Callable[[], bool] = lambda: False,
    clean: Callable[[Exception], bool] = lambda e: False,
    hand_over: HandOver | None = None,
    prepare: Callable[[], None] = lambda: None,
) -> Chain:
    """Warm up and sample one chain; a KeyboardInterrupt, `stopped` or a failing density ends it with what there is.

    Draws depend on the seed and the chain's number alone.

    Args:
        density: log-density and gradient of a vector.
        settings: of the run.
        start: the chain's number, starting point and time.
        report: called with the iterations done and the divergences so far.
        stopped: whether to stop now.
        clean: whether an exception only says that a point has no density (a singular matrix).
        hand_over: called with the kept draws since it was called last, now and then.
        prepare: called first in each thread of nutpie's that calls the density.
    """
    s, d = settings, start.position.size
    stopped, late = limited(stopped, start.until)
    failure: list[str] = []
    done, divergences = 0, 0
    times = [time.perf_counter()]

    def guarded(z: np.ndarray) -> tuple[float, np.ndarray]:
        if not failure:
            try:
                return density(z)
            except Exception as e:  # whatever it is, nutpie must not see it: it would drop the draws
                if not clean(e):
                    failure.append(traceback.format_exc())
        return -np.inf, np.zeros(d)

    def kept(z: np.ndarray) -> dict[str, np.ndarray]:
        nonlocal done
        done += 1
        if done == s.warmup:
            times.append(time.perf_counter())
        return {"u": np.asarray(z)}

    # nutpie refuses a point at which a derivative is zero, such as a mode.
    flat = guarded(start.position.astype(np.float64))[1] == 0.0
    start = replace(start, position=start.position + np.where(flat, _NUDGE, 0.0))
    sampler = _start(d, guarded, kept, s, start, prepare)
    result, copies = None, hand_over and _Copies(sampler, s, start.number, d, hand_over)
    try:
        while result is None and not failure and not stopped():
            try:
                result = sampler.wait(timeout=_INTERVAL)
            except TimeoutError:
                report(done, divergences)
                if copies and done > s.warmup:
                    copies.take()
    except KeyboardInterrupt:
        pass
    except RuntimeError as e:  # nutpie gave up, as it does where the start has no density
        failure.append(str(e).splitlines()[0])
    if result is None:
        with suppress(RuntimeError):
            result = sampler.abort()
    times.append(time.perf_counter())
    positions, stats, tuning = _arrays(result, d)
    iterations = s.draws * s.thinning
    whole = int((~tuning).sum()) == iterations
    kept_draws = _kept(positions, stats, ~tuning, s.thinning)
    if whole:
        report(s.warmup + iterations, int(stats["diverging"][~tuning].sum()))
    seconds = {"warmup": times[1] - times[0] if s.warmup else 0.0, "sampling": times[-1] - times[-2]}
    out = Chain(*kept_draws, seconds, failure[0] if failure else "", start.number, not whole and late())
    if len(out):
        out.step_size = float(stats["step_size"][-1])
        if s.keep_warmup and s.warmup:
            out.warmup, out.warmup_stats = _kept(positions, stats, tuning, 1)
    return out


class _Copies:
    """Copies the draws out of a sampler that runs, as often as takes little of its time.

    Args:
        sampler: nutpie's.
        settings: of the run.
        number: the chain's.
        dimension: of a draw.
        hand_over: who gets the kept draws that are new.
    """

    def __init__(self, sampler: Any, settings: Settings, number: int, dimension: int, hand_over: HandOver) -> None:
        self._sampler, self._thinning, self._number = sampler, settings.thinning, number
        self._dimension, self._hand_over = dimension, hand_over
        self._handed, self._next = 0, 0.0

    def take(self) -> None:
        """Hand over what is new, if it is time to."""
        if (began := time.perf_counter()) < self._next:
            return
        positions, stats, tuning = _arrays(self._sampler.inspect(), self._dimension)
        kept, its = _kept(positions, stats, ~tuning, self._thinning)
        if len(kept) > self._handed:
            new = slice(self._handed, None)
            part = Chain(kept[new], {k: x[new] for k, x in its.items()}, number=self._number)
            part.step_size = float(part.stats["step_size"][-1])
            self._hand_over(part)
            self._handed = len(kept)
        now = time.perf_counter()
        self._next = now + max(_INTERVAL, _SHARE * (now - began))


def _kept(
    positions: np.ndarray, stats: dict[str, np.ndarray], phase: np.ndarray, every: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Every k-th draw of a phase and its statistics."""
    part = {k: x[phase][None] for k, x in stats.items()} | {"position": positions[phase][None]}
    thinned = {k: x[0] for k, x in Thinning(every)(part).items()}
    return thinned.pop("position"), thinned


def _start(
    dimension: int,
    density: Density,
    kept: Callable[[np.ndarray], dict[str, np.ndarray]],
    s: Settings,
    start: Start,
    prepare: Callable[[], None],
) -> Any:
    """A sampler that runs."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*ArviZ is undergoing", category=FutureWarning)
        import nutpie
        from nutpie.compiled_pyfunc import from_pyfunc

    def make() -> Density:
        _attach()
        prepare()
        return density

    model = from_pyfunc(
        dimension,
        make,
        lambda *_: kept,
        [np.dtype("float64")],
        [(dimension,)],
        ["u"],
        make_initial_point_fn=lambda _: start.position.astype(np.float64),
    )
    return nutpie.sample(
        model,
        draws=s.draws * s.thinning,
        tune=s.warmup,
        chains=1,
        cores=1,
        seed=int(
            np.random.SeedSequence(entropy(s.seed, start.number, s.run)).generate_state(1, np.uint64)[0] >> np.uint64(1)
        ),
        target_accept=s.target_accept,
        maxdepth=s.max_tree_depth,
        low_rank_modified_mass_matrix=True,
        progress_bar=False,
        blocking=False,
        return_raw_trace=True,
    )


def _attach() -> None:
    """Keep this thread attached to Python.

    nutpie's threads attach themselves for each call and leave again; what Python and jax keep by thread is then made
    anew every time, which takes longer than a small density does (eight schools 45 us a gradient, against 18). What is
    kept is not freed when the thread ends: 10 kB a chain.
    """
    if sys.implementation.name == "cpython":
        ctypes.pythonapi.PyGILState_Ensure()


def _arrays(result: Any, dimension: int) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """All draws, their statistics, and which of them were warmup."""
    draws, stats = result.get_arrow_trace() if result is not None else ([], [])
    if not draws or not stats:
        none: dict[str, np.ndarray] = {k: np.zeros(0, kind) for k, (_, kind) in _STATS.items()}
        none["tree_depth"] = np.zeros(0, np.int64)
        return np.zeros((0, dimension)), none, np.zeros(0, bool)
    (table,), (columns,) = draws, stats
    import pyarrow as pa

    flat = pa.array(table.column("u")).flatten().to_numpy(zero_copy_only=False)
    out: dict[str, np.ndarray] = {
        k: np.asarray(columns.column(name).to_numpy()).astype(kind) for k, (name, kind) in _STATS.items()
    }
    # nutpie's own depth does not count the last doubling where it was given up; the backends' does.
    out["tree_depth"] = tree_depth(out["n_steps"])
    return np.array(flat.reshape(-1, dimension)), out, np.asarray(columns.column("tuning").to_numpy(), bool)
