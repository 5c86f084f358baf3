"""Who runs a method: the backend's engine what it has kernels for, gendsl what it has the mathematics of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gendsl.methods.langevin import Langevin

if TYPE_CHECKING:
    from gendsl.backend import Draws, Progress
    from gendsl.methods.mcmc import MCMC
    from gendsl.program import BoundProgram
    from gendsl.state import SamplerState

__all__ = ["sample"]


def sample(
    program: BoundProgram, method: MCMC, seed: int, progress: Progress, state: SamplerState | None = None
) -> Draws:
    """Draw from the posterior, or go on from a state with `method.draws` more.

    Raises:
        FitError: if no starting point is found, a chain fails, or the deadline comes before the first draw.
        BackendError: if what the method needs is not installed.
    """
    if isinstance(method, Langevin):
        from gendsl.methods import lockstep

        return lockstep.run(program, method, seed, progress, state)
    return program.program.backend.engine.mcmc(program, method, seed, progress, state)
