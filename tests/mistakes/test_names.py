"""What notebooks show: the names of a namespace, and the arguments of a class."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

import gendsl as gd

SPACES = (gd.guide, gd.optim, gd.sampler, gd.sampler.grid, gd.schedule, gd.flows, gd.transform, gd.init, gd.kernel)


@pytest.mark.parametrize("space", SPACES, ids=lambda s: s.__name__)
def test_a_namespace_lists_its_own_names(space: ModuleType) -> None:
    names = dir(space)
    assert names
    assert all(hasattr(space, n) for n in names)
    assert not {"TYPE_CHECKING", "Any", "dataclass", "namespace", "hessian", "number", "np"} & set(names)
    with pytest.raises(AttributeError, match=r"gd\.[a-z.]+ has no 'qqq': there are "):
        space.qqq  # noqa: B018


def test_the_package_lists_what_there_is() -> None:
    names = dir(gd)
    assert all(hasattr(gd, n) for n in names)
    assert {"Model", "ELBO", "guide", "optim", "exp"} <= set(names)
    assert not {"difflib", "import_module", "TYPE_CHECKING", "Any"} & set(names)


@pytest.mark.parametrize(
    ("called", "arguments"),
    [
        (gd.ELBO, ["guide", "particles", "gradient", "baseline", "analytic_kl"]),
        (gd.MLP, ["out", "hidden", "activation", "time"]),
        (gd.Native, ["out", "torch", "jax", "takes_time"]),
        (gd.optim.Adam, ["learning_rate", "beta1", "beta2", "eps"]),
        (gd.guide.LowRank, ["rank", "scale"]),
        (gd.Checkpoint, ["path", "every", "minutes", "keep"]),
    ],
)
def test_a_class_shows_its_arguments(called: type, arguments: list[str]) -> None:
    assert list(inspect.signature(called).parameters) == arguments
