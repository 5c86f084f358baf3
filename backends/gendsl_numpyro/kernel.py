"""NumPyro's NUTS as compiled functions of the data.

`numpyro.infer.hmc.hmc` with a generator of potentials takes the data as an argument, so that XLA sees them as inputs
and not as constants to fold. The loop around the kernel is our own: `numpyro.infer.MCMC` runs all iterations in one
call, which can neither report nor be interrupted.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo

from gendsl_numpyro.density import FlatDensity

if TYPE_CHECKING:
    from gendsl.methods import NUTS
    from gendsl.program import BoundProgram

__all__ = ["Sampler"]

Array = Any
Point = dict[str, np.ndarray]


class Sampler:
    """The kernel of a bound program. To be used inside the program's precision context.

    Args:
        program: the bound program.
        method: how to sample.
        dense: whether the mass matrix is dense.
        vectorised: whether states hold several chains in lockstep, or one.

    Attributes:
        dimension: of a position.
        longest: iterations that one run can do.
    """

    longest = 100

    def __init__(self, program: BoundProgram, method: NUTS, dense: bool, *, vectorised: bool) -> None:
        self.dimension = program.dimension
        self._vectorised = vectorised
        self._density = FlatDensity(program)
        self._data = self._density.data
        self._init, self._next = hmc(potential_fn_gen=lambda data: partial(self._potential, data), algo="NUTS")
        self._options = {
            "num_warmup": method.warmup,
            "dense_mass": dense,
            "target_accept_prob": method.target_accept,
            "max_tree_depth": method.max_tree_depth,
        }
        self._advance: Any = None

    def evaluate(self, u: Point) -> tuple[float, Point]:
        """The log-density and its gradient at a point."""
        return self._density.evaluate(u)

    def begin(self, points: list[Point], keys: list[np.ndarray]) -> Any:
        """The initial state of chains at points whose density is finite."""
        z = jnp.stack([jnp.asarray(self._density.flat(u), float) for u in points])
        key = jnp.stack([jax.random.wrap_key_data(jnp.asarray(k), impl="threefry2x32") for k in keys])
        if not self._vectorised:
            (z,), (key,) = z, key
        return self._begin(self._data, z, key)

    def compile(self, state: Any) -> None:
        """Compile the loop for states such as this one."""
        self._advance = jax.jit(self._loop, donate_argnums=1).lower(self._data, state, 1).compile()

    def run(self, state: Any, n: int) -> tuple[Any, dict[str, np.ndarray]]:
        """Iterate n <= `longest` times: the new state, and what to keep, (chain, iteration, ...); uses up `state`."""
        state, kept = self._advance(self._data, state, n)
        lead = slice(None) if self._vectorised else None
        return state, {k: np.asarray(v)[lead][:, :n] for k, v in kept.items()}

    # -- traced ----------------------------------------------------------------------------------------------------
    def _potential(self, data: list[dict[str, Array]], z: Array) -> Array:
        return -self._density.log_density(data, z)

    @partial(jax.jit, static_argnums=0)
    def _begin(self, data: list[dict[str, Array]], z: Array, key: Array) -> Any:
        def one(z: Array, key: Array) -> Any:
            value, gradient = jax.value_and_grad(self._potential, argnums=1)(data, z)
            return self._init(ParamInfo(z, value, gradient), model_args=(data,), rng_key=key, **self._options)

        return jax.vmap(one)(z, key) if self._vectorised else one(z, key)

    def _loop(self, data: list[dict[str, Array]], state: Any, n: Array) -> tuple[Any, dict[str, Array]]:
        step = lambda s: self._next(s, (data,))  # noqa: E731
        if self._vectorised:
            step = jax.vmap(step)

        def body(i: Array, carry: tuple[Any, dict[str, Array]]) -> tuple[Any, dict[str, Array]]:
            state, kept = carry
            size = state.adapt_state.step_size
            state = step(state)
            now = _record(state) | {"step_size": size}
            at = (slice(None), i) if self._vectorised else (i,)
            return state, {k: v.at[at].set(now[k]) for k, v in kept.items()}

        def room(x: Array) -> Array:
            lead = x.shape[:1] if self._vectorised else ()
            return jnp.zeros((*lead, self.longest, *x.shape[len(lead) :]), x.dtype)

        shapes = jax.eval_shape(lambda s: _record(s) | {"step_size": s.adapt_state.step_size}, state)
        return lax.fori_loop(0, n, body, (state, {k: room(v) for k, v in shapes.items()}))


def _record(state: Any) -> dict[str, Array]:
    return {
        "position": state.z,
        "lp": -state.potential_energy,
        "energy": state.energy,
        "n_steps": state.num_steps,
        "acceptance_rate": state.accept_prob,
        "diverging": state.diverging,
    }
