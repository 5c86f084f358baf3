"""Cases of transforms for the law, and what the tests do with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache, partial
from importlib import import_module
from typing import Any

import numpy as np

from gendsl.backend import get_backend
from gendsl.graph.constraints import Interval
from gendsl.networks import Activation
from gendsl.transforms import (
    SCALARS,
    TRANSFORMS,
    Affine,
    Chain,
    Coupling,
    Elementwise,
    Exp,
    Inverse,
    LULinear,
    MaskedAutoregressive,
    Permutation,
    Reverse,
    Scale,
    Shuffle,
    Sigmoid,
    Softplus,
    Spline,
    Transform,
    coupling_flow,
    maf,
    nsf,
    onto,
    realnvp,
)

BACKENDS = ("pyro", "numpyro")
_HIDDEN = (16, 16)


@dataclass(frozen=True)
class Case:
    """A transform of vectors of length d, under a context of length c."""

    transform: Transform
    d: int = 3
    c: int = 0
    identity: bool = False  # whether it is the identity at its start
    real: bool = True  # whether its values are all of the real line


CASES: dict[str, Case] = {
    "affine coupling": Case(Coupling(scalar=Affine(), hidden=_HIDDEN), 5, identity=True),
    "spline coupling": Case(Coupling(scalar=Spline(), hidden=_HIDDEN, activation=Activation.TANH), identity=True),
    "spline coupling of two": Case(Coupling(scalar=Spline(bins=5, bound=3.0), hidden=_HIDDEN), 2, identity=True),
    "coupling under a context": Case(Coupling(scalar=Spline(bins=4), hidden=_HIDDEN), 4, 2, identity=True),
    "coupling of one number under a context": Case(Coupling(scalar=Affine(), hidden=()), 1, 3, identity=True),
    "affine autoregressive": Case(MaskedAutoregressive(scalar=Affine(), hidden=_HIDDEN), 4, identity=True),
    "spline autoregressive": Case(MaskedAutoregressive(scalar=Spline(bins=6), hidden=_HIDDEN), 3, identity=True),
    "autoregressive under a context": Case(MaskedAutoregressive(hidden=_HIDDEN), 3, 2, identity=True),
    "inverse autoregressive": Case(Inverse(MaskedAutoregressive(hidden=_HIDDEN)), 4, identity=True),
    "elementwise affine": Case(Elementwise(scalar=Affine()), 3, identity=True),
    "elementwise spline": Case(Elementwise(scalar=Spline()), 3, identity=True),
    "LU": Case(LULinear(), 4, identity=True),
    "permutation": Case(Permutation((2, 0, 1)), 3),
    "reverse": Case(Reverse(), 4),
    "shuffle": Case(Shuffle(3), 5),
    "exp": Case(Exp(), real=False),
    "softplus": Case(Softplus(), real=False),
    "sigmoid": Case(Sigmoid(), real=False),
    "scale": Case(Scale(1.5, -0.5)),
    "chain": Case(Chain((LULinear(), Shuffle(1), Coupling(hidden=_HIDDEN), Exp())), 3, real=False),
    "realnvp": Case(realnvp(4, hidden=_HIDDEN), 4),
    "nsf": Case(nsf(3, hidden=_HIDDEN), 3),
    "maf": Case(maf(3, hidden=_HIDDEN), 3),
    "a conditional flow onto an interval": Case(
        Chain((coupling_flow(Spline(bins=4), 2, hidden=_HIDDEN), *onto(Interval(-1.0, 2.0)))), 2, 2, real=False
    ),
}


def kinds(x: Any) -> set[str]:
    """Names of the transforms and scalars that there are in a transform, or in a tuple of them."""
    if isinstance(x, tuple):
        return set().union(*map(kinds, x))
    if type(x).__name__ not in (*TRANSFORMS, *SCALARS):
        return set()
    return {type(x).__name__}.union(*(kinds(getattr(x, f.name)) for f in fields(x)))


def values(case: Case, seed: int = 0) -> dict[str, np.ndarray]:
    """Parameters far from their start."""
    rng = np.random.default_rng(seed)
    out = {}
    for name, p in case.transform.parameters((case.d,), case.c).items():
        scale = 1.0 / np.sqrt(p.shape[-1]) if name.endswith("weight") else 0.4
        out[name] = scale * rng.normal(size=p.shape)
    return out


class On:
    """A case on one backend: numpy in, numpy out. What jax compiles is kept for one shape and another."""

    def __init__(self, case: Case, backend: str, precision: str = "float64") -> None:
        self.case, self.b, self.precision = case, get_backend(backend), precision
        self.nn = import_module(f"gendsl_{backend}.networks").LAYERS
        self.numbers = values(case)
        self._compiled: dict[tuple[str, str], Callable[..., Any]] = {}

    def _run(self, what: str, direction: str, params: dict[str, np.ndarray] | None, *arrays: np.ndarray | None) -> Any:
        with self.b.context(self.precision):
            if (what, direction) not in self._compiled:
                function = partial(getattr(self, f"_{what}"), direction)
                if self.b.name == "numpyro":
                    import jax

                    function = jax.jit(function)
                self._compiled[what, direction] = function
            p = {k: self._array(v) for k, v in (self.numbers if params is None else params).items()}
            return self._compiled[what, direction](p, *(None if a is None else self._array(a) for a in arrays))

    def _array(self, x: Any) -> Any:
        return self.b.array(np.asarray(x, np.float64), self.precision)

    def _value(self, direction: str, params: Any, x: Any, context: Any) -> Any:
        return getattr(self.case.transform, direction)(self.nn, params, x, context)

    def _jacobian(self, direction: str, params: Any, x: Any, context: Any) -> Any:
        ops = self.b.ops
        eye = ops.eye(self.case.d, like=x)

        def at(row: Any, c: Any) -> Any:
            def push(v: Any) -> Any:
                return ops.jvp(lambda u: self._value(direction, params, u, c)[0], (row,), (v,))[1]

            return ops.vmap(push)(eye)

        return ops.vmap(at, (0, None if context is None else 0))(x, context)

    def _gradient(self, direction: str, params: Any, x: Any, context: Any) -> Any:
        ops = self.b.ops
        w = self.b.ops.constant(np.random.default_rng(9).normal(size=x.shape), like=x)

        def value(p: Any) -> Any:
            y, ladj = self._value(direction, {k: v for k, v in p.items() if k != "x"}, p["x"], context)
            return ops.sum(w * y) + ops.sum(ladj)

        return ops.grad(value)(params | {"x": x})

    def __call__(
        self,
        direction: str,
        x: np.ndarray,
        context: np.ndarray | None = None,
        params: dict[str, np.ndarray] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The value and the log-determinant."""
        y, ladj = self._run("value", direction, params, x, context)
        return self.b.numpy(y), self.b.numpy(ladj)

    def jacobian(self, direction: str, x: np.ndarray, context: np.ndarray | None) -> np.ndarray:
        """dy_i/dx_j at each row, (n, d, d)."""
        return np.swapaxes(self.b.numpy(self._run("jacobian", direction, None, x, context)), -1, -2)

    def gradient(self, direction: str, x: np.ndarray, context: np.ndarray | None) -> dict[str, np.ndarray]:
        """Of sum(w y) + sum(ladj) in parameters and x ("x"), with fixed weights w."""
        return {k: self.b.numpy(v) for k, v in self._run("gradient", direction, None, x, context).items()}


@cache
def on(name: str, backend: str) -> On:
    """A case of `CASES` on a backend."""
    return On(CASES[name], backend)


def points(case: Case, seed: int = 1) -> tuple[np.ndarray, np.ndarray | None]:
    """2000 draws of the base, and contexts."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(2000, case.d))
    return z, rng.normal(size=(2000, case.c)) if case.c else None
