"""Every operation has its numpy meaning on both backends, whatever its operands are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.graph.ops import OPS
from gendsl.program import BoundProgram
from tests.laws.law import BACKENDS
from tests.laws.operations import CASES, Case
from tests.laws.operations_special import SPECIAL

SIZES = {"a": 2, "b": 4}
DIMS = {"plated": (("a",), ("b",), ("b", "a")), "plain": ((), (), ()), "event": ((), (), ())}
LEADS = {"plated": ((), (), ()), "plain": ((), (), ()), "event": ((2,), (3, 1), ())}


def _drawn(case: Case, mode: str) -> tuple[gd.Model, dict[str, Any], dict[str, np.ndarray], list[np.ndarray]]:
    """A model with the case's value under the name `out`, its data, its latents, and the operands."""
    m = gd.Model("operation")
    rng = np.random.default_rng(7)
    plates = {p: m.plate(p, n) for p, n in SIZES.items()}
    data: dict[str, Any] = {}
    latents: dict[str, np.ndarray] = {}
    given, operands = [], []
    for k, operand in enumerate(case.operands):
        dims, lead = DIMS[mode][k], LEADS[mode][k]
        value = operand.draw(rng, (*(SIZES[d] for d in dims), *lead))
        event, name = (*lead, *operand.event), f"x{k + 1}"
        over = [plates[d] for d in dims]
        if operand.kind == "float":
            d = gd.Normal(0.0, 1.0).expand(*event) if event else gd.Normal(0.0, 1.0)
            given.append(m.latent(name, d, dims=over))
            latents[name] = value
        else:
            given.append(m.data(name, dims=over, event=event, dtype={"int": int, "bool": bool}[operand.kind]))
            data[name] = value
        operands.append(value)
    if not latents:
        m.latent("z", gd.Normal(0.0, 1.0))
        latents["z"] = np.array(0.3)
    m.let("out", case.build(*given))
    return m, data, latents, operands


def _expected(case: Case, mode: str, operands: list[np.ndarray], dims: tuple[str, ...]) -> np.ndarray:
    """The loop over the plates of the numpy value."""
    if not dims:
        return np.asarray(case.value(*operands))
    rows = []
    for at in np.ndindex(*(SIZES[d] for d in dims)):
        where = dict(zip(dims, at, strict=True))
        picked = [x[tuple(where[d] for d in DIMS[mode][k])] for k, x in enumerate(operands)]
        rows.append(np.asarray(case.value(*picked)))
    return np.stack(rows).reshape(*(SIZES[d] for d in dims), *rows[0].shape)


def _outputs(p: BoundProgram, latents: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every recorded value, in the user's layout: op by op, without compiling."""
    b = p.program.backend
    layouts = {s.name: s.layout for s in p.program.sites}
    with b.context("float64"):
        u = {k: b.array(layouts[k].into(v), "float64") for k, v in latents.items()}
        out = {k: b.numpy(v) for k, v in p.program.constrain(u, *p.arguments).items()}
    return {layout.name: layout.back(out[layout.name], 0) for layout in p.program.emitted.outputs}


@pytest.mark.parametrize("op", sorted(CASES))
def test_operation_has_its_numpy_meaning(op: str) -> None:
    for case in CASES[op]:
        for mode in case.modes:
            m, data, latents, operands = _drawn(case, mode)
            want = _expected(case, mode, operands, m["out"].dims)
            for backend in BACKENDS:
                p = m.compile(backend).bind(data)
                got = _outputs(p, latents)["out"]
                what = f"{op}, {mode}, {backend}\n{p.program.source}"
                assert got.shape == want.shape, f"{got.shape}, {want.shape}: {what}"
                np.testing.assert_allclose(got, want, 1e-11, 1e-12, err_msg=what)


@pytest.mark.parametrize("op", sorted(SPECIAL))
@pytest.mark.parametrize("backend", BACKENDS)
def test_operation_on_plates_and_sites(op: str, backend: str) -> None:
    for build in SPECIAL[op]:
        m, data, latents, want = build()
        p = m.compile(backend).bind(data)
        if isinstance(want, float):
            b = p.program.backend
            with b.context("float64"):
                u = {s.name: b.array(s.layout.into(latents[s.name]), "float64") for s in p.program.sites}
                np.testing.assert_allclose(float(b.numpy(p.log_density(u))), want, 1e-12, err_msg=p.program.source)
        else:
            got = _outputs(p, latents)["out"]
            dims = m["out"].dims
            got = np.transpose(got, [*sorted(range(len(dims)), key=dims.__getitem__), *range(len(dims), got.ndim)])
            tolerance = 1e-5 if op == "odeint" else 1e-11
            assert got.shape == want.shape, f"{got.shape}, {want.shape}\n{p.program.source}"
            np.testing.assert_allclose(got, want, tolerance, tolerance, err_msg=p.program.source)


def test_every_operation_has_a_case() -> None:
    declared = {name for name, spec in OPS.items() if not spec.lowered}
    assert declared == set(CASES) | set(SPECIAL)
