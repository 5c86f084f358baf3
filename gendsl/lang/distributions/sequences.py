"""Distributions over a whole plate: Markov chains, hidden Markov chains, Gaussian processes.

They are joint along one plate t:

    Markov:         p(x) = p0(x[0]) prod_t p(x[t] | x[t-1])
    HiddenMarkov:   p(x) = sum_z w[z0] p(x[0] | z0) prod_t A[z(t-1), zt] p(x[t] | zt)
    GaussianProcess: x ~ N(mean, K + noise I), K[i, j] = k(input[i], input[j])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.errors import Location, ModelError, caller
from gendsl.graph.constraints import Constraint, lower_cholesky, nonnegative, positive_definite, real, simplex
from gendsl.graph.families import Params
from gendsl.graph.ops import Problem
from gendsl.graph.types import DType, Size, join_dims
from gendsl.lang.distributions.base import Distribution, base, dist_builder, param, static
from gendsl.lang.expr import Expr, Value, apply, as_expr, innermost
from gendsl.lang.plates import Plate
from gendsl.lang.positive import require_positive

if TYPE_CHECKING:
    from gendsl.lang.kernels import Kernel

__all__ = ["GaussianProcess", "HiddenMarkov", "Markov"]


class JointNormal(Distribution):
    """Multivariate normal whose axis is a plate; made by `GaussianProcess`."""

    plate: str = static()
    size: str = static()
    loc: Value = param(real, rank=1)
    covariance_matrix: Value | None = param(positive_definite, rank=2, default=None, group="scale")
    scale_tril: Value | None = param(lower_cholesky, rank=2, default=None, group="scale")
    support = real

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        matrix = p.first("covariance_matrix", "scale_tril")
        if matrix.event[-1] != p["size"]:
            raise Problem("the covariance does not run over the plate", given=str(matrix), needed=str(p["size"]))
        return (p["size"],)

    @staticmethod
    def _joint(p: Params) -> tuple[str, ...]:
        return (p["plate"],)


def GaussianProcess(
    kernel: Kernel, inputs: Expr, *, noise: Value = 0.0, mean: Value = 0.0, jitter: float | None = None
) -> Distribution:
    """The marginal of a Gaussian process at inputs along a plate, with independent noise.

    Args:
        kernel: a kernel, such as `gd.kernel.SquaredExponential(scale=alpha, length=rho)`; kernels add and multiply.
        inputs: the inputs, over one plate; several input variables are one event axis.
        noise: variance added to the diagonal; a number, or one for each element of the plate.
        mean: the mean function's value; a number, or one for each element.
        jitter: added to the diagonal for the factorisation; left out, 1e-10, or 1e-5 of the mean variance in programs
            of single precision.

    Returns:
        The joint distribution along the plate of `inputs`.

    Raises:
        ModelError: if the inputs do not lie along exactly one plate.

    Reference:
        Gaussian Processes for Machine Learning (Rasmussen, Williams, 2006) | http://gaussianprocess.org/gpml/
    """
    from gendsl.lang.functions import add_diagonal, broadcast_to
    from gendsl.lang.indexing import rename, to_event
    from gendsl.lang.kernels import Kernel

    if not isinstance(inputs, Expr) or len(inputs.dims) != 1 or inputs.ndim > 1:
        raise ModelError(
            "a Gaussian process needs inputs along one plate",
            node="GaussianProcess",
            given=repr(inputs)[:120],
            needed="data over one plate, with at most one event axis",
            where=caller(),
        )
    if not isinstance(kernel, Kernel):
        raise ModelError(
            "a Gaussian process needs a kernel",
            node="GaussianProcess",
            given=f"{type(kernel).__name__}: {kernel!r}"[:80],
            needed="for example gd.kernel.SquaredExponential(scale=1.0, length=1.0)",
            where=caller(),
        )
    if isinstance(noise, (int, float)) and not noise >= 0:
        raise ModelError(
            "the noise of a Gaussian process is a variance",
            node="GaussianProcess",
            given=f"noise={noise!r}",
            needed="a nonnegative number",
            where=caller(),
        )
    require_positive(noise, "noise", "GaussianProcess", zero=True)
    (dim,) = inputs.dims
    builder = innermost([inputs, noise, mean, *kernel.expressions()]) or inputs.builder
    copy = f"{dim}_pair"
    gram = kernel(inputs, rename(inputs, {dim: copy}))
    size = builder.root_size(dim)
    if set(gram.dims) >= {dim, copy}:
        matrix = to_event(gram, (dim, copy))
    else:
        raise ModelError(
            "the kernel does not depend on both inputs",
            node="GaussianProcess",
            given=repr(gram),
            needed="k(x, y), a value over the plates of both",
            where=caller(),
        )
    diagonal = as_expr(noise, builder) + (apply("jitter", matrix) if jitter is None else jitter)
    if dim in diagonal.dims:
        diagonal = to_event(diagonal, (dim,))
    loc = as_expr(mean, builder)
    loc = to_event(loc, (dim,)) if dim in loc.dims else broadcast_to(loc, (size,))
    return JointNormal(loc=loc, covariance_matrix=add_diagonal(matrix, diagonal), plate=dim, size=size)


class Markov(Distribution):
    """The distribution of a sequence along a plate: x[0] ~ init, x[t] ~ step(x[t-1], *inputs[t]).

    Args:
        init: the distribution of the first element.
        step: step(previous, *inputs) -> the distribution of the next element; called while the model is declared.
        dim: the plate.
        inputs: values over the plate that the step uses; the step to element t gets inputs[t].
    """

    init: Distribution = base()
    transition: Any = static()
    plate: str = static()
    size: str = static()
    inputs: int = static(default=0)
    reparametrised = False

    def __init__(
        self,
        init: Distribution,
        step: Callable[..., Distribution],
        *,
        dim: Plate,
        inputs: Sequence[Expr] = (),
    ) -> None:
        from gendsl.lang.control import call, child
        from gendsl.lang.indexing import to_event

        where = caller()
        if not isinstance(init, Distribution) or not isinstance(dim, Plate):
            raise ModelError(
                "Markov needs an initial distribution and a plate",
                node="Markov",
                given=f"{init!r}, dim={dim!r}"[:120],
                needed="gd.Markov(gd.Normal(0, 1), step, dim=t)",
                where=where,
            )
        name = dim.name
        if name in init.type.dims:
            raise ModelError(
                f"the initial distribution varies along '{name}'",
                node="Markov",
                given=repr(init)[:120],
                needed="one distribution, of the first element",
                fix="give the step what varies: inputs=[x]",
                where=where,
            )
        inputs = (inputs,) if isinstance(inputs, Expr) else tuple(inputs)
        for s in inputs:
            if not isinstance(s, Expr) or name not in s.dims:
                raise ModelError(
                    f"an input does not vary along '{name}'",
                    node="Markov",
                    given=repr(s)[:120],
                    needed=f"data or another value over '{name}'",
                    fix="what is the same at every step is used inside the step directly",
                    where=where,
                )
        builder = dim.builder
        from gendsl.lang.control import _MAX_TRACES, _input, _without

        form = init.type.draw()
        for _ in range(_MAX_TRACES):
            inner = child(builder, (name,))
            previous = _input(inner, form)
            sequences = [_input(inner, _without(s.type, name)) for s in inputs]
            after = call(step, "the step of a Markov chain", "step(previous, *inputs)", previous, *sequences)
            if not isinstance(after, Distribution) or set(after.type.dims) <= set(form.dims):
                break
            form = replace(form, dims=join_dims(form.dims, after.type.dims))  # where the step varies, the chain does
        if not isinstance(after, Distribution):
            raise ModelError(
                "the step of a Markov chain returns a distribution",
                node="Markov",
                given=type(after).__name__,
                needed="for example lambda x: gd.Normal(x, scale)",
                where=where,
            )
        if after.type.event != init.type.event or after.type.dtype != init.type.dtype:
            raise ModelError(
                "the step draws another shape than the initial distribution",
                node="Markov",
                given=f"init: {init.type}; step: {after.type}",
                needed="one event shape and dtype for the whole sequence",
                where=where,
            )
        if after.type.support.dynamic or init.type.support.dynamic:
            raise ModelError(
                "the elements of a Markov chain need a fixed support",
                node="Markov",
                given="bounds that depend on values",
                needed="bounds that are numbers",
                fix="scale a chain on a fixed support, for example low + (high - low) * gd.sigmoid(x)",
                where=where,
            )
        if after.type.support != init.type.support:
            raise ModelError(
                "the step has another support than the initial distribution",
                node="Markov",
                given=f"init: {init.type.support}; step: {after.type.support}",
                needed="one support for the whole sequence",
                where=where,
            )
        out = after.add_to(inner)
        subgraph, captures = inner.subgraph([previous.node, *(s.node for s in sequences)], [out])
        self._extras = (*(to_event(s, (name,)) for s in inputs), *(Expr(builder, c) for c in captures))
        super().__init__(init=init, transition=subgraph, plate=name, size=builder.root_size(name), inputs=len(inputs))

    def extras(self) -> tuple[Expr, ...]:
        """Inputs along the plate, then captured values."""
        return self._extras

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        return (p["size"], *p.dist("init").event)

    @staticmethod
    def _joint(p: Params) -> tuple[str, ...]:
        return (p["plate"],)

    @staticmethod
    def dtype(p: Params) -> DType:
        """The initial distribution's."""
        return p.dist("init").dtype

    @staticmethod
    def support(p: Params) -> Constraint:
        """The initial distribution's."""
        return p.dist("init").support


