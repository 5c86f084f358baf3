"""Recorded densities: the same numbers as autograd's, or none."""

from __future__ import annotations

from collections.abc import Callable

import pyro
import pytest
import torch
from torch import Tensor

from gendsl_pyro.straight import straighten, value_and_grad
from tests.fit.models import SCHOOLS, X, Y, regression, schools

POINTS = [torch.tensor(p, dtype=torch.float64) for p in ([0.3, -1.2, 0.8, 0.1], [-0.5, 0.4, 1.5, -1.0])]
ELSEWHERE = torch.tensor([1.1, 0.2, -0.6, 0.9], dtype=torch.float64)
A = torch.tensor([[2.0, 0.3, 0.1, 0.0], [0.3, 1.5, 0.2, 0.1], [0.1, 0.2, 1.0, 0.4], [0.0, 0.1, 0.4, 3.0]]).double()


def _in_place(q: Tensor) -> Tensor:
    x = q * 2.0
    y = x.sum()
    x[1:3] = q[:2] ** 2
    return (x.exp() * y).sum()


def _loop(q: Tensor) -> Tensor:
    x, out = q[0], q.new_zeros(())
    for k in range(20):
        x = 0.5 * x + torch.tanh(q[k % 4])
        out = out + x**2
    return out


RECORDED: dict[str, Callable[[Tensor], Tensor]] = {
    "elementwise": lambda q: (q.exp() * torch.sin(q) + q**2 / 3 + torch.where(q > 0, q, -q.log1p() * 0.0)).nansum(),
    "special functions": lambda q: (torch.lgamma(q.exp()) + torch.erf(q) + torch.digamma(q.exp())).sum(),
    "shapes": lambda q: (q.view(2, 2).T @ q.view(2, 2)).logsumexp(-1).sum() + torch.cat([q, q[:1]]).cumsum(0)[-1],
    "gather": lambda q: q[torch.tensor([0, 0, 3, 1, 2, 2])].prod(),
    "factorisation": lambda q: torch.linalg.cholesky(A + torch.diag(q.exp())).diagonal().log().sum(),
    "in place": _in_place,
    "loop": _loop,
    "distributions": lambda q: torch.distributions.StudentT(
        q.exp()[0] + 1, q[1], q.exp()[2], validate_args=False
    ).log_prob(q[3]),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_functions_equal_autograd_elsewhere(name: str) -> None:
    f = RECORDED[name]
    with pyro.validation_enabled(False):  # as in a run
        run = straighten(f, POINTS)
    assert run is not None
    expected = value_and_grad(f)(ELSEWHERE)
    for _ in range(2):
        with torch.no_grad():
            got = run(ELSEWHERE)
        assert all(torch.allclose(a, b, rtol=1e-13, atol=1e-13) for a, b in zip(expected, got, strict=True))


def _branch(q: Tensor) -> Tensor:
    return (q**2).sum() if q[0] > 0 else q.sum()


def _until(q: Tensor) -> Tensor:
    while float(q.norm()) > 0.1:
        q = q / 2
    return q.sum()


def _counter() -> Callable[[Tensor], Tensor]:
    calls = [0.0]

    def f(q: Tensor) -> Tensor:
        calls[0] += 1.0
        return (q * calls[0]).sum()

    return f


@pytest.mark.parametrize("f", [_branch, _until, _counter(), lambda q: torch.zeros(())])
def test_what_cannot_be_recorded_is_left_alone(f: Callable[[Tensor], Tensor]) -> None:
    assert straighten(f, POINTS) is None


def test_a_singular_matrix_still_raises() -> None:
    def f(q: Tensor) -> Tensor:
        return torch.linalg.cholesky(A * q[0]).diagonal().log().sum() + q.sum()

    run = straighten(f, [POINTS[0], ELSEWHERE])
    assert run is not None
    with pytest.raises(torch.linalg.LinAlgError), torch.no_grad():
        run(POINTS[1])


def test_a_write_into_what_nothing_else_reads_is_no_obstacle() -> None:
    """torch's gradient of `clamp` writes in place; what does not depend on the point is still computed once."""
    slow: list[Tensor] = []

    def f(q: Tensor) -> Tensor:
        slow.append(A.exp().sum())
        return (torch.clamp(q.sigmoid(), 0.1, 0.9) * slow[-1]).sum() + (q * torch.ones_like(q)).sum()

    run = straighten(f, POINTS)
    assert run is not None
    names = run.__code__.co_names
    assert not any(n.startswith(("exp", "ones_like", "new_ones", "logical_and__")) for n in names)
    expected = value_and_grad(f)(ELSEWHERE)
    assert all(torch.allclose(a, b, rtol=1e-13) for a, b in zip(expected, run(ELSEWHERE), strict=True))


@pytest.mark.parametrize("case", ["schools", "regression"])
def test_programs_are_recorded_and_shortened(case: str) -> None:
    model, data = {"schools": (schools, SCHOOLS), "regression": (regression, {"x": X, "y": Y})}[case]
    bound = model().compile("pyro").bind(data)
    names, sizes = list(bound.shapes), [max(1, *s, 1) for s in bound.shapes.values()]

    def f(q: Tensor) -> Tensor:
        parts = torch.split(q, sizes)
        return -bound.log_density({k: p.view(bound.shapes[k]) for k, p in zip(names, parts, strict=True)})

    points = [torch.linspace(-1, 1, bound.dimension).double(), torch.linspace(1, 0, bound.dimension).double()]
    run = straighten(f, points)
    assert run is not None
    exact, got = value_and_grad(f)(points[1] * 1.7), run(points[1] * 1.7)
    assert torch.equal(exact[0], got[0])
    assert torch.equal(exact[1], got[1])
