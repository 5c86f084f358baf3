"""What is computed from missing elements: refused where it counts, and without effect where it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.data import bind
from tests.predict.exact import fit_of

MASK, IMPUTE = gd.Missing.MASK, gd.Missing.IMPUTE
NAN = np.nan
Y1 = np.array([2.0, NAN, 4.0, 9.0])
Y2 = np.array([1.0, 2.0, 3.0, 5.0])
SEEN = np.array([True, False, True, True])
Build = Callable[[gd.Model, Any, Any, Any], object]


def _model(build: Build, missing: gd.Missing = MASK) -> gd.Model:
    m = gd.Model("m")
    row = m.plate("row")
    mu = m.latent("mu", gd.Normal(0, 1))
    build(m, row, mu, m.observe("y1", gd.Normal(mu, 1), dims=row, missing=missing))
    return m


def _data(m: gd.Model, y1: np.ndarray = Y1) -> dict[str, Any]:
    given = {"y1": y1, "y2": Y2, "seen": SEEN, "at": [0, 1, 1, 0], "k": [1, 0, 1, 1], "w": np.ones((4, 2))}
    return {k: v for k, v in given.items() if k in m.graph.inputs}


def _observe(of: Callable[[Any, Any], Any], **options: Any) -> Build:
    return lambda m, row, mu, a: m.observe("y2", gd.Normal(of(a, mu), 1), dims=row, **options)


def _lagged(m: gd.Model, row: Any, mu: Any, a: Any) -> None:
    late = row >= 1
    m.observe("late", gd.Normal(mu * gd.lag(a, 1, late), 1), value=a[late])


def _of_a_mean(m: gd.Model, row: Any, mu: Any, a: Any) -> None:
    _ = row
    m.observe("y2", gd.Normal(a.mean(dim="row") * mu, 1), dims=m.plate("other"))


def _gathered(m: gd.Model, row: Any, mu: Any, a: Any) -> None:
    at = m.data("at", dims=m.plate("other"), indexes=row)
    m.observe("y2", gd.Normal(a[at] * mu, 1), dims="other")


def _scanned(m: gd.Model, row: Any, mu: Any, a: Any) -> None:
    _, sums = gd.scan(lambda s, x: (s + mu * x, s + mu * x), 0.0, a, dim=row)
    m.observe("y2", gd.Normal(sums, 1), dims=row)


REFUSED: dict[str, tuple[Build, str]] = {
    "observation": (_observe(lambda a, mu: a * mu), "the observation 'y2'"),
    "value": (lambda m, row, mu, a: m.observe("y2", gd.Normal(mu, 1), value=a + 1), "the observation 'y2'"),
    "mask": (lambda m, row, mu, a: m.observe("y2", gd.Normal(mu, 1), dims=row, mask=a > 3), "the observation 'y2'"),
    "other_mask": (
        lambda m, row, mu, a: m.observe("y2", gd.Normal(a * mu, 1), dims=row, mask=m.data("k", dims=row) < 1),
        "the observation 'y2'",
    ),
    "prior": (lambda m, row, mu, a: m.latent("z", gd.Normal(a, 1), dims=row), "the distribution of 'z'"),
    "masked_prior": (
        lambda m, row, mu, a: m.latent("z", gd.Normal(a, 1).mask(m.data("seen", dims=row, dtype=bool)), dims=row),
        "the distribution of 'z'",
    ),
    "recorded": (lambda m, row, mu, a: m.let("r", a + mu), "the recorded value 'r'"),
    "factor": (lambda m, row, mu, a: m.factor("f", -a * mu**2), "the factor 'f'"),
    "lag": (_lagged, "the observation 'late'"),
    "mean": (_of_a_mean, "the observation 'y2'"),
    "gather": (_gathered, "the observation 'y2'"),
    "scan": (_scanned, "the observation 'y2'"),
    "imputed_reader": (_observe(lambda a, mu: a * mu, missing=IMPUTE), "the observation 'y2'"),
    "event": (
        lambda m, row, mu, a: m.observe("w", gd.Normal(gd.stack([a, a * 2]) * mu, 1), dims=row),
        "the observation 'w'",
    ),
    "some": (_observe(lambda a, mu: gd.where(a > 3, mu, 2 * mu)), "the observation 'y2'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_counts_is_refused(name: str) -> None:
    build, words = REFUSED[name]
    m = _model(build)
    data = _data(m)
    if name == "imputed_reader":
        data["y2"] = np.array([1.0, NAN, 3.0, 5.0])
    with pytest.raises(gd.DataError, match="node 'y1'") as e:
        bind(m.graph, data)
    assert f"{words} is computed from 'y1', of which elements are missing" in str(e.value)
    assert "1 of 4 missing" in str(e.value)
    bind(m.graph, {**data, "y1": np.array([2.0, 1.0, 4.0, 9.0])})  # nothing is missing


# -- what does not count ----------------------------------------------------------------------------------------------
def _seen(m: gd.Model, row: Any) -> Any:
    return m.data("seen", dims=row, dtype=bool)


ALLOWED: dict[str, Build] = {
    "mask": lambda m, row, mu, a: m.observe("y2", gd.Normal(a * mu, 1), dims=row, mask=_seen(m, row)),
    "masked": lambda m, row, mu, a: m.observe("y2", gd.Normal(a * mu, 1).mask(_seen(m, row)), dims=row),
    "missing_too": _observe(lambda a, mu: gd.exp(a * mu), missing=MASK),
    "both": lambda m, row, mu, a: m.observe("y2", gd.Normal(a, 1 + mu**2), dims=row, mask=a > 0, missing=MASK),
    "value": lambda m, row, mu, a: m.observe("y2", gd.Normal(mu, 1), value=2 * a, mask=_seen(m, row)),
    "chosen": lambda m, row, mu, a: (
        seen := _seen(m, row),
        m.observe("y2", gd.Normal(gd.where(seen, a, 0.0) * mu, 1), dims=row, mask=seen),
    ),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_does_not_count_has_no_effect(name: str, backend: str) -> None:
    """The density is that of the complete rows, in any order."""
    m = _model(ALLOWED[name])
    data = _data(m)
    if name in ("missing_too", "both"):
        data["y2"] = np.array([1.0, NAN, 3.0, 5.0])
    orders = [[0, 1, 2, 3], [3, 1, 2, 0], [1, 0, 2, 3], [0, 2, 3]]
    program = m.compile(backend)
    found = []
    for order in orders:
        bound = program.bind({k: np.asarray(v)[order] for k, v in data.items()})
        b = bound.program.backend
        with b.context("float64"):
            u = {"mu": b.array(np.asarray(0.3), "float64")}
            value, gradient = b.value_and_grad(bound.log_density)(u)
            found.append((float(value), float(gradient["mu"])))
    np.testing.assert_allclose(found, [found[-1]] * 4, rtol=1e-12)


def test_a_choice_among_what_is_there_counts() -> None:
    m = _model(lambda m, row, mu, a: m.observe("y2", gd.Normal(gd.where(_seen(m, row), a, 0.0) * mu, 1), dims=row))
    bind(m.graph, _data(m))
    with pytest.raises(gd.DataError, match="the observation 'y2' is computed from 'y1'"):
        bind(m.graph, {**_data(m), "seen": SEEN[::-1]})


def test_several_missing_and_imputed_observations() -> None:
    """What is imputed may be read; the first observation that has a reader is named."""
    m = gd.Model("m")
    row = m.plate("row")
    mu = m.latent("mu", gd.Normal(0, 1))
    a = m.observe("a", gd.Normal(mu, 1), dims=row, missing=IMPUTE)
    b = m.observe("b", gd.Normal(a, 1), dims=row, missing=MASK)
    m.observe("c", gd.Normal(a, 1), dims=row)
    data = {"a": Y1, "b": [1.0, 2.0, NAN, NAN], "c": Y2}
    bind(m.graph, data)
    m.let("r", b * 2)
    with pytest.raises(gd.DataError, match="node 'b'.*the recorded value 'r'.*\n.*2 of 4 missing"):
        bind(m.graph, data)


# -- forward ----------------------------------------------------------------------------------------------------------
def test_predictions_from_missing_elements(backend: str) -> None:
    """Drawn together, y2 follows the drawn y1; alone, it would follow what stands in for it."""
    m = _model(_observe(lambda a, mu: a * 10, missing=MASK))
    data = {"y1": Y1, "y2": np.array([1.0, NAN, 3.0, 5.0])}
    fit = fit_of(m, data, backend, {"mu": np.zeros((1, 200))})
    out = fit.sample()
    assert np.abs(out["y2"] - 10 * out["y1"]).max() < 6
    with pytest.raises(gd.DataError, match="'y2' is computed from 'y1'") as e:
        fit.sample(names=["y2"])
    assert 'names=["y2", "y1"] draws it too' in str(e.value)
    with pytest.raises(gd.DataError, match="'y2' is computed from 'y1'") as e:
        fit.sample({"y1": [1.0, NAN]}, names=["y2"])
    assert "leave 'y1' out of the data so that it is drawn" in str(e.value)
    assert fit.sample({"y1": [1.0, 2.0]}, names=["y2"])["y2"].shape == (1, 200, 2)
    assert fit.sample(names=["y1"])["y1"].shape == (1, 200, 4)
    assert np.isfinite(fit.log_prob(data).value)


def test_what_a_guide_reads_of_missing_elements_does_not_depend_on_their_order() -> None:
    """The middle of the elements that are there stands in for the others, row by row of any event."""
    from gendsl.data.missing import fill
    from gendsl.graph.constraints import real

    rng = np.random.default_rng(0)
    for event in ((), (2,)):
        x = rng.normal(size=(7, *event))
        x[:, ...] = np.round(x, 1)
        missing = np.array([False, True, False, False, True, False, False])
        order = rng.permutation(7)
        whole = fill(x, missing, real)
        np.testing.assert_array_equal(fill(x[order], missing[order], real), whole[order])
        np.testing.assert_array_equal(whole[~missing], x[~missing])
        first = np.sort(x[~missing].reshape(5, -1)[:, 0])
        assert (whole[missing].reshape(2, -1)[:, 0] == first[2]).all()


def test_an_autoregression_whose_mask_leaves_out_what_reads_missing_elements(backend: str) -> None:
    """It has the density of the terms that are left, and without the mask it is refused."""

    def model(masked: bool) -> gd.Model:
        m = gd.Model("ar")
        t = m.plate("t")
        late = t >= 1
        phi, ok = m.latent("phi", gd.Normal(0, 1)), m.data("ok", dims=t, dtype=bool)
        y = m.observe("y", gd.Normal(0, 10), dims=t, missing=MASK)
        mask = ok[late] if masked else None
        m.observe("late", gd.Normal(phi * gd.lag(y, 1, late), 1), value=y[late], mask=mask)
        return m

    y = np.array([1.0, 2.0, NAN, 3.0, 4.0])
    data = {"y": y, "ok": [True, True, False, False, True]}
    bound = model(True).compile(backend).bind(data)
    found = []
    for phi in (0.3, -0.5):
        terms = -0.5 * (y[[1, 4]] - phi * y[[0, 3]]) ** 2
        with bound.program.context():
            at = {"phi": bound.program.backend.array(np.array(phi), "float64")}
            found.append(float(bound.program.backend.numpy(bound.log_density(at))) - terms.sum() + 0.5 * phi**2)
    assert found[0] == pytest.approx(found[1], rel=1e-12)
    for masked, gone in ((False, ()), (True, (2,)), (True, (3,))):  # the element itself, and the one that follows it
        ok = [k not in gone for k in range(5)]
        with pytest.raises(gd.DataError, match="'late' is computed from 'y', of which elements are missing"):
            model(masked).compile(backend).bind({"y": y, "ok": ok})
