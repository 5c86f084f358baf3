"""The checks of one parameter of a distribution, at the line that makes it."""

from __future__ import annotations

from typing import Any

import numpy as np

from gendsl.errors import Location, ModelError
from gendsl.graph.constraints import (
    Constraint,
    Integers,
    Interval,
    implies,
    lower_cholesky,
    ordered,
    simplex,
    violations,
)
from gendsl.graph.families import Family
from gendsl.graph.node import Subgraph
from gendsl.graph.types import DType
from gendsl.lang.distributions.reach import unbounded
from gendsl.lang.expr import Expr

__all__ = ["brief", "check_param"]


def check_param(family: Family, name: str, value: Any, where: Location | None) -> None:
    """Raise ModelError where a value cannot be this parameter: constants by value, others by dtype and support."""
    p = family.parameter(name)
    if p.kind != "value":
        return
    words = str(p.constraint)
    if isinstance(value, Expr):
        t, site = value.type, value.builder.nodes[value.node]
        if p.integer and t.dtype is DType.FLOAT:
            raise ModelError(
                f"parameter '{name}' of {family.name} counts",
                node=family.name,
                given=repr(value),
                needed="an integer",
                fix="declare it with dtype=int",
                where=where,
            )
        declared = site.op in ("latent", "param") and p.constraint.rank > 0 and p.constraint.rank <= t.rank
        if declared and not implies(t.support, p.constraint):
            raise ModelError(
                f"parameter '{name}' of {family.name} must be {words}",
                node=site.name or family.name,
                given=f"'{site.name}', which is {t.support}",
                needed=f"a value that is {words}",
                fix=_remedy(p.constraint, site.name or "x", (family.name, name)),
                where=where,
            )
        named = site.op in ("latent", "param", "let") or site.op == "from_event"
        if (
            named
            and p.constraint.rank == 0
            and not implies(t.support, p.constraint)
            and _disjoint_ok(t.support, p.constraint)
        ):
            raise ModelError(
                f"parameter '{name}' of {family.name} must be {words}",
                node=site.name or family.name,
                given=f"'{site.name}', which is {t.support}" if site.name else f"a value that is {t.support}",
                needed=f"a value that is {words}",
                fix=_remedy(p.constraint, site.name or "x", (family.name, name)),
                where=where,
            )
        if p.constraint.rank == 0 and not implies(t.support, p.constraint):
            _check_reach(family, name, value, where)
        return
    if value.ndim < p.constraint.rank:
        return  # the type rule names the missing axes
    if value.size == 0 or violations(value, p.constraint).any() or not np.isfinite(value).all():
        fix = "leave the bound out for an infinite one" if name in ("low", "high") and np.isinf(value).any() else None
        if p.constraint == simplex and (value >= 0).all():
            fix = "divide by the sum along the last axis"
        raise ModelError(
            f"parameter '{name}' of {family.name} must be {words}",
            node=family.name,
            given=_worst(value, p.constraint),
            needed=f"a value that is {words}" + ("" if np.isfinite(value).all() else ", and finite"),
            fix=fix,
            where=where,
        )


def _check_reach(family: Family, name: str, value: Expr, where: Location | None) -> None:
    """Raise where an expression takes every real value, whatever the data are."""
    p = family.parameter(name)
    nodes = value.builder.nodes
    if (source := unbounded(nodes, value.node)) is None:
        return
    n = nodes[source]
    why = f"network '{n.attr['network']}' does" if n.op == "network" else f"it is linear in '{n.name}'"
    text = value.text()
    text = text if len(text) <= 60 else "..."
    raise ModelError(
        f"parameter '{name}' of {family.name} must be {p.constraint}",
        node=str(n.attr["network"]) if n.op == "network" else n.name or family.name,
        given=f"{text}, which takes every real value, as {why}",
        needed=f"a value that is {p.constraint}",
        fix=_wrapped(p.constraint, name, text),
        where=where,
    )


def _wrapped(c: Constraint, name: str, text: str) -> str | None:
    """How a number of any sign is made a parameter."""
    if isinstance(c, Interval) and c.lower == 0.0:
        if c.upper == 1.0:
            return f"give it as logits={text}" if name == "probs" else f"wrap it: gd.sigmoid({text})"
        return f"wrap it: gd.exp({text}) or gd.softplus({text})"
    return None


def _worst(value: np.ndarray, c: Constraint) -> str:
    """A constant in a message: all of it, or of a large one the first element that is wrong."""
    if value.size <= 9:
        return brief(value)
    bad = violations(value, c) if np.isfinite(value).all() else ~np.isfinite(value)
    at = tuple(int(k[0]) for k in np.nonzero(bad))
    return f"an array of shape {value.shape}; the first wrong at [{', '.join(map(str, at))}]: {value[at]}"


def _disjoint_ok(given: Constraint, needed: Constraint) -> bool:
    """Whether a named value can violate the need: its support is known and reaches outside."""
    return given.rank > 0 or isinstance(given, Interval | Integers) and not given.dynamic


def _remedy(c: Constraint, name: str, of: tuple[str, str]) -> str | None:
    if of == ("NegativeBinomial", "probs"):
        return (
            "gd.NegativeBinomial(total_count, probs) counts successes before total_count failures. By its mean mu and "
            "shape phi (Stan's neg_binomial_2) it is gd.GammaPoisson(phi, phi / mu)"
        )
    if isinstance(c, Interval) and c.lower == 0.0:
        if c.upper == 1.0:
            return f"wrap it: gd.sigmoid({name}), or give it a prior on (0, 1) such as gd.Beta"
        return f"wrap it: gd.exp({name}) or gd.softplus({name}), or give it a positive prior such as gd.HalfNormal"
    if c == simplex:
        return f"give it as logits={name}, use gd.softmax({name}), or give it a gd.Dirichlet prior"
    if c == ordered:
        return "declare it with constraint=gd.ordered"
    if c == lower_cholesky:
        return "a prior on such factors is gd.LKJCholesky"
    return None


def brief(value: Any) -> str:
    """A parameter in a message."""
    if isinstance(value, Expr):
        return value.text()
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return f"{value.item():g}"
    if isinstance(value, np.ndarray):
        if value.size > 9:
            return f"array of shape {value.shape}"
        return np.array2string(value, separator=", ").replace("\n", "")
    return "<step>" if isinstance(value, Subgraph) else repr(value)
