"""README's table of what applies to what is the generated one, and every cell of it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest

import gendsl as gd
from gendsl.graph.families import FAMILIES as KNOWN
from gendsl.objectives import OBJECTIVES
from tests.docs.table import BACKENDS, BEGIN, END, FAMILIES, README, data, model, table

TEXT = README.read_text().partition(BEGIN)[2].partition(END)[0]


def printed() -> Iterator[tuple[str, str, str, str]]:
    """Objective or method, family, place and backend of every cell."""
    lines = [[c.strip() for c in line.strip("|").split("|")] for line in TEXT.splitlines()]
    for name, *found in lines[3:]:
        for family, cell in zip(lines[0][1:], found, strict=True):
            for place, only in re.findall(r"\*{0,2}([xz])\*{0,2}(?: \(([a-z, ]+)\))?", cell):
                for backend in only.split(", ") if only else BACKENDS:
                    yield name.strip("`"), family, place, backend


CELLS = list(printed())
SHORT = {k.__name__: k(chains=1, warmup=20, draws=10) for k in (gd.NUTS, gd.HMC, gd.MALA, gd.ULA)}


def test_the_table_is_what_the_registries_say() -> None:
    assert table() == TEXT, "make table writes it anew"


def test_the_table_has_every_learned_family_and_every_objective() -> None:
    learned = {f for f, entry in KNOWN.items() if any(p.name == "spec" for p in entry.params)}
    assert learned <= {f.strip("`") for f in FAMILIES}
    assert set(OBJECTIVES) <= {name for name, *_ in CELLS}, "an objective that applies to nothing"


@pytest.mark.parametrize(("name", "family", "place", "backend"), CELLS)
def test_what_applies_runs(name: str, family: str, place: str, backend: str) -> None:
    m = model(family, place)
    if name in OBJECTIVES:
        m.objective(OBJECTIVES[name].usual())
        fit = m.fit(data(), gd.Train(steps=2), backend=backend, progress=False)
        assert all(np.isfinite(v).all() for v in fit.params.values())
        start = fit.made.game.initial_params(fit.seed)
        assert all(np.any(fit.raw.params[k] != v) for k, v in start.items() if np.size(v))
    else:
        drawn = m.fit(data(), SHORT[name], backend=backend, progress=False).draws["z"]
        assert drawn.shape == (1, 10, 2)
        assert np.isfinite(drawn).all()