def _along(emission: Distribution, dim: str, where: Location | None) -> Distribution:
    """An emission with the sequence as an event axis left of the states, inner distributions included."""
    from gendsl.lang.functions import expand_dims
    from gendsl.lang.indexing import to_event

    if emission.expanded:
        raise ModelError(
            "the states of an emission are an axis of its parameters",
            node="HiddenMarkov",
            given=repr(emission),
            needed="parameters with one value for each state",
            fix="give the parameters an axis over the states instead of .expand",
            where=where,
        )
    params: dict[str, Any] = {}
    for name, value in emission.params.items():
        own = emission.family.parameter(name).rank
        if isinstance(value, Distribution):
            value = _along(value, dim, where)
        elif isinstance(value, Expr) and dim in value.dims:
            value = to_event(value if value.ndim > own else expand_dims(value, -own - 1), (dim,))
        elif isinstance(value, Expr) and value.ndim > own:
            value = expand_dims(value, -own - 2)
        elif isinstance(value, np.ndarray) and value.ndim > own:
            value = np.expand_dims(value, -own - 2)
        params[name] = value
    return Distribution.make(emission.family.name, params)


class HiddenMarkov(Distribution):
    """The distribution of observations along a plate whose hidden state is a Markov chain, the states summed out.

    Args:
        initial: weights of the first state (K,); they need not be normalised, and the density is as they are.
        transition: A[i, j] = P(next state j | state i), rows on the simplex (K, K).
        emission: distribution of one observation, with one parameter value for each state (last independent axis K).
            Its parameters may vary along the plate.
        dim: the plate.

    Reference:
        A tutorial on hidden Markov models (Rabiner, 1989) | https://doi.org/10.1109/5.18626
    """

    initial: Value = param(nonnegative, rank=1)
    transition: Value = param(simplex, rank=2)
    emission: Distribution = base()
    plate: str = static()
    size: str = static()
    reparametrised = False

    def __init__(self, initial: Value, transition: Value, emission: Distribution, *, dim: Plate) -> None:

        where = caller()
        if not isinstance(emission, Distribution) or not isinstance(dim, Plate):
            raise ModelError(
                "HiddenMarkov needs an emission distribution and a plate",
                node="HiddenMarkov",
                given=f"{emission!r}, dim={dim!r}"[:120],
                needed="gd.HiddenMarkov(initial, transition, gd.Normal(means, 1), dim=t)",
                where=where,
            )
        for what, value in (("initial", initial), ("transition", transition)):
            if isinstance(value, Expr) and dim.name in value.dims:
                raise ModelError(
                    f"'{what}' varies along '{dim.name}'",
                    node="HiddenMarkov",
                    given=repr(value),
                    needed="one for the whole chain; the emission's parameters may vary",
                    where=where,
                )
        builder = dist_builder(emission) or innermost([initial, transition]) or dim.builder
        states = emission.type
        k = states.event[states.rank - states.family_rank - 1] if states.rank > states.family_rank else None
        if not isinstance(k, int) or states.rank - states.family_rank > 1:
            raise ModelError(
                "the emission needs one parameter value for each state",
                node="HiddenMarkov",
                given=str(states),
                needed="parameters with one axis, over the states (vectors: a family of vectors)",
                where=where,
            )
        moved = _along(emission, dim.name, where)
        super().__init__(
            initial=initial,
            transition=transition,
            emission=moved,
            plate=dim.name,
            size=builder.root_size(dim.name),
        )

    @staticmethod
    def _event(p: Params) -> tuple[Size, ...]:
        e, k = p.dist("emission"), p.array("initial").event[-1]
        own = e.event[e.rank - e.family_rank :]
        states = e.event[e.rank - e.family_rank - 1]
        rows, columns = p.array("transition").event[-2:]
        if not k == states == rows == columns:
            raise Problem(
                "the numbers of states differ",
                given=f"initial {k}, transition {rows} x {columns}, emission {states}",
                needed="one number of states",
            )
        return (p["size"], *own)

    @staticmethod
    def _joint(p: Params) -> tuple[str, ...]:
        return (p["plate"],)

    @staticmethod
    def dtype(p: Params) -> DType:
        """The emission's."""
        return p.dist("emission").dtype

    @staticmethod
    def support(p: Params) -> Constraint:
        """The emission's."""
        return p.dist("emission").support
