"""How NumPyro and jax spell operations, distributions and statements."""

from __future__ import annotations

from collections.abc import Mapping

from gendsl.emit.dialect import Dialect, DistSpelling

__all__ = ["DIALECT"]

_JNP = [
    "abs",
    "sign",
    "exp",
    "expm1",
    "log",
    "log1p",
    "sqrt",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "floor",
    "ceil",
    "round",
    "reciprocal",
    "isnan",
]
_SPECIAL = ["logit", "erf", "erfc", "erfinv", "gammaln", "digamma", "ndtr", "log_ndtr", "ndtri"]
_REDUCE = ["sum", "prod", "mean", "all", "any"]

OPS: dict[str, str] = {
    **{k: f"jnp.{k}({{0}})" for k in _JNP},
    **{k: f"special.{k}({{0}})" for k in _SPECIAL},
    "sigmoid": "special.expit({0})",
    "log_sigmoid": "jax.nn.log_sigmoid({0})",
    "softplus": "jax.nn.softplus({0})",
    "relu": "jax.nn.relu({0})",
    "to_float": "{0.p}.astype(float)",
    "to_int": "{0.p}.astype(int)",
    "stop_gradient": "jax.lax.stop_gradient({0})",
    "maximum": "jnp.maximum({0}, {1})",
    "minimum": "jnp.minimum({0}, {1})",
    "arctan2": "jnp.arctan2({0}, {1})",
    "logaddexp": "jnp.logaddexp({0}, {1})",
    "xlogy": "special.xlogy({0}, {1})",
    "where": "jnp.where({0}, {1}, {2})",
    "clip": "jnp.clip({0}, {1}, {2})",
    **{k: f"{{0.p}}.{k}({{axis}})" for k in _REDUCE},
    **{f"{k}_keep": f"{{0.p}}.{k}({{axis}}, keepdims=True)" for k in _REDUCE},
    "max": "largest({0}, {axis})",
    "max_keep": "largest({0}, {axis}, keepdims=True)",
    "min": "smallest({0}, {axis})",
    "min_keep": "smallest({0}, {axis}, keepdims=True)",
    "logsumexp": "special.logsumexp({0}, {axis})",
    "logsumexp_keep": "special.logsumexp({0}, {axis}, keepdims=True)",
    "cumsum": "jnp.cumsum({0}, {axis})",
    "cumprod": "jnp.cumprod({0}, {axis})",
    "logcumsumexp": "jax.lax.associative_scan(jnp.logaddexp, {0}, axis={axis})",
    "flip": "jnp.flip({0}, {axis})",
    "softmax": "jax.nn.softmax({0}, {axis})",
    "vecdot": "jnp.vecdot({0}, {1})",
    "cholesky": "jnp.linalg.cholesky({0})",
    "inv": "jnp.linalg.inv({0})",
    "logdet": "jnp.linalg.slogdet({0})[1]",
    "solve": "jnp.linalg.solve({0}, {1})",
    "solve_batched": "jnp.linalg.solve({0}, {1})",
    "solve_triangular": "solve_triangular({0}, {1}, lower={lower})",
    "solve_triangular_batched": "solve_triangular_batched({0}, {1}, lower={lower})",
    "diagonal": "jnp.diagonal({0}, axis1=-2, axis2=-1)",
    "tril": "jnp.tril({0}, {k})",
}

TEMPLATES: dict[str, str] = {
    "array": "jnp.array({values}, dtype={dtype})",
    "real": "jnp.asarray({0})",
    "whole": "jnp.asarray({0})",
    "full": "jnp.full({shape}, {0}, dtype={dtype})",
    "broadcast_to": "jnp.broadcast_to({0}, {shape})",
    "broadcast_arrays": "jnp.broadcast_arrays({items})",
    "moveaxis": "jnp.moveaxis({0}, {source}, {destination})",
    "moveaxes": "jnp.moveaxis({0}, {source}, {destination})",
    "zeros_like": "jnp.zeros_like({0})",
    "swapaxes": "{0.p}.swapaxes({a}, {b})",
    "stack": "jnp.stack({items}, {axis})",
    "concatenate": "jnp.concatenate({items}, {axis})",
    "arange": "jnp.arange({size})",
    "eye": "jnp.eye({size})",
}

_AT_LEAST = '''
def at_least(x, ndim):
    """x with axes of length 1 on the left, up to `ndim` axes."""
    return x[(None,) * max(0, ndim - x.ndim)]
'''

# jax's gradient of a maximum asks which elements equal it; XLA may compute these anew, and round them otherwise, so
# that it is wrong under `jit`. An index is what it is.
_LARGEST = '''
def largest(x, axis, keepdims=False):
    """x.max(axis), with the gradient of one element."""
    out = jnp.take_along_axis(x, jnp.argmax(x, axis, keepdims=True), axis)
    return out if keepdims else jnp.squeeze(out, axis)
'''

_SMALLEST = '''
def smallest(x, axis, keepdims=False):
    """x.min(axis), with the gradient of one element."""
    out = jnp.take_along_axis(x, jnp.argmin(x, axis, keepdims=True), axis)
    return out if keepdims else jnp.squeeze(out, axis)
'''

_CONCATENATE = '''
def concatenate_batched(items, axis, rank):
    """Arrays joined along an event axis, their batch axes broadcast."""
    batch = jnp.broadcast_shapes(*(x.shape[: x.ndim - rank] for x in items))
    return jnp.concatenate([jnp.broadcast_to(x, batch + x.shape[x.ndim - rank :]) for x in items], axis)
'''

