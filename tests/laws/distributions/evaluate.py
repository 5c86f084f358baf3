"""A case's model, compiled and evaluated on both backends.

One model holds every way in which a distribution can stand in a graph:

    lp        log_prob at data x over (point, setting), parameters data over `setting`
    constant  the same at the first setting, parameters constants
    whole     the same, parameters that are whole numbers given as integer data
    expanded  three copies by `.expand(3)`, summed
    stacked   all settings along an event axis, summed
    y         an observation of the points inside, parameters data

Points inside come first, then those outside. Univariate cases are padded to one shape, because jax compiles each
operation once for each shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import numpy as np

import gendsl as gd
from gendsl.emit.layout import restore
from gendsl.program import BoundProgram
from tests.laws.distributions.case import POINTS, SETTINGS, Case, Many

__all__ = [
    "BACKENDS",
    "MILD",
    "Evaluation",
    "evaluate",
    "gradients",
    "lets",
    "parameters",
    "points",
    "singles",
    "whole",
]

BACKENDS = ("pyro", "numpyro")
MILD = 10.0  # depth of points that are neither very near a boundary nor very far out


def points(case: Case) -> tuple[np.ndarray, int]:
    """All points (point, setting, *event), and how many of them are inside."""
    inside, outside = case.points(), case.outside()
    x = np.concatenate([inside, outside], 1)
    if not isinstance(case, Many):
        x = np.concatenate([x, np.repeat(inside[:, :1], POINTS - x.shape[1], 1)], 1)
    return np.moveaxis(x, 1, 0), inside.shape[1]


def within(case: Case, depth: float = np.inf) -> np.ndarray:
    """The points, those outside or deeper than `depth` replaced by one that is not."""
    x, inside = points(case)
    keep = np.zeros(x.shape[:2], bool)
    keep[:inside] = depth > case.depth().T
    for k in range(SETTINGS):
        x[~keep[:, k], k] = x[np.flatnonzero(keep[:, k])[0], k]
    return x


def parameters(m: gd.Model, case: Case, plate: gd.Plate) -> dict[str, Any]:
    """The parameters as data over a plate."""
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
    point, setting = m.plate("point", x.shape[0]), m.plate("setting", SETTINGS)
    time = [m.plate("time", case.time)] if case.time else []
    own = event[len(time) :]
    params = parameters(m, case, setting)
    data = case.stacked()

    def given(name: str, value: np.ndarray, dims: list[gd.Plate], shape: tuple[int, ...]) -> Any:
        data[name] = value
        return m.data(name, dims=tuple(dims), event=shape, dtype=kind)

    d = case.build(params, *time)
    m.let("lp", d.log_prob(given("x", x, [point, setting, *time], own)))
    first = case.setting(0)
    x0 = given("x0", x[:, 0], [point, *time], own)
    m.let("constant", case.build(first, *time).log_prob(x0))
    if ints := whole(case):
        args: dict[str, Any] = dict(first)
        for name, v in ints.items():
            data[f"{name}_whole"] = v
            args[name] = m.data(f"{name}_whole", event=v.shape, dtype=int)
        m.let("whole", case.build(args, *time).log_prob(x0))
    if not time:
        copies = np.stack([x[:, 0], x[::-1, 0], x[:, 0]], 1)
        expanded = given("x_expanded", copies, [point], (3, *event))
        m.let("expanded", case.build(first).expand(3).log_prob(expanded))
        if case.stackable:
            m.let("stacked", case.build(case.stacked()).log_prob(given("x_stacked", x, [point], x.shape[1:])))
    m.observe("y", d, dims=(point, setting, *time))
    data["y"] = within(case)
    return m, data


def lets(p: BoundProgram, arrays: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The recorded values of a program without latents, in its own layout."""
    out: dict[str, Any] = p.program.constrain({}, {**p.arrays, **(arrays or {})})
    return out


