"""The hand-written programs that speed is compared with have one posterior on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions
import pyro.distributions
import pytest
import torch
from numpyro.infer.util import initialize_model as numpyro_model
from pyro.infer.mcmc.util import initialize_model as pyro_model

from gendsl_models import reference
from gendsl_models.registry import ZOO
from tests.benchmarks.peers.by_hand import PROGRAMS, SHARED, arguments


@pytest.fixture
def float64() -> Iterator[None]:
    """Numbers of programs by hand are of torch's default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("case", PROGRAMS)
def test_programs_by_hand_have_one_density(case: str) -> None:
    if not reference.available():
        pytest.skip("the reference data are absent")
    data, program = arguments(ZOO[case].data()), PROGRAMS[case]
    tensors = {k: torch.as_tensor(v if k == "county_of" else v.astype(float)) for k, v in data.items()}
    with jax.enable_x64(True):
        on_numpyro = partial(program, numpyro, numpyro.distributions, jnp)
        found = numpyro_model(jax.random.PRNGKey(0), on_numpyro, model_kwargs=data)
        start = {k: np.array(x) for k, x in found.param_info.z.items()}
        assert set(SHARED[case]) <= set(start)

        def numpyros(z: dict[str, Any]) -> float:
            return float(found.potential_fn({k: jnp.asarray(x) for k, x in z.items()}))

        on_pyro = partial(program, pyro, pyro.distributions, torch)
        _, potential, _, _ = pyro_model(on_pyro, model_kwargs=tensors)  # type: ignore[no-untyped-call]

        def pyros(z: dict[str, Any]) -> float:
            return float(potential({k: torch.as_tensor(x) for k, x in z.items()}))

        for z in (start, {k: 0.7 * x + 0.1 for k, x in start.items()}):
            assert pyros(z) == pytest.approx(numpyros(z), rel=1e-10)
