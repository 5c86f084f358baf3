"""NumPyro's NUTS and HMC as compiled functions of the data.

`numpyro.infer.hmc.hmc` with a generator of potentials takes the data as an argument, so that XLA sees them as inputs
and not as constants to fold. The loop around the kernel is our own: `numpyro.infer.MCMC` runs all iterations in one
call, which can neither report nor be interrupted. What is compiled is kept with the program, and serves other data of
the same shapes and other seeds, starts and numbers of draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo

from gendsl.methods import HMC, MCMC, NUTS
from gendsl_numpyro.density import FlatDensity, ShapedDensity

if TYPE_CHECKING:
    from gendsl.methods.chains import Start
    from gendsl.program import Program

__all__ = ["Sampler", "sampler_of"]

Array = Any
Data = list[dict[str, Array]]


def sampler_of(program: Program, density: FlatDensity, method: MCMC, dense: bool, *, vectorised: bool) -> Sampler:
    """The kernel for a density: the one that was compiled before, where there is one.

    Args:
        program: the program, which keeps it.
        density: its density with data.
        method: how to sample.
        dense: whether the mass matrix is dense.
        vectorised: whether states hold several chains in lockstep, or one.
    """
    options = _options(method)
    key = ("sampler", type(method), tuple(options.items()), method.warmup, dense, vectorised, density.key)
    out: Sampler | None = program.cache.get(key)
    return out or program.cache.setdefault(key, Sampler(density.shaped, method, dense, vectorised=vectorised))


def _options(method: MCMC) -> dict[str, Any]:
    """What a method says to the kernel, besides warmup and mass matrix."""
    if isinstance(method, NUTS):
        return {"target_accept_prob": method.target_accept, "max_tree_depth": method.max_tree_depth}
    if isinstance(method, HMC):
        return {
            "target_accept_prob": method.target_accept,
            "trajectory_length": method.trajectory,
            "most": method.max_steps,
        }
    raise TypeError(f"NumPyro has no kernel for {method!r}")


def _place(state: Any) -> tuple[Any, ...]:
    """How many chains a state holds, and on which device."""
    return (state.i.shape, *state.i.devices())


class Sampler:
    """A kernel. To be used inside the program's precision context.

    Args:
        density: the density as a function of the data.
        method: how to sample.
        dense: whether the mass matrix is dense.
        vectorised: whether states hold several chains in lockstep, or one.

    Attributes:
        dimension: of a position.
        longest: iterations that one run can do.
    """

    longest = 100

    def __init__(self, density: ShapedDensity, method: MCMC, dense: bool, *, vectorised: bool) -> None:
        self.dimension = sum(int(np.prod(s, dtype=int)) for s in density.shapes)
        self._density, self._vectorised, self._dense, self._warmup = density, vectorised, dense, method.warmup
        self._options = _options(method)
        self._most = self._options.pop("most", None)
        algorithm = "NUTS" if isinstance(method, NUTS) else "HMC"
        self._init, self._next = hmc(potential_fn_gen=lambda data: partial(self._potential, data), algo=algorithm)
        self._begin = jax.jit(self._initial)
        self._advance: dict[Any, Any] = {}  # by how many chains go in lockstep, and where

    def begin(self, data: Data, starts: Sequence[Start], keys: Sequence[np.ndarray]) -> Any:
        """The state of chains that start, or of chains that go on with what they have adapted."""
        mass = np.eye(self.dimension) if self._dense else np.ones(self.dimension)
        parts = (
            jnp.stack([jnp.asarray(s.position, float) for s in starts]),
            jnp.stack([jax.random.wrap_key_data(jnp.asarray(k), impl="threefry2x32") for k in keys]),
            jnp.asarray([1.0 if s.step_size is None else s.step_size for s in starts], float),
            jnp.stack([jnp.asarray(mass if s.inverse_mass is None else s.inverse_mass, float) for s in starts]),
            jnp.asarray([0 if s.step_size is None else self._warmup for s in starts], int),
        )
        return self._begin(data, *(parts if self._vectorised else (x[0] for x in parts)))

    def compile(self, data: Data, state: Any) -> None:
        """Compile the loop for as many chains, if that has not been done before."""
        if (key := _place(state)) not in self._advance:
            self._advance[key] = jax.jit(self._loop, donate_argnums=1).lower(data, state, 1).compile()

    def run(self, data: Data, state: Any, n: int) -> tuple[Any, dict[str, np.ndarray]]:
        """Iterate n <= `longest` times: the new state, and what to keep, (chain, iteration, ...); uses up `state`."""
        state, kept = self._advance[_place(state)](data, state, n)
        lead = slice(None) if self._vectorised else None
        return state, {k: np.asarray(v)[lead][:, :n] for k, v in kept.items()}

    def adapted(self, state: Any) -> tuple[np.ndarray, np.ndarray]:
        """The step sizes and inverse mass matrices of a state, (chain, ...)."""
        lead = slice(None) if self._vectorised else None
        adapt = state.adapt_state
        return np.asarray(adapt.step_size)[lead], np.asarray(adapt.inverse_mass_matrix)[lead]

    # -- traced ----------------------------------------------------------------------------------------------------
    def _potential(self, data: Data, z: Array) -> Array:
        """The negative log-density; infinite, and flat, where momenta would overflow.

        With a dense mass matrix, NumPyro's kinetic energy r' M^-1 r of an r whose squares overflow may be -inf, and the
        kernel then moves there for good (ARMA, whose density explodes outside its stationary region).
        """
        u = -self._density.log_density(data, z)
        return jnp.where(u < jnp.finfo(u.dtype).max ** (1 / 3), u, jnp.inf)

    def _initial(self, data: Data, z: Array, key: Array, step_size: Array, mass: Array, iteration: Array) -> Any:
        def one(z: Array, key: Array, step_size: Array, mass: Array, iteration: Array) -> Any:
            value, gradient = jax.value_and_grad(self._potential, argnums=1)(data, z)
            out = self._init(
                ParamInfo(z, value, gradient),
                self._warmup,
                step_size,
                mass,
                dense_mass=self._dense,
                model_args=(data,),
                rng_key=key,
                **self._options,
            )
            return out._replace(i=iteration)

        each = jax.vmap(one) if self._vectorised else one
        return each(z, key, step_size, mass, iteration)

    def _step(self, data: Data, state: Any) -> tuple[Any, dict[str, Array]]:
        """One iteration, and what to keep of it."""
        size, length = state.adapt_state.step_size, state.trajectory_length
        if self._most is None:
            state = self._next(state, (data,))
        else:
            short = state._replace(trajectory_length=jnp.minimum(length, (self._most - 0.5) * size))
            state = self._next(short, (data,))
            size = short.trajectory_length / state.num_steps  # the kernel fills the trajectory with whole steps
            state = state._replace(trajectory_length=length)
        return state, {
            "position": state.z,
            "lp": -state.potential_energy,
            "energy": state.energy,
            "n_steps": state.num_steps,
            "acceptance_rate": state.accept_prob,
            "diverging": state.diverging,
            "step_size": size,
        }

    def _loop(self, data: Data, state: Any, n: Array) -> tuple[Any, dict[str, Array]]:
        step = partial(self._step, data)
        if self._vectorised:
            step = jax.vmap(step)

        def body(i: Array, carry: tuple[Any, dict[str, Array]]) -> tuple[Any, dict[str, Array]]:
            state, now = step(carry[0])
            at = (slice(None), i) if self._vectorised else (i,)
            return state, {k: v.at[at].set(now[k]) for k, v in carry[1].items()}

        def room(x: Array) -> Array:
            lead = x.shape[:1] if self._vectorised else ()
            return jnp.zeros((*lead, self.longest, *x.shape[len(lead) :]), x.dtype)

        shapes = jax.eval_shape(step, state)[1]
        return lax.fori_loop(0, n, body, (state, {k: room(v) for k, v in shapes.items()}))
