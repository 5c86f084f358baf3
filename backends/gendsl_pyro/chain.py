"""One chain of Pyro's NUTS or HMC, or of nutpie's, on a fused density."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import numpy as np
import torch

from gendsl.coordinates import Coordinates
from gendsl.methods import HMC, MCMC, NUTS, nutpie
from gendsl.methods.chains import Chain, HandOver, Start, limited
from gendsl.state import entropy
from gendsl_pyro.density import LONG, singular, splitter
from gendsl_pyro.device import on
from gendsl_pyro.hmc import FlatHMC
from gendsl_pyro.kernel import Adapted, FlatNUTS, Step
from gendsl_pyro.seeded import seeded
from gendsl_pyro.straight import straighten, value_and_grad

__all__ = ["Settings", "run_chain", "run_nutpie"]

_DTYPES: dict[str, type[np.generic]] = {"n_steps": np.int64, "tree_depth": np.int64, "diverging": np.bool_}
_INTERVAL = 0.1  # seconds between reports


@dataclass(frozen=True)
class Settings:
    """What a chain needs to know besides its density; it can be sent to another process.

    Attributes:
        shapes: site -> unconstrained shape, in order.
        method: what to run.
        dense: whether the mass matrix is dense.
        seed: seed of the run.
        run: how often the run has been continued.
        device: where the density is evaluated.
        coordinates: those of positions; None where they are the unconstrained values themselves.
    """

    shapes: dict[str, tuple[int, ...]]
    method: MCMC
    dense: bool
    seed: int
    run: int = 0
    device: str = "cpu"
    coordinates: Coordinates | None = None


@dataclass
class _Kept:
    """Draws with their statistics."""

    positions: list[np.ndarray] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def add(self, q: torch.Tensor, step: Step) -> None:
        self.positions.append(q.cpu().numpy())
        self.steps.append(step)

    def arrays(self, dimension: int, first: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The draws from `first` on, and their statistics."""
        n = min(len(self.positions), len(self.steps))  # an interrupt may fall between the two
        rows = [asdict(step) for step in self.steps[first:n]]
        names = [k for k in Step.__dataclass_fields__ if not rows or rows[0][k] is not None]
        stats = {k: np.array([r[k] for r in rows], _DTYPES.get(k, np.float64)) for k in names}
        return np.stack(self.positions[first:n]) if n > first else np.zeros((0, dimension)), stats


