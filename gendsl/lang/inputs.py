"""`Inputs`: the part of a model that declares plates, axes, data, parameters without a prior, and networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gendsl.errors import ModelError
from gendsl.graph.constraints import Constraint, real, violations
from gendsl.graph.node import Array
from gendsl.graph.node import Axis as AxisSpec
from gendsl.graph.node import Plate as PlateSpec
from gendsl.graph.types import ArrayType, DType
from gendsl.lang.declaration import Declaration, atomic, constraint_of, dtype_of, event_of, labels_of
from gendsl.lang.expr import Expr, Value
from gendsl.lang.networks import NetworkHandle, check_network
from gendsl.lang.plates import Axis, Dims, Plate, dim_names
from gendsl.networks import Network

__all__ = ["Inputs"]


class Inputs(Declaration):
    """Declares what is given: dims, data and parameters."""

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
                given=f"size={size!r}"[:80],
                needed="a positive integer",
                fix="size=n, or coords=[...] for labels",
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
                given=f"size={size!r}"[:80],
                needed="a positive integer",
                fix="size=n, or coords=[...] for labels",
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

    @atomic
    def network(self, name: str, spec: Network) -> NetworkHandle:
        """A function with parameters, to be learned by optimisation.

        Args:
            name: a Python identifier; its parameters are called `<name>.layers.0.weight` and so on.
            spec: what it is, such as `gd.MLP(64, hidden=(128, 128))`; `gd.Native` takes a module of your own.

        Returns:
            What applies it to an expression, `f(x)` or `f(x, time=t)`: to each element of the plates of x. Calls share
            the parameters.

        Raises:
            ModelError: if the name is taken, or `spec` is no network.
        """
        where = self._claim(name)
        self._builder.networks[name] = check_network(name, spec, where)
        return NetworkHandle(self._builder, name)