_TRIANGULAR = '''
def solve_triangular_batched(a, b, lower):
    """The solution of a x = b, batch axes broadcast."""
    batch = jnp.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = jnp.broadcast_to(a, batch + a.shape[-2:]), jnp.broadcast_to(b, batch + b.shape[-2:])
    return jax.lax.linalg.triangular_solve(a, b, left_side=True, lower=lower)
'''

_SCAN = '''
def scan(step, init, xs, **options):
    """jax.lax.scan, its carries first broadcast to what the step makes of them."""
    first = None if xs is None else jax.tree.map(lambda x: x[0], xs)
    shapes = None
    while shapes != (shapes := [jnp.shape(c) for c in init]):
        after = jax.eval_shape(step, init, first)[0]
        init = tuple(
            jnp.broadcast_to(a, jnp.broadcast_shapes(jnp.shape(a), b.shape)).astype(b.dtype)
            for a, b in zip(init, after)
        )

    def same(carry, x):
        new, out = step(carry, x)
        return tuple(jnp.broadcast_to(n, c.shape) for n, c in zip(new, carry)), out

    return jax.lax.scan(same, init, xs, **options)
'''

_ODE = '''
def solve_ode(rhs, y0, t0, ts, rtol, atol, max_steps):
    """The solution of dy/dt = rhs(t, y) at the times ts (leading axis); not finite where the solver gives up."""
    shape = jnp.broadcast_shapes(jnp.shape(y0), jax.eval_shape(rhs, t0, y0).shape)
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: rhs(t, y)),
        diffrax.Dopri5(),
        t0=t0,
        t1=ts[-1],
        dt0=None,
        y0=jnp.broadcast_to(y0, shape).astype(float),
        saveat=diffrax.SaveAt(ts=ts),
        stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atol),
        max_steps=max_steps,
        throw=False,
    )
    return solution.ys
'''

_REPLACED = (
    "BetaBinomial",
    "GammaPoisson",
    "Kumaraswamy",
    "NegativeBinomial",
    "ProjectedNormal",
    "TruncatedNormal",
)
_OURS = ("HiddenMarkov", "Markov", *_REPLACED)
_MIXTURES = ("Masked", "MixtureGeneral", "MixtureSameFamily", "Within")

DISTRIBUTIONS: dict[str, DistSpelling] = {
    **{name: DistSpelling(call=name) for name in (*_REPLACED, "MixtureGeneral")},
    "Folded": DistSpelling(call="dist.FoldedDistribution"),
    "ZeroInflated": DistSpelling(call="dist.ZeroInflatedDistribution"),
    "ZeroInflatedPoisson": DistSpelling(order=("gate", "rate")),
    "MultivariateNormal": DistSpelling(location="loc"),
    "MultivariateStudentT": DistSpelling(location="loc"),
    "Wishart": DistSpelling(rename={"covariance_matrix": "scale_matrix", "precision_matrix": "rate_matrix"}),
}

_SCIPY = (*_SPECIAL, "sigmoid", "xlogy", "logsumexp", "logsumexp_keep")
_JAX = [
    "log_sigmoid",
    "softplus",
    "relu",
    "softmax",
    "stop_gradient",
    "logcumsumexp",
    "scan",
    "solve_ode",
    "solve_triangular_batched",
]


def _flat(kind: str, constraint: str, sizes: tuple[str, ...]) -> str:
    return f"dist.ImproperUniform({constraint}, (), ({', '.join(sizes)}{',' if len(sizes) == 1 else ''}))"


def _dtypes(precision: str) -> Mapping[str, str]:
    return {"float": "float", "int": "int", "bool": "bool"}


DIALECT = Dialect(
    name="numpyro",
    ppl="numpyro",
    header=("import jax.numpy as jnp", "import numpyro", "import numpyro.distributions as dist"),
    ops=OPS,
    templates=TEMPLATES,
    imports={
        "biject_to": ("from numpyro.distributions import biject_to",),
        "constraints": ("from numpyro.distributions import constraints",),
        "density": ("from gendsl_numpyro.families import density",),
        "network": ("from gendsl_numpyro.networks import network",),
        "Vindex": ("from numpyro.ops.indexing import Vindex",),
        "solve_triangular": ("from jax.scipy.linalg import solve_triangular",),
        **dict.fromkeys(_SCIPY, ("from jax.scipy import special",)),
        **dict.fromkeys(_JAX, ("import jax",)),
        "solve_ode": ("import jax", "import diffrax"),
        **{name: (f"from gendsl_numpyro.distributions import {name}",) for name in _OURS},
        **{name: (f"from gendsl_numpyro.mixtures import {name}",) for name in _MIXTURES},
    },
    snippets={
        "at_least": _AT_LEAST,
        "largest": _LARGEST,
        "smallest": _SMALLEST,
        "concatenate_batched": _CONCATENATE,
        "solve_triangular_batched": _TRIANGULAR,
        "scan": _SCAN,
        "solve_ode": _ODE,
    },
    distributions=DISTRIBUTIONS,
    float_draws=frozenset({"Geometric"}),
    number_ops=frozenset(),
    strict_floats=False,
    wrap_numbers=False,
    normalises=False,
    flat=_flat,
    dtypes=_dtypes,
    loops=False,
    notes={"float64": "Run it under `jax.enable_x64(True)`; without it jax computes in single precision."},
)