def run(case: Case, p: BoundProgram, function: Callable[[], Any]) -> Any:
    """The result of a function without arguments; jax compiles it whole where operations are costly one by one."""
    return jax.jit(function)() if p.program.backend.name == "numpyro" and isinstance(case, Many) else function()


@dataclass
class Evaluation:
    """A case on one backend.

    Attributes:
        program: the bound program.
        values: what the model records, over (point, setting) or (point).
        trace: the PPL model's log-probabilities of y, over (point, setting).
        total: the fused log-density.
    """

    program: BoundProgram
    values: dict[str, np.ndarray]
    trace: np.ndarray
    total: float


@lru_cache(maxsize=1)
def evaluate(case: Case) -> dict[str, Evaluation]:
    """The case on both backends."""
    model, data = _declare(case)
    return {name: _evaluation(case, model.compile(name).bind(data)) for name in BACKENDS}


def _evaluation(case: Case, p: BoundProgram) -> Evaluation:
    b = p.program.backend
    with b.context("float64"):
        raw = {k: b.numpy(v)[None] for k, v in run(case, p, lambda: lets(p)).items()}
        total = run(case, p, lambda: p.program.log_density({}, *p.arguments))
        values = {k: v[0] for k, v in restore(p.program.emitted, raw, p.bound.sizes).items()}
        dims = next(o.dims for o in p.program.emitted.outputs if o.name == "lp")
        values["lp"] = values["lp"] if dims[0] == "point" else values["lp"].T
        return Evaluation(p, values, trace(case, p, "y"), float(b.numpy(total)))


def trace(case: Case, p: BoundProgram, site: str) -> np.ndarray:
    """The PPL model's log-probabilities of a site over (point, setting)."""
    b, slots = p.program.backend, p.program.emitted.slots
    lp = b.numpy(run(case, p, lambda: b.log_joint(p.program.model, {}, *p.arguments)[site]))
    lp = np.moveaxis(lp, (slots["point"], slots["setting"]), (0, 1))
    return lp.reshape(lp.shape[:2])


def singles(case: Case, depth: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """log p in float64 (Pyro's) and by float32 programs, at points that are not deep: (point, setting)."""
    x = within(case, depth)
    m = gd.Model("law")
    point, setting = m.plate("point", x.shape[0]), m.plate("setting", SETTINGS)
    time = [m.plate("time", case.time)] if case.time else []
    d = case.build(parameters(m, case, setting), *time)
    m.observe("x", d, dims=(point, setting, *time))
    data = {**case.stacked(), "x": x}
    out = {}
    for name, precision in (("pyro", "float64"), ("pyro", "float32"), ("numpyro", "float32")):
        p = m.compile(name, precision=precision).bind(data)
        with p.program.backend.context(precision):
            out[f"{name} {precision}"] = trace(case, p, "x")
    return out.pop("pyro float64"), out


def gradients(case: Case) -> dict[str, dict[str, np.ndarray]]:
    """Gradients of sum(lp) with respect to x and the parameters, at the mild points."""
    x = within(case, MILD)
    return {name: _gradients(case, e.program, x) for name, e in evaluate(case).items()}


def _gradients(case: Case, p: BoundProgram, x: np.ndarray) -> dict[str, np.ndarray]:
    b = p.program.backend
    names = [n for n, v in case.stacked().items() if v.dtype.kind == "f" and not case.whole(n)]
    layout = next(i for i in p.program.emitted.inputs if i.name == "x")
    with b.context("float64"):
        at = {"x": b.array(layout.into(x), "float64")}
        given = {n: p.arrays[n] for n in names} | ({} if case.discrete else at)
        both = jax.value_and_grad if b.name == "numpyro" else b.value_and_grad
        _, grads = run(case, p, lambda: both(lambda a: lets(p, {**at, **a})["lp"].sum())(given))
        return {k: b.numpy(g) for k, g in grads.items()}
