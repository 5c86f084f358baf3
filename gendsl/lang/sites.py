"""`Sites`: the part of a model that declares latents, observations, recorded values and weights."""

from __future__ import annotations

from collections.abc import Sequence

from gendsl.errors import ModelError
from gendsl.graph.constraints import Constraint, real, violations
from gendsl.graph.types import ArrayType, DType
from gendsl.lang.declaration import Missing, atomic, axis_names, constraint_of
from gendsl.lang.distributions.base import Distribution
from gendsl.lang.distributions.learned import named
from gendsl.lang.expr import Expr, Value, apply, as_expr
from gendsl.lang.indexing import to_event
from gendsl.lang.inputs import Inputs
from gendsl.lang.one_row import warn_of_one_row
from gendsl.lang.plates import Axis, Dims

__all__ = ["Sites"]


class Sites(Inputs):
    """Declares what is drawn, observed, computed and weighted."""

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
        dist = named(dist, name)
        t = dist.type
        if centered is not None and not isinstance(centered, bool):
            raise ModelError(
                "centered is True, False or None",
                node=name,
                given=f"centered={centered!r}",
                needed="True (as written), False (moved from a standard draw), None (decided)",
                fix="leave centered out: the compiler decides",
                where=where,
            )
        labels = axis_names(axes, t.event[len(t.joint) :], dist.axes, name, where)
        if constraint is not None:
            constraint_of(constraint, "a constraint", name, where)
            return self._restricted(name, dist, names, constraint, labels, where)
        outer = tuple(d for d in names if d not in t.joint)
        attrs = {"dims": outer, "centered": centered, "axes": labels}
        prior = dist.add_to(self._builder)
        warn_of_one_row(self._builder, prior, names, name, where)
        return self._shown(self._builder.append("latent", (prior,), attrs, name, where))

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
        dist = named(dist, name)
        t = dist.type
        if not isinstance(missing, Missing):
            raise ModelError(
                "missing is one of gd.Missing",
                node=name,
                given=f"missing={missing!r}",
                needed="gd.Missing.ERROR, gd.Missing.MASK or gd.Missing.IMPUTE",
                fix="missing=gd.Missing.MASK leaves missing elements out",
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
        warn_of_one_row(b, args[0], names, name, where)
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
