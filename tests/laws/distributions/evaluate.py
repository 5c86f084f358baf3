"""A case's model, compiled and evaluated on both backends.

One model holds every way in which a distribution can stand in a graph:

    lp        log_prob at data x over (setting, point), parameters data over `setting`
    constant  the same at the first setting, parameters constants
    whole     the same, parameters that are whole numbers given as integer data
    expanded  two copies by `.expand(2)`, summed
    stacked   all settings along an event axis, summed
    y         an observation over (setting, seen), parameters data
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

import gendsl as gd
from gendsl.emit.layout import restore
from gendsl.program import BoundProgram
from tests.laws.distributions.case import POINTS, SETTINGS, Case, One, Counted

__all__ = ["BACKENDS", "Evaluation", "evaluate", "gradients", "lets", "points"]

BACKENDS = ("pyro", "numpyro")
SEEN = 6


def points(case: Case) -> tuple[np.ndarray, int]:
    """All points (setting, point, *event), and how many of them are inside; univariate cases are padded."""
    inside, outside = case.points(), case.outside()
    x = np.concatenate([inside, outside], 1)
    if isinstance(case, One | Counted):
        pad = np.repeat(inside[:, :1], POINTS - x.shape[1], 1)
        x = np.concatenate([x, pad], 1)
    return x, inside.shape[1]


def _data(m: gd.Model, case: Case, plate: gd.Plate) -> dict[str, Any]:
    out = {}
    for name, value in case.stacked().items():
        kind = bool if value.dtype == bool else int if case.whole(name) else float
        out[name] = m.data(name, dims=plate, event=value.shape[1:], dtype=kind)
    return out


def whole(case: Case) -> dict[str, np.ndarray]:
    """Parameters of the first setting that are whole numbers, though they need not be."""
    out = {}
    for name, v in case.setting(0).items():
        if v.dtype != bool and not case.whole(name) and np.array_equal(v, np.floor(v)):
            out[name] = v.astype(int)
    return out


def _declare(case: Case) -> tuple[gd.Model, dict[str, np.ndarray]]:
    x, _ = points(case)
    event = x.shape[2:]
    kind = int if case.discrete else float
    m = gd.Model("law")
    setting, point, seen = m.plate("setting", SETTINGS), m.plate("point", x.shape[1]), m.plate("seen", SEEN)
    time = [m.plate("time", case.time)] if case.time else []
    own = event[len(time) :]
    params = _data(m, case, setting)
    data = case.stacked()

    def given(name: str, value: np.ndarray, dims: list[gd.Plate], shape: tuple[int, ...]) -> Any:
        data[name] = value
        return m.data(name, dims=tuple(dims), event=shape, dtype=kind)

    d = case.build(params, *time)
    m.let("lp", d.log_prob(given("x", x, [setting, point, *time], own)))
    first = case.setting(0)
    x0 = given("x0", x[0], [point, *time], own)
    m.let("constant", case.build(first, *time).log_prob(x0))
    if ints := whole(case):
        args: dict[str, Any] = dict(first)
        for name, v in ints.items():
            data[f"{name}_whole"] = v
            args[name] = m.data(f"{name}_whole", event=v.shape, dtype=int)
        m.let("whole", case.build(args, *time).log_prob(x0))
    if not time:
        x2 = given("x2", np.stack([x[0], x[0, ::-1]], 1), [point], (2, *event))
        m.let("expanded", case.build(first).expand(2).log_prob(x2))
        if case.stackable:
            x3 = given("x3", np.moveaxis(x, 0, 1), [point], (SETTINGS, *event))
            m.let("stacked", case.build(case.stacked()).log_prob(x3))
    m.observe("y", d, dims=(setting, seen, *time))
    data["y"] = seen_points(case)
    return m, data


def seen_points(case: Case) -> np.ndarray:
    """A few mild points at each setting."""
    out = []
    for x, mild in zip(case.points(), case.mild(), strict=True):
        at = np.flatnonzero(mild)
        out.append(x[at[np.linspace(0, len(at) - 1, SEEN).astype(int)]])
    return np.stack(out)


def lets(p: BoundProgram, arrays: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The recorded values of a program without latents, in its own layout."""
    rest = p.arguments[1:]
    out: dict[str, Any] = p.program.constrain({}, {**p.arrays, **(arrays or {})}, *rest)
    return out


@dataclass
class Evaluation:
    """A case on one backend.

    Attributes:
        program: the bound program.
        values: what the model records, over (setting, point) or (point).
        trace: the PPL model's log-probabilities of y, over (setting, seen).
        total: the fused log-density.
    """

    program: BoundProgram
    values: dict[str, np.ndarray]
    trace: np.ndarray
    total: float


@lru_cache(maxsize=2)
def evaluate(case: Case, precision: str = "float64") -> dict[str, Evaluation]:
    """The case on both backends."""
    model, data = _declare(case)
    out = {}
    for name in BACKENDS:
        p = model.compile(name, precision=precision).bind(data)
        b = p.program.backend
        with b.precision(precision):
            raw = {k: b.numpy(v)[None] for k, v in lets(p).items()}
            values = {k: v[0] for k, v in restore(p.program.emitted, raw, p.bound.sizes).items()}
            trace = b.numpy(b.log_joint(p.program.model, {}, *p.arguments)["y"])
            total = float(b.numpy(p.program.log_density({}, *p.arguments)))
        out[name] = Evaluation(p, values, trace.reshape(SETTINGS, SEEN), total)
    return out


def gradients(case: Case, inside: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Gradients of sum(lp) with respect to x and the parameters, points outside `inside` replaced by one inside."""
    x, _ = points(case)
    keep = np.zeros(x.shape[:2], bool)
    keep[:, : inside.shape[1]] = inside
    for k in range(SETTINGS):
        x[k, ~keep[k]] = x[k, np.flatnonzero(keep[k])[0]]
    names = [n for n, v in case.stacked().items() if v.dtype.kind == "f" and not case.whole(n)]
    out = {}
    for backend, e in evaluate(case).items():
        b, p = e.program.program.backend, e.program
        with b.precision("float64"):
            layout = {i.name: i for i in p.program.emitted.inputs}
            at = {"x": b.array(layout["x"].into(x.astype(float) if case.discrete else x), "float64")}
            at = {} if case.discrete else at
            given = at | {n: p.arrays[n] for n in names}
            if case.discrete:
                fixed = {"x": b.array(layout["x"].into(x), "float64")}
            else:
                fixed = {}
            value_and_grad = _eager if backend == "numpyro" else b.value_and_grad
            _, grads = value_and_grad(lambda a: lets(p, fixed | a)["lp"].sum())(given)
            out[backend] = {k: b.numpy(g).reshape(SETTINGS, -1) for k, g in grads.items()}
    return out


def _eager(function: Any) -> Any:
    import jax

    return jax.value_and_grad(function)