def run_chain(
    log_density: Callable[[dict[str, torch.Tensor]], torch.Tensor],
    settings: Settings,
    start: Start,
    report: Callable[[int, int], None],
    stopped: Callable[[], bool] = lambda: False,
    hand_over: HandOver | None = None,
) -> Chain:
    """Warm up and sample one chain, or go on with one.

    A KeyboardInterrupt, `stopped`, the end of its time or an exception of the density ends it early with what there is.
    The generator is seeded by seed, chain and run alone, and the caller's random state, and validation, are as before.

    Args:
        log_density: of a dict of unconstrained sites.
        settings: of the run.
        start: what the chain starts from.
        report: called with the iterations done and the divergences so far.
        stopped: whether to stop now.
        hand_over: called with the draws since it was called last, as often as `report`.
    """
    method = settings.method
    if not method.native:
        return run_nutpie(log_density, settings, start, report, stopped, hand_over)
    stopped, late = limited(stopped, start.until)
    first = torch.from_numpy(start.position.copy()).to(settings.device)
    unflatten = splitter(settings.shapes, settings.coordinates, first)

    def potential(q: torch.Tensor) -> torch.Tensor:
        return -log_density(unflatten(q))

    warmup = method.warmup if start.step_size is None else 0
    total = warmup + method.draws * method.thinning
    before, kept = _Kept(), _Kept()
    divergences, reported, done, since, handed, error = 0, 0.0, 0, False, 0, ""
    with on(settings.device), seeded(_seed(settings.seed, start.number, settings.run), settings.device):
        both = straighten(potential, [first, 0.5 * first, -first]) if total >= LONG else None
        kernel = _kernel(method, potential, first, both, settings.dense, _known(start, first))
        times = [time.perf_counter()]

        def so_far(draws: int = 0) -> Chain:
            """The kept draws from a number on."""
            seconds = {"warmup": times[1] - times[0] if warmup and len(times) > 1 else 0.0}
            seconds["sampling"] = time.perf_counter() - times[-1]
            out = Chain(*kept.arrays(first.numel(), draws), seconds, number=start.number)
            if len(out):
                adapted = kernel.adapted()
                out.step_size, out.inverse_mass = adapted.step_size, adapted.inverse_mass.cpu().numpy()
            return out

        try:
            kernel.setup(warmup)
            while done < total and not stopped():
                q, step = kernel.step()
                divergences += step.diverging
                done += 1
                if done > warmup:
                    since |= step.diverging
                    if (done - warmup) % method.thinning == 0:
                        step.diverging, since = since, False
                        kept.add(q, step)
                else:
                    if method.keep_warmup:
                        before.add(q, step)
                    if done == warmup:
                        times.append(time.perf_counter())
                if (now := time.perf_counter()) > reported + _INTERVAL:
                    reported = now
                    report(done, divergences)
                    if hand_over and len(kept.steps) > handed:
                        hand_over(so_far(handed))
                        handed = len(kept.steps)
        except KeyboardInterrupt:
            pass
        except Exception:  # whatever the density raised, what was drawn before stays
            error = traceback.format_exc()
        out = so_far()
    if done == total:
        report(total, divergences)
    out.error, out.late = error, not error and done < total and late()
    if len(out) and method.keep_warmup and warmup:
        out.warmup, out.warmup_stats = before.arrays(first.numel())
    return out


def _kernel(
    method: MCMC,
    potential: Callable[[torch.Tensor], torch.Tensor],
    first: torch.Tensor,
    both: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]] | None,
    dense: bool,
    known: Adapted | None,
) -> FlatNUTS | FlatHMC:
    if isinstance(method, NUTS):
        accept, depth = method.target_accept, method.max_tree_depth
        return FlatNUTS(potential, first, both, dense=dense, target_accept=accept, max_tree_depth=depth, known=known)
    if isinstance(method, HMC):
        accept, length, most = method.target_accept, method.trajectory, method.max_steps
        return FlatHMC(
            potential, first, both, dense=dense, target_accept=accept, trajectory=length, max_steps=most, known=known
        )
    raise TypeError(f"Pyro has no kernel for {method!r}")


def _known(start: Start, like: torch.Tensor) -> Adapted | None:
    """What a chain that goes on has adapted."""
    if start.step_size is None or start.inverse_mass is None:
        return None
    return Adapted(start.step_size, torch.tensor(start.inverse_mass, dtype=like.dtype, device=like.device))


def run_nutpie(
    log_density: Callable[[dict[str, torch.Tensor]], torch.Tensor],
    settings: Settings,
    start: Start,
    report: Callable[[int, int], None],
    stopped: Callable[[], bool] = lambda: False,
    hand_over: HandOver | None = None,
) -> Chain:
    """Like `run_chain`, by nutpie."""
    first = torch.from_numpy(start.position.copy()).to(settings.device)
    unflatten = splitter(settings.shapes, settings.coordinates, first)

    def log_p(q: torch.Tensor) -> torch.Tensor:
        return log_density(unflatten(q))

    long = settings.method.iterations >= LONG
    both = straighten(log_p, [first, 0.5 * first, -first]) if long else None
    both = both or value_and_grad(log_p)

    def density(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = both(torch.tensor(z, dtype=first.dtype, device=first.device))
        return value.item(), gradient.cpu().numpy().astype(np.float64)

    mine = nutpie.settings(settings.method, settings.seed, settings.run)
    return nutpie.run_chain(density, mine, start, report, stopped, singular, hand_over)


def _seed(seed: int, chain: int, run: int) -> int:
    return int(np.random.SeedSequence(entropy(seed, chain, run)).generate_state(1, np.uint64)[0] >> np.uint64(1))
