"""How Pyro and torch spell operations, distributions and statements."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from gendsl.emit.dialect import Dialect, DistSpelling
from gendsl_pyro.ops import log_ndtr

__all__ = ["DIALECT"]

_TORCH = [
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
]
_SPECIAL = ["logit", "erf", "erfc", "erfinv", "gammaln", "ndtr", "ndtri"]

OPS: dict[str, str] = {
    **{k: f"torch.{k}({{0}})" for k in _TORCH},
    **{k: f"torch.special.{k}({{0}})" for k in _SPECIAL},
    "digamma": "digamma({0})",
    "log_ndtr": "log_ndtr({0})",
    "reciprocal": "torch.reciprocal({0})",
    "sigmoid": "torch.sigmoid({0})",
    "log_sigmoid": "torch.nn.functional.logsigmoid({0})",
    "softplus": "torch.logaddexp({0}, real(0.0))",
    "relu": "torch.relu({0})",
    "isnan": "torch.isnan({0})",
    "to_float": "{0.p}.to({float})",
    "to_int": "{0.p}.to({int})",
    "stop_gradient": "{0.p}.detach()",
    "detach": "{0.p}.detach()",
    "maximum": "torch.maximum({0}, {1})",
    "minimum": "torch.minimum({0}, {1})",
    "arctan2": "torch.arctan2({0}, {1})",
    "logaddexp": "torch.logaddexp({0}, {1})",
    "xlogy": "torch.xlogy({0}, {1})",
    "where": "torch.where({0}, {1}, {2})",
    "clip": "torch.minimum(torch.maximum({0}, {1}), {2})",
    "sum": "{0.p}.sum({axis})",
    "sum_keep": "{0.p}.sum({axis}, keepdim=True)",
    "prod": "{0.p}.prod({axis})",
    "prod_keep": "{0.p}.prod({axis}, keepdim=True)",
    "mean": "{0.p}.mean({axis})",
    "mean_keep": "{0.p}.mean({axis}, keepdim=True)",
    "max": "{0.p}.amax({axis})",
    "max_keep": "{0.p}.amax({axis}, keepdim=True)",
    "min": "{0.p}.amin({axis})",
    "min_keep": "{0.p}.amin({axis}, keepdim=True)",
    "logsumexp": "{0.p}.logsumexp({axis})",
    "logsumexp_keep": "{0.p}.logsumexp({axis}, keepdim=True)",
    "all": "{0.p}.all({axis})",
    "all_keep": "{0.p}.all({axis}, keepdim=True)",
    "any": "{0.p}.any({axis})",
    "any_keep": "{0.p}.any({axis}, keepdim=True)",
    "cumsum": "{0.p}.cumsum({axis})",
    "cumprod": "{0.p}.cumprod({axis})",
    "logcumsumexp": "{0.p}.logcumsumexp({axis})",
    "flip": "{0.p}.flip({axis})",
    "softmax": "torch.softmax({0}, {axis})",
    "vecdot": "torch.linalg.vecdot({0}, {1})",
    "cholesky": "torch.linalg.cholesky({0})",
    "inv": "torch.linalg.inv({0})",
    "logdet": "torch.linalg.slogdet({0})[1]",
    "solve": "torch.linalg.solve({0}, {1})",
    "solve_batched": "solve_batched({0}, {1})",
    "solve_triangular": "torch.linalg.solve_triangular({0}, {1}, upper={upper})",
    "solve_triangular_batched": "solve_triangular_batched({0}, {1}, upper={upper})",
    "diagonal": "torch.diagonal({0}, dim1=-2, dim2=-1)",
    "tril": "torch.tril({0}, {k})",
}

TEMPLATES: dict[str, str] = {
    "array": "torch.tensor({values}, dtype={dtype})",
    "real": "real({0})",
    "whole": "torch.tensor({0})",
    "zeros_like": "torch.zeros_like({0})",
    "full": "torch.full({shape}, {0}, dtype={dtype})",
    "broadcast_to": "torch.broadcast_to({0}, {shape})",
    "broadcast_arrays": "torch.broadcast_tensors({items})",
    "moveaxis": "torch.movedim({0}, {source}, {destination})",
    "moveaxes": "torch.movedim({0}, {source}, {destination})",
    "swapaxes": "{0.p}.transpose({a}, {b})",
    "stack": "torch.stack({items}, {axis})",
    "concatenate": "torch.cat({items}, {axis})",
    "arange": "torch.arange({size})",
    "eye": "torch.eye({size}, dtype={dtype})",
    "unbind": "{0.p}.unbind({axis})",
}

_REAL = '''
def real(value):
    """A number as a tensor of the program's precision."""
    return torch.tensor(value, dtype={float})
'''

_AT_LEAST = '''
def at_least(x, ndim):
    """x with axes of length 1 on the left, up to `ndim` axes."""
    return x[(None,) * max(0, ndim - x.ndim)]
'''

_DIGAMMA = '''
def digamma(x):
    """The digamma function by its recurrence from x + 10, where torch's derivative of it is right to 1e-12."""
    return torch.special.digamma(x + 10.0) - sum(1.0 / (x + k) for k in range(10))
'''

_LOG_NDTR = f"\n{inspect.getsource(log_ndtr)}"  # programs have the text, as they run without gendsl

_CONCATENATE = '''
def concatenate_batched(items, axis, rank):
    """Tensors joined along an event axis, their batch axes broadcast."""
    batch = torch.broadcast_shapes(*(x.shape[: x.ndim - rank] for x in items))
    return torch.cat([x.expand(batch + x.shape[x.ndim - rank :]) for x in items], axis)
