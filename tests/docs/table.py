"""README's table, family x objective x method x backend: written from what matches capabilities to needs.

A column is a family, of which there are two small models: `x`, that observes it over a plate, and `z`, whose latent has
it as a prior. A cell names those to which an objective or method applies, by `applying`, which `model.explain()` shows,
and whose program compiles on a backend; and that backend, where the other one lacks it. Bold is what `gd.Train()`
trains for where none is declared.

    python -m tests.docs.table          writes it into README.md
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import gendsl as gd
from gendsl.objectives.choose import applying, default_objective
from gendsl.passes.report import rows

__all__ = ["BACKENDS", "README", "applies", "cells", "data", "model", "table"]

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- make table writes this -->\n", "<!-- until here -->\n"
BACKENDS = ("pyro", "numpyro")
H = (4,)
ROWS = 6

Family = Callable[[gd.Model], gd.Distribution]
"""A family's distribution, given the model that it stands in."""


SHORT: dict[str, Any] = {"flow": gd.ProbabilityFlow(steps=2), "sampler": gd.sampler.DPMSolver(steps=2)}


def _normal(m: gd.Model) -> gd.Distribution:
    return gd.Normal(0, m.param("scale", 1.0, constraint=gd.positive)).expand(2)


def _mixture(m: gd.Model) -> gd.Distribution:
    return gd.Mixture(np.array([0.5, 0.5]), [_base(), gd.Normal(m.param("loc", 0.5), 2.0).expand(2)])


def _base() -> gd.Distribution:
    return gd.Normal(0, 1).expand(2)


FAMILIES: dict[str, Family] = {
    "parametric": _normal,
    "`Mixture`": _mixture,
    "`Flow`": lambda m: gd.Flow(_base(), gd.flows.nsf(2, bins=4, hidden=H)),
    "`Autoregressive`": lambda m: gd.Autoregressive(2, hidden=H),
    "`Energy`": lambda m: gd.Energy(gd.MLP(1, hidden=H), 2, spread=3.0),
    "`Pushforward`": lambda m: gd.Pushforward(_base(), gd.MLP(2, hidden=H)),
    "`Diffusion`": lambda m: gd.Diffusion(gd.VP(), network=gd.MLP(2, hidden=H), event=2, **SHORT),
}
"""Columns. Parametric is every family that is none of the others; the law tests have a case for each of them."""


def model(family: str, place: str) -> gd.Model:
    """A family where it is observed, "x", or the prior of a latent, "z"."""
    m = gd.Model("tiny")
    row = m.plate("row")
    if place == "x":
        m.observe("x", FAMILIES[family](m), dims=row)
        return m
    known = {"parametric": _base, "`Mixture`": lambda: gd.Mixture(np.array([0.5, 0.5]), [_base(), _base()])}
    z = m.latent("z", known[family]() if family in known else FAMILIES[family](m))
    m.observe("x", gd.Normal(z, 1.0), dims=row)
    return m


def data() -> dict[str, Any]:
    """Rows of two numbers."""
    return {"x": np.random.default_rng(0).normal(size=(ROWS, 2))}


def applies(family: str, place: str, backend: str) -> tuple[str, ...]:
    """The objectives, as Train(...), and methods that apply."""
    m = model(family, place)
    try:
        m.compile(backend)
    except gd.CompileError:
        return ()
    return tuple(name for name, _, why in applying(m.graph) if not why)


def cells() -> dict[tuple[str, str], list[tuple[str, str]]]:
    """(objective or method, family) -> the places and backends where it applies."""
    out: dict[tuple[str, str], list[tuple[str, str]]] = {
        (name, f): [] for name, _, _ in applying(model("parametric", "x").graph) for f in FAMILIES
    }
    for f in FAMILIES:
        for place in "xz":
            for b in BACKENDS:
                for name in applies(f, place, b):
                    out[name, f].append((place, b))
    return out


def table() -> str:
    """The table as markdown."""
    found = cells()
    lines = ["| | " + " | ".join(FAMILIES) + " |", "|---" * (len(FAMILIES) + 1) + "|"]
    offers = {f: next(r.capabilities for r in rows(model(f, "x").graph) if r.kind == "observe") for f in FAMILIES}
    lines.append("| offers | " + " | ".join(", ".join(offers[f]) for f in FAMILIES) + " |")
    for name in dict.fromkeys(n for n, _ in found):
        short = name.removeprefix("Train(").removesuffix(")")
        lines.append(f"| `{short}` | " + " | ".join(_cell(short, f, found[name, f]) for f in FAMILIES) + " |")
    return "\n".join(lines) + "\n"


def _cell(name: str, family: str, found: list[tuple[str, str]]) -> str:
    words = []
    for place in dict.fromkeys(p for p, _ in found):
        on = [b for p, b in found if p == place]
        letter = f"**{place}**" if name == _default(family, place) else place
        words.append(letter if len(on) == len(BACKENDS) else f"{letter} ({', '.join(on)})")
    return ", ".join(words)


def _default(family: str, place: str) -> str:
    try:
        return type(default_objective(model(family, place).graph)).__name__
    except gd.FitError:
        return ""


def main() -> None:
    """Write the table into the README."""
    before, _, rest = README.read_text().partition(BEGIN)
    README.write_text(before + BEGIN + table() + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
