"""Densities: the backends agree, an independent formula agrees, the whole has mass 1, outside is -inf.

"Inside" reaches from 1e-14 of a boundary to 1e15 widths out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from gendsl.graph.constraints import Simplex
from gendsl.graph.families import FAMILIES
from tests.laws.distributions.case import Case, Counted, Many, One, rows
from tests.laws.distributions.cases import CASES, ELSEWHERE
from tests.laws.distributions.evaluate import BACKENDS, MILD, Evaluation, evaluate, gradients, points, singles


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    out: Case = request.param
    return out


@pytest.fixture(scope="module")
def law(case: Case) -> Iterator[dict[str, Evaluation]]:
    yield evaluate(case)
    evaluate.cache_clear()


def gap(a: np.ndarray, b: np.ndarray) -> float:
    """The largest |a - b| / (1 + |b|); equal infinities differ by nothing, a NaN by infinity."""
    with np.errstate(invalid="ignore", over="ignore"):
        out = np.where(a == b, 0.0, np.abs(a - b) / (1 + np.abs(b)))
    return float(np.where(np.isnan(out), np.inf, out).max(initial=0.0))


def test_every_family_has_a_case() -> None:
    assert {c.family for c in CASES} | set(ELSEWHERE) == set(FAMILIES)


def test_backends_agree(case: Case, law: dict[str, Evaluation]) -> None:
    """Inside, near the boundary, far out and outside; in every way a distribution can stand in a graph."""
    ours, theirs = law["pyro"].values, law["numpyro"].values
    assert {"lp", "constant"} <= ours.keys()
    for name, value in ours.items():
        assert gap(value, theirs[name]) <= case.tolerance, name


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_form_is_the_same_density(case: Case, law: dict[str, Evaluation], backend: str) -> None:
    """Constants, integers, copies, event axes and observations give what parameters over a plate give."""
    e = law[backend]
    lp, inside = e.values["lp"], case.points().shape[1]
    first = lp[:, 0]
    wanted = {"constant": first, "whole": first, "expanded": 2 * first + first[::-1], "stacked": lp.sum(1)}
    for name in e.values.keys() - {"lp"}:
        assert gap(e.values[name], wanted[name]) <= 1e-9, name
    assert gap(e.trace[:inside], lp[:inside]) <= 1e-9
    assert gap(np.array(e.total), e.trace.sum()) <= 1e-9


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_independent_formula_agrees(case: Case, law: dict[str, Evaluation], backend: str) -> None:
    assert case.oracle is not None
    x, inside = points(case)
    lp = law[backend].values["lp"]
    for k, (p, mild) in enumerate(zip(rows(case), case.depth() < MILD, strict=True)):
        oracle = case.oracle(p)
        density = oracle.logpdf if hasattr(oracle, "logpdf") and not case.discrete else oracle.logpmf
        with np.errstate(all="ignore"):
            wanted = np.asarray(density(x[:inside, k]))
        assert gap(lp[:inside, k][mild], wanted[mild]) <= case.oracle_tolerance, f"setting {k}"


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_whole_has_mass_one(case: Case, law: dict[str, Evaluation], backend: str) -> None:
    if not isinstance(case, One | Counted) or case.family == "Masked":
        return  # vectors: by their formula, and by their draws
    inside = case.points().shape[1]
    with np.errstate(over="ignore"):
        density = np.exp(law[backend].values["lp"][:inside].T)
    total = (density * case.weights()).sum(1)
    np.testing.assert_allclose(total, 1.0, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_outside_is_minus_infinity(case: Case, law: dict[str, Evaluation], backend: str) -> None:
    """Where support is an interval or a range of integers.

    Angles count modulo 2 pi: the density goes on periodically. Vectors and matrices are not checked by the programs
    (a simplex is a thin set, definiteness costs a factorisation): data are checked before, and an expression outside
    gets what the engine gives.
    """
    outside = case.outside().shape[1]
    inside = case.points().shape[1]
    lp = law[backend].values["lp"][inside : inside + outside]
    if case.family == "VonMises":
        x = points(case)[0][inside : inside + outside]
        turned = np.array([case.oracle(p).logpdf(x[:, k]) for k, p in enumerate(rows(case))]).T  # type: ignore[misc]
        assert gap(lp, turned) <= 1e-9
    else:
        assert (lp == -np.inf).all()


def test_gradients_are_finite_and_agree(case: Case, law: dict[str, Evaluation]) -> None:
    """With respect to the value and to every parameter, within what its constraint leaves free."""
    grads = gradients(case)
    assert grads["pyro"].keys() == grads["numpyro"].keys()
    for name, a in grads["pyro"].items():
        b = grads["numpyro"][name]
        assert np.isfinite(a).all(), name
        assert np.isfinite(b).all(), name
        assert gap(free(case, name, a), free(case, name, b)) <= case.gradient_tolerance, name


def free(case: Case, name: str, grad: np.ndarray) -> np.ndarray:
    """The part of a gradient that its constraint leaves free: along the simplex, symmetric, or lower triangular."""
    symmetric = name in ("covariance_matrix", "precision_matrix")
    triangular = name == "scale_tril"
    if name == "x" and isinstance(case, Many):
        symmetric, triangular = case.family in ("LKJ", "Wishart"), case.family == "LKJCholesky"
    if symmetric:
        return grad + np.swapaxes(grad, -1, -2)
    if triangular:
        return np.tril(grad)
    named = [q for q in FAMILIES[case.family].params if q.name == name]
    if name in ("weights", "transition") or any(isinstance(q.constraint, Simplex) for q in named):
        out: np.ndarray = grad - grad.mean(-1, keepdims=True)
        return out
    return grad


def test_single_precision(case: Case) -> None:
    """A float32 program computes in float32, and agrees to 1e-4 where points are not deep in a corner or tail."""
    double, found = singles(case, depth=4.0)
    for name, single in found.items():
        assert single.dtype == np.float32, name
        assert gap(single, double) <= case.single_tolerance, name