'''

_TRIANGULAR = '''
def solve_triangular_batched(a, b, upper):
    """The solution of a x = b, batch axes broadcast."""
    batch = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = a.expand(batch + a.shape[-2:]), b.expand(batch + b.shape[-2:])
    return torch.linalg.solve_triangular(a, b, upper=upper)
'''

_ODE = '''
def solve_ode(rhs, y0, t0, ts, rtol, atol, max_steps):
    """The solution of dy/dt = rhs(t, y) at the times ts (leading axis); NaN where the solver gives up."""
    y0 = y0 + torch.zeros_like(rhs(t0, y0))
    times = torch.cat([t0.reshape(1).to(ts.dtype), ts])
    try:
        return odeint(rhs, y0, times, rtol=rtol, atol=atol, options={"max_num_steps": max_steps})[1:]
    except AssertionError:  # too many steps, or a step too small
        return torch.full(ts.shape + y0.shape, float("nan"), dtype=y0.dtype) + 0.0 * y0
'''

_SOLVE = '''
def solve_batched(a, b):
    """The solution of a x = b, batch axes broadcast; b is a matrix."""
    batch = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return torch.linalg.solve(a.expand(batch + a.shape[-2:]), b.expand(batch + b.shape[-2:]))
'''

_REPLACED = (
    "Kumaraswamy",
    "LKJ",
    "LKJCholesky",
    "Multinomial",
    "SineBivariateVonMises",
    "TruncatedNormal",
    "VonMises",
)
_OURS = ("DirichletMultinomial", "HiddenMarkov", "Markov", "ProjectedNormal", "RelaxedBernoulli", *_REPLACED)
_MIXTURES = ("Masked", "MixtureGeneral", "MixtureSameFamily", "Within")

DISTRIBUTIONS: dict[str, DistSpelling] = {
    **{name: DistSpelling(call=name) for name in _REPLACED},
    "MixtureOf": DistSpelling(call="MixtureSameFamily"),
    "MixtureGeneral": DistSpelling(call="MixtureGeneral"),
    "Folded": DistSpelling(call="dist.FoldedDistribution"),
    "ZeroInflated": DistSpelling(call="dist.ZeroInflatedDistribution"),
    "ZeroInflatedPoisson": DistSpelling(rename={"gate": "gate"}, arrays=("rate", "gate")),
    "OrderedLogistic": DistSpelling(arrays=("predictor",)),
    "BetaBinomial": DistSpelling(floats=("total_count",)),
    "DirichletMultinomial": DistSpelling(call="DirichletMultinomial", floats=("total_count",)),
    "RelaxedBernoulli": DistSpelling(call="RelaxedBernoulli", arrays=("temperature", "probs", "logits")),
    "ProjectedNormal": DistSpelling(call="ProjectedNormal", arrays=("concentration",)),
    "MultivariateStudentT": DistSpelling(arrays=("df",)),
}


def _flat(kind: str, constraint: str, sizes: tuple[str, ...]) -> str:
    """A flat distribution: a proper one of the same support, masked, so that it can also be drawn from."""
    shape = f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
    proper = {"Real": "dist.Normal(real(0.0), 1.0)", "Positive": "dist.HalfNormal(real(1.0))"}.get(kind)
    if kind.startswith("Interval:"):
        _, low, high = kind.split(":")
        proper = f"dist.Uniform(real({low}), {high})"
    if proper is not None:
        tail = f".expand({shape}).to_event({len(sizes)})" if sizes else ""
        return f"{proper}{tail}.mask(False)"
    if kind == "Simplex":
        tail = f".to_event({len(sizes) - 1})" if len(sizes) > 1 else ""
        return f"dist.Dirichlet(torch.ones({shape}, dtype=real(0.0).dtype)){tail}.mask(False)"
    return f"dist.ImproperUniform({constraint}, torch.Size(()), torch.Size({shape}))"


def _dtypes(precision: str) -> Mapping[str, str]:
    return {"float": f"torch.{precision}", "int": "torch.int64", "bool": "torch.bool"}


DIALECT = Dialect(
    name="pyro",
    ppl="pyro",
    header=("import pyro", "import pyro.distributions as dist", "import torch"),
    ops=OPS,
    templates=TEMPLATES,
    imports={
        "biject_to": ("from torch.distributions import biject_to",),
        "constraints": ("from pyro.distributions import constraints",),
        "density": ("from gendsl_pyro.families import density",),
        "network": ("from gendsl_pyro.networks import network",),
        "Vindex": ("from pyro.ops.indexing import Vindex",),
        "solve_ode": ("from torchdiffeq import odeint",),
        "affine_scan": ("from gendsl_pyro.recurrences import affine_scan",),
        **{name: (f"from gendsl_pyro.distributions import {name}",) for name in _OURS},
        **{name: (f"from gendsl_pyro.mixtures import {name}",) for name in _MIXTURES},
    },
    snippets={
        "real": _REAL,
        "at_least": _AT_LEAST,
        "digamma": _DIGAMMA,
        "log_ndtr": _LOG_NDTR,
        "concatenate_batched": _CONCATENATE,
        "solve_batched": _SOLVE,
        "solve_triangular_batched": _TRIANGULAR,
        "solve_ode": _ODE,
    },
    distributions=DISTRIBUTIONS,
    float_draws=frozenset(
        [
            "Bernoulli",
            "Binomial",
            "BetaBinomial",
            "DirichletMultinomial",
            "GammaPoisson",
            "Geometric",
            "Multinomial",
            "NegativeBinomial",
            "Poisson",
            "ZeroInflated",
            "ZeroInflatedPoisson",
        ]
    ),
    number_ops=frozenset({"maximum", "minimum", "arctan2", "logaddexp", "xlogy", "clip"}),
    strict_floats=True,
    wrap_numbers=True,
    normalises=True,
    flat=_flat,
    dtypes=_dtypes,
    loops=True,
)
