"""Random elementwise expressions: every operation of the elementwise tables, on floats, integers and booleans."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tests.laws.strategy_draft import Draft

__all__ = ["BOOLS", "INTS", "REALS", "Template", "add_boolean", "add_integer", "add_real"]

Bound = Callable[[float, float], float]


@dataclass(frozen=True)
class Template:
    """One line: its operation, its source, and its bound from those of its operands (`{0}`, `{1}`; `{n}` is an integer
    value, `{b}` and `{c}` booleans)."""

    op: str
    text: str
    bound: Bound = lambda a, b: 1.0

    @property
    def arity(self) -> int:
        """How many float operands it has."""
        return 2 if "{1}" in self.text else 1 if "{0}" in self.text else 0


def _t(op: str, text: str, bound: float | Bound | None = None) -> Template:
    if bound is None:
        return Template(op, text, lambda a, b: a)
    return Template(op, text, bound if callable(bound) else lambda a, b: float(bound))  # type: ignore[arg-type]


REALS: tuple[Template, ...] = (
    _t("neg", "-{0}"),
    _t("neg", "-(-{0}) ** 2", lambda a, b: a * a),
    _t("abs", "abs({0})"),
    _t("sign", "gd.sign({0}) * 0.5 + np.sin({0})", 1.5),
    _t("exp", "np.exp(0.3 * {0})", lambda a, b: math.exp(0.3 * a)),
    _t("expm1", "gd.expm1(-gd.relu({0}))", 1),
    _t("log", "np.log(0.2 + abs({0}))", lambda a, b: 1.7 + a),
    _t("log1p", "gd.log1p(gd.square({0}))", lambda a, b: 5.0),
    _t("sqrt", "np.sqrt(0.1 + {0} ** 2)", lambda a, b: 1 + a),
    _t("square", "gd.square({0}) - 1", lambda a, b: 1 + a * a),
    _t("sin", "gd.sin({0} + 0.3)", 1),
    _t("cos", "np.cos({0})", 1),
    _t("tan", "gd.tan(0.12 * {0})", 1.5),
    _t("arcsin", "gd.arcsin(0.9 * gd.tanh({0}))", 1.6),
    _t("arccos", "gd.arccos(0.9 * gd.sin({0}))", 3),
    _t("arctan", "gd.arctan(2 * {0})", 1.6),
    _t("sinh", "gd.sinh(0.2 * {0})", lambda a, b: math.sinh(0.2 * a)),
    _t("cosh", "gd.cosh(0.2 * {0})", lambda a, b: math.cosh(0.2 * a)),
    _t("tanh", "gd.tanh({0})", 1),
    _t("arcsinh", "gd.arcsinh({0})"),
    _t("floor", "gd.floor({0} * 1.37 + 0.1234)", lambda a, b: 2 + 1.4 * a),
    _t("ceil", "gd.ceil({0} - 0.1234)", lambda a, b: 2 + a),
    _t("round", "np.round({0} * 0.913)", lambda a, b: 1 + a),
    _t("reciprocal", "gd.reciprocal(1.5 + {0} ** 2)", 1),
    _t("sigmoid", "gd.sigmoid({0})", 1),
    _t("log_sigmoid", "gd.log_sigmoid({0})", lambda a, b: 1 + a),
    _t("logit", "gd.logit(0.05 + 0.9 * gd.sigmoid({0}))", 3),
    _t("softplus", "gd.softplus({0})", lambda a, b: 1 + a),
    _t("relu", "gd.relu({0})"),
    _t("erf", "gd.erf({0})", 1),
    _t("erfc", "gd.erfc(0.5 * {0})", 2),
    _t("erfinv", "gd.erfinv(0.9 * gd.tanh({0}))", 1.5),
    _t("gammaln", "gd.gammaln(0.5 + gd.softplus({0}))", lambda a, b: 3 + a * a),
    _t("digamma", "gd.digamma(0.5 + abs({0}))", lambda a, b: 3 + a),
    _t("ndtr", "gd.ndtr({0})", 1),
    _t("log_ndtr", "gd.log_ndtr(0.6 * {0})", lambda a, b: 1 + a * a),
    _t("ndtri", "gd.ndtri(0.05 + 0.9 * gd.sigmoid({0}))", 2),
    _t("stop_gradient", "gd.stop_gradient({0}) * 0.5 + {0}", lambda a, b: 2 * a),
    _t("add", "{0} + {1}", lambda a, b: a + b),
    _t("add", "1 + {0}", lambda a, b: 1 + a),
    _t("sub", "{0} - ({1} - 0.5)", lambda a, b: a + b + 1),
    _t("mul", "{0} * {1}", lambda a, b: a * b),
    _t("mul", "2 * ({0} + {1}) * 0.5", lambda a, b: a + b),
    _t("div", "{0} / (1.2 + gd.square({1}))"),
    _t("div", "({0} - {1}) / 3", lambda a, b: a + b),
    _t("floordiv", "{0} // 0.71 - 0.2", lambda a, b: 2 + 1.5 * a),
    _t("mod", "{0} % 1.31", 1.4),
    _t("pow", "(1.5 + gd.tanh({0})) ** (0.3 * gd.tanh({1}))", 2),
    _t("pow", "{0} ** 3 / 10", lambda a, b: a**3 / 10),
    _t("pow", "2.0 ** -gd.tanh({0})", 2),
    _t("pow", "(0.5 + abs({0})) ** -1", 2),
    _t("pow", "np.power(0.4 + {0} ** 2, 0.5)", lambda a, b: 1 + a),
    _t("maximum", "np.maximum({0}, {1})", max),
    _t("maximum", "gd.maximum({0}, 0.1377)"),
    _t("minimum", "gd.minimum({0}, {1})", max),
    _t("minimum", "np.minimum(0.7713, {0})"),
    _t("arctan2", "gd.arctan2({0}, 1.1 + {1} ** 2)", 1.6),
    _t("arctan2", "np.arctan2(0.7, 2.1 + gd.sin({0}))", 1.6),
    _t("logaddexp", "np.logaddexp({0}, {1})", lambda a, b: 1 + max(a, b)),
    _t("logaddexp", "gd.logaddexp({0}, 0.0)", lambda a, b: 1 + a),
    _t("xlogy", "gd.xlogy(abs({0}), 0.4 + abs({1}))", lambda a, b: a * (1 + b)),
    _t("xlogy", "gd.xlogy(2, 0.4 + gd.sigmoid({0}))", 2),
    _t("where", "np.where({0} > {1}, {0}, -{1})", max),
    _t("where", "gd.where({b}, {0}, {1})", max),
    _t("where", "gd.where({b}, {0}, 0.5) + gd.where({b}, 1, 2)", lambda a, b: a + 2),
    _t("where", "gd.where(({0} < 0.3177) & (abs({1}) <= 1.1), 1.0, {1})", lambda a, b: 1 + b),
    _t("clip", "gd.clip({0}, -0.7013, 0.9021)", 1),
    _t("clip", "np.clip({0}, -0.5511, 1 + gd.sigmoid({1}))", 2),
    _t("to_float", "gd.to_float({n}) * 0.3", 8),
    _t("to_float", "{n} * {0} / 5", lambda a, b: 3 * a),
    _t("div", "{n} / (1.5 + {0} ** 2)", 8),
    _t("exp", "gd.exp(-0.1 * {n})", 8),
    _t("sqrt", "gd.sqrt(abs({n}) + 1)", 6),
    _t("pow", "(0.9 + 0.1 * gd.tanh({0})) ** {n}", 9),
    _t("add", "{0} + {b}", lambda a, b: a + 1),
    _t("mul", "{b} * {0}"),
    _t("to_float", "gd.to_float({b}) - {0}", lambda a, b: a + 1),
    _t("isnan", "gd.where(gd.isnan({0}), 0.0, {0})"),
    _t("maximum", "gd.maximum({n}, {0})", lambda a, b: 15 + a),
)

INTS: tuple[Template, ...] = (
    _t("add", "{n} + 1"),
    _t("sub", "3 - {n}"),
    _t("mul", "2 * {n} - {m}"),
    _t("neg", "-{n}"),
    _t("floordiv", "{n} // 2"),
    _t("mod", "{n} % 3"),
    _t("square", "gd.square({n})"),
    _t("maximum", "gd.maximum({n}, {m})"),
    _t("minimum", "np.minimum({n}, 2)"),
    _t("abs", "abs({n} - 2)"),
    _t("to_int", "gd.to_int(1.9 * {0} + 0.0137)"),
    _t("where", "gd.where({b}, {n}, -1)"),
    _t("add", "{n} + {b}"),
    _t("sign", "gd.sign({n} - 1)"),
    _t("to_int", "gd.to_int({b})"),
    _t("pow", "{n} ** 2"),
    _t("clip", "gd.clip({n}, 1, 3)"),
)

BOOLS: tuple[Template, ...] = (
    _t("lt", "{0} < {1}"),
    _t("gt", "{0} + {1} > 0.1731"),
    _t("le", "abs({0}) <= 1.1373"),
    _t("ge", "{0} >= {1} - 0.2171"),
    _t("eq", "{n} == {m}"),
    _t("eq", "{n} == 1"),
    _t("ne", "{n} % 2 != 0"),
    _t("ne", "{0} != 0.3"),
    _t("logical_not", "~{b}"),
    _t("logical_and", "{b} & {c}"),
    _t("logical_and", "({0} > 0.0137) & {b}"),
    _t("logical_or", "{b} | ({n} > 1)"),
    _t("logical_xor", "{b} ^ {c}"),
    _t("logical_not", "gd.logical_not(gd.logical_or({b}, {c}))"),
    _t("lt", "{b} < {c}"),
)


def _fill(d: Draft, t: Template) -> tuple[str, float] | None:
    """The source of a template over values that broadcast, and its bound."""
    first = d.any_real() if t.arity else None
    second = d.partner(first) if first is not None and t.arity == 2 else None
    chosen = [x for x in (first, second) if x is not None]
    fill: dict[str, str] = {}
    for key, pool in (("n", d.pool.ints), ("m", d.pool.ints), ("b", d.pool.bools), ("c", d.pool.bools)):
        if f"{{{key}}}" not in t.text:
            continue
        found = [x for x in pool if d.allowed(x) and all(d.partners(o, x) for o in chosen)]
        if not found:
            return None
        fill[key] = d.choice.pick(found)
        chosen.append(fill[key])
    d.use(*chosen)
    text = t.text.format(first, second, **fill)
    bounds = [d.bound(x) if x is not None else 1.0 for x in (first, second)]
    return text, t.bound(*bounds)


def add_real(d: Draft, op: str | None = None) -> str | None:
    """A new float value by an elementwise operation."""
    found = [t for t in REALS if op is None or t.op == op]
    t = d.choice.pick(found)
    filled = _fill(d, t)
    return None if filled is None else d.real(filled[0], filled[1], t.op)


def add_integer(d: Draft, op: str | None = None) -> str | None:
    """A new integer value."""
    t = d.choice.pick([t for t in INTS if op is None or t.op == op])
    filled = _fill(d, t)
    return None if filled is None else d.integer(filled[0], t.op)


def add_boolean(d: Draft, op: str | None = None) -> str | None:
    """A new boolean value."""
    t = d.choice.pick([t for t in BOOLS if op is None or t.op == op])
    filled = _fill(d, t)
    return None if filled is None else d.boolean(filled[0], t.op)
