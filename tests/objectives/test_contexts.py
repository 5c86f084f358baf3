"""The contexts of rows: laid over what is observed, as batches have it, and as numpy has it after training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.objectives.contexts import context_values, contexts_of
from gendsl.objectives.observed import observed
from gendsl.objectives.parameters import parameters_of
from gendsl.objectives.setting import Setting

RNG = np.random.default_rng(4)
NET = gd.MLP(1, hidden=(3,))
LABEL, SIDE, PAIR = RNG.normal(size=(6, 3)), RNG.normal(size=(4, 3)), RNG.normal(size=(6, 2, 3))
Built = tuple[gd.Model, dict[str, Any], np.ndarray]


def plain() -> Built:
    """Data of the rows themselves, and a parameter."""
    m = gd.Model("plain")
    row = m.plate("row")
    label = m.data("label", dims=row, event=3) * m.param("scale", 2.0, constraint=gd.positive)
    m.observe("x", gd.Energy(NET, 3, context=label), dims=row)
    return m, {"label": LABEL}, 2 * LABEL


def crossed() -> Built:
    """Over two plates, which the observation has in the other order, in copies, and with two event axes."""
    m = gd.Model("crossed")
    row, part = m.plate("row"), m.plate("part")
    both = m.data("label", dims=row, event=3) + m.data("side", dims=part, event=3)
    m.observe("x", gd.Energy(NET, (1, 3), context=both).expand(2), dims=(part, row))
    wanted = (LABEL + SIDE[:, None])[:, :, None, None]
    return m, {"label": LABEL, "side": SIDE}, np.broadcast_to(wanted, (4, 6, 2, 1, 3))


def partial() -> Built:
    """Over one of two plates, with an axis of copies of its own under another from .expand."""
    m = gd.Model("partial")
    row, part = m.plate("row"), m.plate("part")
    pair = m.data("pair", dims=row, event=(2, 3))
    m.observe("x", gd.Energy(NET, 3, context=pair).expand(5), dims=(row, part))
    return m, {"pair": PAIR}, np.broadcast_to(PAIR[:, None, None], (6, 4, 5, 2, 3))


def fixed() -> Built:
    """Constants, more numbers than stand in a program, of integers."""
    m = gd.Model("fixed")
    table = np.arange(24).reshape(8, 3)
    m.observe("x", gd.Energy(NET, 3, context=table), dims=m.plate("row"))
    return m, {}, np.broadcast_to(table, (6, 8, 3))


MODELS = {f.__name__: f for f in (plain, crossed, partial, fixed)}


@pytest.mark.parametrize("name", MODELS)
def test_each_row_has_its_own(name: str, backend: str) -> None:
    """Rows that are their contexts: both come out of a batch alike, and of the fit's data."""
    m, data, wanted = MODELS[name]()
    data = data | {"x": wanted}
    setting = Setting.of(m.graph, data, backend, batched=m.plates.keys() == {"row"})
    bound, contexts = setting.program(), contexts_of(setting)
    rows, by_row, whole = setting.laid({"model": bound} | contexts.programs)
    parameters, at = parameters_of(bound), observed(m.graph)
    assert at.context == 3
    for some in (slice(None), [3, 0], slice(1, 2)):
        b = setting.backend
        with setting.context():
            batch = {k: b.array(v[some], "float64") for k, v in by_row.items()}
            batch |= {k: b.array(v, "float64") for k, v in whole.items()}
            free = {k: b.array(v, "float64") for k, v in parameters.initial(0).items()}
            theta = parameters.constrained(b.ops, free)
            x = b.numpy(at.rows(b.ops, rows, batch))
            found = b.numpy(contexts.rows(b.ops, theta, rows, batch)["x"])
        assert len(np.unique(x.round(9), axis=0)) > 1 or some == slice(1, 2)
        np.testing.assert_allclose(found, x.reshape(-1, 3), rtol=1e-12)
    values = context_values(bound, ["x"], {"scale": np.array(2.0)})["x"]
    lead = wanted.shape[: wanted.ndim - len(at.event)]
    np.testing.assert_allclose(np.broadcast_to(values, (*lead, 3)), wanted.reshape(*lead, 3), rtol=1e-12)


def test_a_model_without_contexts_has_no_such_program(backend: str) -> None:
    m = gd.Model("none")
    m.observe("x", gd.Energy(NET, 3), dims=m.plate("row"))
    setting = Setting.of(m.graph, {"x": LABEL}, backend, batched=True)
    contexts = contexts_of(setting)
    assert contexts.programs == context_values(setting.program(), ["x"], {}) == {}
    made = gd.SlicedScoreMatching().bind(setting)
    assert set(made.programs) == {"model"}
    assert set(made.rows) == {"x"}


def test_what_a_context_is_made_of_is_learnt_and_the_rest_refused() -> None:
    m = gd.Model("made")
    row = m.plate("row")
    label = m.data("label", dims=row, event=3)
    seen = m.network("seen", gd.MLP(2))(label) + m.param("shift", np.zeros(2))
    m.observe("x", gd.Energy(NET, 2, context=seen), dims=row)
    assert not gd.SlicedScoreMatching().refusals(m.graph)
    m.let("beside", m.network("other", gd.MLP(2))(label))
    [refusal] = gd.SlicedScoreMatching().refusals(m.graph)
    assert refusal.node == "other"
    assert refusal.problem == "no energy depends on 'other', so gd.SlicedScoreMatching does not learn it"
