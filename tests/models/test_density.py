"""The zoo's log-densities against the same models written by hand in numpy and scipy.

A program's log-density at unconstrained values u is log p(x) + log |det dx/du| at x = x(u). The Jacobian is found here
by central differences of `constrain`, so nothing but the statement of the model is taken on trust.
"""

from typing import Any

import numpy as np
import pytest

from gendsl.graph.constraints import CorrCholesky, Simplex
from gendsl_models import ZOO, reference
from tests.models.by_hand import JOINT, ODE


def test_every_model_is_written_by_hand() -> None:
    assert set(JOINT) == set(ZOO)


@pytest.mark.parametrize("backend", ["pyro", "numpyro"])
@pytest.mark.parametrize("name", JOINT)
def test_log_density(name: str, backend: str) -> None:
    entry = ZOO[name]
    if entry.reference is not None and not reference.available():
        pytest.skip("the reference posteriors are absent")
    model, data = entry.build(), entry.data()
    program = model.compile(backend).bind(data)
    rng = np.random.default_rng(0)
    u = {k: np.asarray(np.clip(0.3 * rng.normal(size=s), -1, 1)) for k, s in sorted(program.shapes.items())}

    latents = [n.name for _, n in model.graph.of("latent") if n.name]
    values = {k: x[0] for k, x in program.constrain({k: x[None] for k, x in u.items()}).items()}
    by_hand = JOINT[name](values, data) + _log_jacobian(program, model, u, latents)

    engine = program.program.backend
    with engine.context("float64"):
        ours = engine.numpy(program.log_density({k: engine.array(x, "float64") for k, x in u.items()}))
    assert np.shape(ours) == ()
    assert float(ours) == pytest.approx(by_hand, rel=1e-5 if name in ODE else 1e-9, abs=1e-6)


def _log_jacobian(program: Any, model: Any, u: dict[str, np.ndarray], latents: list[str]) -> float:
    """log |det d(free coordinates of the latents) / du| by central differences."""
    size, h = sum(x.size for x in u.values()), 1e-5
    flat = np.concatenate([x.ravel() for x in u.values()])
    points = flat + h * np.concatenate([np.eye(size), -np.eye(size)])
    cuts = np.cumsum([x.size for x in u.values()])[:-1]
    parts = zip(u, np.split(points, cuts, axis=1), strict=True)
    out = program.constrain({k: x.reshape(2 * size, *u[k].shape) for k, x in parts})
    free = np.concatenate([_free(out[k], model[k].support).reshape(2 * size, -1) for k in latents], axis=1)
    assert free.shape == (2 * size, size)
    return float(np.linalg.slogdet((free[:size] - free[size:]) / (2 * h))[1])


def _free(x: np.ndarray, support: Any) -> np.ndarray:
    """The elements of a value that vary freely."""
    if isinstance(support, Simplex):
        return x[..., :-1]
    if isinstance(support, CorrCholesky):
        return x[..., *np.tril_indices(x.shape[-1], -1)]
    return x
