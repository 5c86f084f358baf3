"""`Model`: where plates, data, latents, observations and factors are declared.

A model is a value. Declaring adds a typed node, and a mistake fails on its line; the graph so far is `model.graph`.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gendsl.errors import ModelError, caller
from gendsl.graph.constraints import Constraint, real, violations
from gendsl.graph.node import Array, Graph
from gendsl.graph.node import Axis as AxisSpec
from gendsl.graph.node import Plate as PlateSpec
from gendsl.graph.types import ArrayType, DType
from gendsl.lang.builder import Builder
from gendsl.lang.declaration import (
    Declaration,
    Missing,
    atomic,
    axis_names,
    constraint_of,
    dtype_of,
    event_of,
    labels_of,
)
from gendsl.lang.distributions.base import Distribution
from gendsl.lang.expr import Expr, Value, apply, as_expr
from gendsl.lang.indexing import to_event
from gendsl.lang.plates import Axis, Dims, Plate, dim_names

if TYPE_CHECKING:
    from gendsl.fit import Fit
    from gendsl.methods import Method
    from gendsl.passes import Report
    from gendsl.program import Program

__all__ = ["Missing", "Model"]


class Model(Declaration):
    """A generative model as a graph.

    Args:
        name: a Python identifier; it names the emitted program.

    Example:
        >>> import gendsl as gd
        >>> m = gd.Model("coins")
        >>> coin = m.plate("coin")
        >>> p = m.latent("p", gd.Beta(1, 1))
        >>> _ = m.observe("heads", gd.Bernoulli(probs=p), dims=coin)
    """

    def __init__(self, name: str) -> None:
        where = caller()
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise ModelError(
                "a model's name is a Python identifier",
                given=repr(name),
                needed="letters, digits and _",
                where=where,
            )
        super().__init__(Builder(name))

    # -- what it is -------------------------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        """The model's name."""
        return self._builder.name

    @property
    def graph(self) -> Graph:
        """The graph declared so far, frozen."""
        return self._builder.graph()

    def copy(self, name: str | None = None) -> Model:
        """An independent copy, to which more can be declared."""
        out = Model(name or self.name)
        b, src = out._builder, self._builder
        b.nodes, b.plates, b.axes = list(src.nodes), dict(src.plates), dict(src.axes)
        b.names = dict(src.names)
        return out

    def __copy__(self) -> Model:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return self.copy()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.graph == other.graph

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, name: str) -> Expr:
        """The expression of a site or data by its name."""
        graph = self.graph
        node = graph.sites.get(name, graph.inputs.get(name))
        if node is None:
            known = ", ".join([*graph.inputs, *graph.sites]) or "none"
            raise ModelError(
                f"model '{self.name}' has nothing named '{name}'", needed=f"one of {known}", where=caller()
            )
        return self._shown(node)

    def __str__(self) -> str:
        from gendsl.graph.show import show

        return show(self.graph)

    def __repr__(self) -> str:
        sites = len(self.graph.sites)
        return f"<model {self.name}: {sites} sites, {len(self._builder.nodes)} nodes>"

    # -- dims -------------------------------------------------------------------------------------------------------
    @atomic
    def plate(
        self,
        name: str,
        size: int | None = None,
        coords: Sequence[Any] | None = None,
        subsample: int | None = None,
    ) -> Plate:
        """A named dimension along which draws are conditionally independent.

        Args:
            name: a Python identifier.
            size: its length; left out, the data give it.
            coords: labels of its elements; left out, the data's (pandas, xarray) or 0, 1, ...
            subsample: size of minibatches in training.

        Raises:
            ModelError: if the name is taken, the size not positive, or size and coords differ.
        """
        where = self._claim(name)
        labels = labels_of(coords, name, where)
        if size is not None and (isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1):
            raise ModelError(
                "a plate has at least one element",
                node=name,
                given=f"size={size!r}",
                needed="a positive integer",
                where=where,
            )
        if labels is not None:
            if size is not None and size != len(labels):
                raise ModelError(
                    "size and coords differ",
                    node=name,
                    given=f"size={size}, {len(labels)} coords",
                    needed="one label for each element",
                    fix="leave size out: coords give it",
                    where=where,
                )
            size = len(labels)
        length = None if size is None else int(size)
        whole = isinstance(subsample, (int, np.integer)) and not isinstance(subsample, bool)
        if subsample is not None and (not whole or subsample < 1 or (length is not None and subsample > length)):
            raise ModelError(
                "a minibatch is smaller than its plate",
                node=name,
                given=f"subsample={subsample!r}",
                needed=f"an integer from 1 to {length or 'the size'}",
                where=where,
            )
        self._builder.plates[name] = PlateSpec(name, length, labels, subsample, where=where)
        return Plate(self._builder, name)

    @atomic
    def axis(self, name: str, size: int, coords: Sequence[Any] | None = None) -> Axis:
        """A name (and labels) for an event axis, for `event=`, `.expand` and arviz.

        Raises:
            ModelError: if the name is taken, or size and coords differ.
        """
        where = self._claim(name)
        labels = labels_of(coords, name, where)
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise ModelError(
                "an axis has a positive length",
                node=name,
                given=f"size={size!r}",
                needed="a positive integer",
                where=where,
            )
        if labels is not None and len(labels) != size:
            raise ModelError(
                "size and coords differ",
                node=name,
                given=f"size={size}, {len(labels)} coords",
                needed="one label for each element",
                where=where,
            )
        self._builder.axes[name] = AxisSpec(name, int(size), labels)
        return Axis(name, int(size))

    # -- data and parameters ----------------------------------------------------------------------------------------
    @atomic
    def data(
        self,
        name: str,
        dims: Dims = None,
        event: Any = (),
        dtype: type | DType = float,
        indexes: Plate | str | None = None,
        support: Constraint = real,
    ) -> Expr:
        """Values that are given at `fit`: covariates, sizes, indices.

        Args:
            name: a Python identifier, the key in the data.
            dims: plates the values vary over; the array's leading axes, in this order.
            event: lengths of further axes, each an int or an axis of the model.
            dtype: float, int or bool.
            indexes: the plate that integer values point into; they are checked, and strings or pandas categories are
                turned into integers and coords of that plate.
            support: where the values lie; checked.

        Raises:
            ModelError: if the name is taken or a plate unknown.
        """
        where = self._claim(name)
        names = dim_names(dims, self._builder, name)
        kind = dtype_of(dtype, name, where)
        target = None
        if indexes is not None:
            targets = dim_names(indexes, self._builder, name)
            if len(targets) != 1:
                raise ModelError(
                    "data index one plate",
                    node=name,
                    given=f"indexes={indexes!r}",
                    needed="one plate",
                    fix="declare data of their own for each plate, and use x[i, j]",
                    where=where,
                )
            (target,) = targets
            kind = DType.INT
        sizes, axes = event_of(event, name, where)
        if constraint_of(support, "a support", name, where).rank > len(sizes):
            raise ModelError(
                f"a value that is {support} has event axes",
                node=name,
                given=f"event={sizes}",
                needed=f"{support.rank} event {'axis' if support.rank == 1 else 'axes'}",
                fix="declare event=...; a plate is no event axis",
                where=where,
            )
        attrs = {
            "type": ArrayType(names, sizes, kind, support),
            "indexes": target,
            "axes": axes,
            "derived": None,
        }
        return Expr(self._builder, self._builder.append("data", (), attrs, name, where))

    @atomic
    def param(self, name: str, init: Value, constraint: Constraint = real, dims: Dims = None) -> Expr:
        """A value without a prior, to be learned by optimisation.

        Args:
            name: a Python identifier.
            init: initial value: a number or an array (event axes); the same for each element of `dims`.
            constraint: where the value stays.
            dims: plates it varies over.

        Raises:
            ModelError: if the initial value lies outside the constraint.
        """
        where = self._claim(name)
        names = dim_names(dims, self._builder, name)
        constraint_of(constraint, "a constraint", name, where)
        try:
            x = np.asarray(init, np.float64)
        except (TypeError, ValueError):
            raise ModelError(
                "an initial value is a number or an array of numbers",
                node=name,
                given=repr(init)[:100],
                needed="numbers",
                fix="a parameter starts at a number; a prior makes it a latent: m.latent",
                where=where,
            ) from None
        if x.ndim < constraint.rank or violations(x, constraint).any() or not np.isfinite(x).all():
            raise ModelError(
                "the initial value lies outside the constraint",
                node=name,
                given=repr(init)[:100],
                needed=f"a finite value that is {constraint}",
                where=where,
            )
        attrs = {
            "type": ArrayType(names, x.shape, DType.FLOAT, constraint),
            "init": Array.of(x) if x.ndim else x.item(),
            "axes": (),
        }
        return Expr(self._builder, self._builder.append("param", (), attrs, name, where))

    # -- random variables -------------------------------------------------------------------------------------------
    @atomic
    def latent(
        self,
        name: str,
        dist: Distribution,
        dims: Dims = None,
        *,
        centered: bool | None = None,
        constraint: Constraint | None = None,
        axes: Sequence[Axis | None] = (),
    ) -> Expr:
        """An unknown with a prior.

        Args:
            name: a Python identifier.
            dist: its prior.
            dims: plates it has one element for each of.
            centered: whether a location-scale prior is sampled as written; left out, the compiler decides.
            constraint: restricts the prior to a set without normalising it, as a constrained declaration in Stan does:
                `m.latent("mu", gd.Normal(0, 2).expand(2), constraint=gd.ordered)`.
            axes: names of the event axes, from the left; those of a named axis in `.expand` are known.

        Returns:
            The draw, as an expression.

        Raises:
            ModelError: if the prior varies over a plate that is not in `dims`, or is discrete with a constraint.
        """
        where = self._claim(name)
        names = self._dims(name, dist, dims, where)
        t = dist.type
        if centered is not None and not isinstance(centered, bool):
            raise ModelError(
                "centered is True, False or None",
                node=name,
                given=f"centered={centered!r}",
                needed="True (as written), False (moved from a standard draw), None (decided)",
                where=where,
            )
        labels = axis_names(axes, t.event[len(t.joint) :], dist.axes, name, where)
        if constraint is not None:
            constraint_of(constraint, "a constraint", name, where)
            return self._restricted(name, dist, names, constraint, labels, where)
        outer = tuple(d for d in names if d not in t.joint)
        attrs = {"dims": outer, "centered": centered, "axes": labels}
        node = self._builder.append("latent", (dist.add_to(self._builder),), attrs, name, where)
        return self._shown(node)

    @atomic
    def observe(
        self,
        name: str,
        dist: Distribution,
        dims: Dims = None,
        *,
        value: Value | None = None,
        mask: Value | None = None,
        missing: Missing = Missing.ERROR,
        axes: Sequence[Axis | None] = (),
    ) -> Expr:
        """An observation with its likelihood.

        Args:
            name: a Python identifier; without `value`, the key in the data.
            dist: its distribution.
            dims: plates it has one element for each of.
            value: the observed value, where it is an expression (part of other data, a residual).
            mask: a boolean value; elements where it is False do not count.
            missing: what to do with NaN or masked elements.
            axes: names of the event axes, from the left.

        Returns:
            The observed value, as an expression; imputed elements are in it.

        Raises:
            ModelError: if the shapes of the distribution and the value differ.
        """
        where = self._claim(name)
        b = self._builder
        if value is not None and dims is None and isinstance(value, Expr):
            dims = value.dims
        names = self._dims(name, dist, dims, where)
        t = dist.type
        if not isinstance(missing, Missing):
            raise ModelError(
                "missing is one of gd.Missing",
                node=name,
                given=f"missing={missing!r}",
                needed="gd.Missing.ERROR, gd.Missing.MASK or gd.Missing.IMPUTE",
                where=where,
            )
        if missing is not Missing.ERROR and value is not None:
            raise ModelError(
                "missing elements are looked for in data only",
                node=name,
                given=f"value={value!r}, missing={missing}"[:120],
                needed="an observation whose values are given as data",
                fix="leave value out",
                where=where,
            )
        if value is None:
            event = t.event[len(t.joint) :]
            support = t.support if not t.support.dynamic else real
            data_type = ArrayType(names, event, t.dtype, support)
            labels = axis_names(axes, event, dist.axes, name, where)
            attrs = {"type": data_type, "indexes": None, "axes": labels, "derived": None}
            x = Expr(b, b.append("data", (), attrs, name, where))
        else:
            x = as_expr(value, b)
            if lacking := [d for d in names if d not in x.dims]:
                raise ModelError(
                    f"the observed value does not vary over '{lacking[0]}'",
                    node=name,
                    given=repr(x),
                    needed=f"a value over ({', '.join(names)})",
                    fix=f'leave value out, and give the values under "{name}" in the data',
                    where=where,
                )
            if more := [d for d in x.dims if d not in names]:
                raise ModelError(
                    f"the observed value varies over '{more[0]}', which is not among the dims",
                    node=name,
                    given=f"dims ({', '.join(names)}); {x!r}",
                    needed=f"dims=({', '.join((*names, *more))})",
                    fix=f"add '{more[0]}' to dims",
                    where=where,
                )
            if not isinstance(value, Expr) and x.ndim >= t.support.rank and violations(value, t.support).any():
                raise ModelError(
                    "the observed value lies outside the support",
                    node=name,
                    given=repr(value)[:100],
                    needed=f"values that are {t.support}",
                    where=where,
                )
        seen = x
        if missing is Missing.MASK:
            observed = self._derived(name, "observed", names, DType.BOOL, None, where)
            mask = observed if mask is None else apply("logical_and", mask, observed)
        elif missing is Missing.IMPUTE:
            seen = self._impute(name, x, names, t, where)
        args = [dist.add_to(b), b.lift(to_event(seen, t.joint))]
        if mask is not None:
            if t.joint:
                raise ModelError(
                    "elements of a joint distribution cannot be masked one by one",
                    node=name,
                    given=str(t),
                    fix="impute them, or declare the distribution over the observed elements only",
                    where=where,
                )
            args.append(as_expr(mask, b).node)
        b.append("observe", args, {}, name, where)
        return seen

    # -- deterministic and weights ----------------------------------------------------------------------------------
    @atomic
    def let(self, name: str, value: Value, axes: Sequence[Axis | None] = ()) -> Expr:
        """A recorded deterministic value: it appears among the draws under its name.

        Args:
            name: a Python identifier.
            value: the value.
            axes: names of its event axes, from the left.
        """
        where = self._claim(name)
        x = as_expr(value, self._builder)
        named = zip(axes, x.event, strict=False)
        if len(axes) > x.ndim or not all(a is None or isinstance(a, Axis) and a.size == s for a, s in named):
            raise ModelError(
                "the axes do not fit the value",
                node=name,
                given=f"axes={list(axes)!r}; {x!r}",
                needed="axes of the model (m.axis), as long as the value's event axes, from the left",
                where=where,
            )
        labels = tuple(a.name if isinstance(a, Axis) else None for a in axes)
        return Expr(self._builder, self._builder.append("let", (x.node,), {"axes": labels}, name, where))

    @atomic
    def factor(self, name: str, log_weight: Value) -> Expr:
        """A term added to the log-density, one for each element of its dims."""
        where = self._claim(name)
        x = as_expr(log_weight, self._builder)
        return Expr(self._builder, self._builder.append("factor", (x.node,), {}, name, where))

    # -- what can be done with it -----------------------------------------------------------------------------------
    def compile(self, backend: str, *, precision: str = "float64") -> Program:
        """The program of this model for a backend ("pyro" or "numpyro").

        Raises:
            CompileError: if the backend cannot express a node.
            BackendError: if the backend is not installed.
        """
        from gendsl.program import compile_graph

        return compile_graph(self.graph, backend, precision=precision)

    def fit(
        self, data: Mapping[str, Any], method: Method, *, backend: str, seed: int = 0, progress: bool = True
    ) -> Fit:
        """Infer the latents from data.

        Args:
            data: the values of all data and observations, by name: numbers, numpy, pandas or xarray.
            method: what to run, such as `gd.NUTS()`.
            backend: "pyro" or "numpyro".
            seed: seed of all randomness; equal seeds give equal draws.
            progress: whether to show progress.

        Raises:
            DataError: if the data do not fit the model.
            FitError: if the run cannot start.
        """
        from gendsl.fit import run

        return run(self, data, method, backend=backend, seed=seed, progress=progress)

    def explain(self) -> Report:
        """What each node is, and what each pass of the compiler does to the graph."""
        from gendsl.passes import explain

        return explain(self.graph)

    def to_json(self) -> str:
        """The graph as JSON text."""
        from gendsl.graph.json import dumps

        return dumps(self.graph)

    @classmethod
    def from_json(cls, text: str) -> Model:
        """The model that `to_json` wrote.

        Raises:
            FormatError: if the text is damaged or from a later version.
        """
        from gendsl.graph.json import loads

        return cls.from_graph(loads(text))

    @classmethod
    def from_graph(cls, graph: Graph) -> Model:
        """A model with this graph, to which more can be declared."""
        out = cls(graph.name)
        b = out._builder
        b.nodes = list(graph.nodes)
        b.plates, b.axes = {p.name: p for p in graph.plates}, {a.name: a for a in graph.axes}
        b.names = {n.name: n.where for n in graph.nodes if n.name} | dict.fromkeys(b.plates) | dict.fromkeys(b.axes)
        return out

    def plot(self, **options: Any) -> Any:
        """The plate diagram, as a matplotlib figure."""
        from gendsl.plot import plot_graph

        return plot_graph(self.graph, **options)

    def dot(self) -> str:
        """The plate diagram as Graphviz DOT text."""
        from gendsl.plot import dot

        return dot(self.graph)

    def mermaid(self) -> str:
        """The plate diagram as Mermaid text."""
        from gendsl.plot import mermaid

        return mermaid(self.graph)
