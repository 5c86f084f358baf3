"""The examples of docs/diffusion.md, run as they are printed but for fewer steps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

import gendsl as gd

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "diffusion.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.S)


def _run(start: str, **changes: str) -> dict[str, Any]:
    """The example that begins with a line, on the backend that need not compile."""
    (text,) = (b for b in BLOCKS if b.startswith(start))
    for printed, quick in (("numpyro", "pyro"), *changes.items()):
        assert printed in text, printed
        text = text.replace(printed, quick)
    x = np.random.default_rng(0).normal(size=(600, 2))
    names: dict[str, Any] = {"gd": gd, "np": np, "x": x, "held_out": x[:3], "k": np.arange(600) % 3}
    exec(compile(text, "docs/diffusion.md", "exec"), names)
    return names


def test_a_diffusion_is_a_distribution() -> None:
    fit = _run("m = gd.Model", **{"steps=3_000": "steps=2", "steps=200": "steps=2"})["fit"]
    assert np.isfinite(fit.log_prob({"x": np.zeros((2, 2))}).value)


def test_a_class_is_a_context() -> None:
    names = _run("classes = gd.Model", **{"steps=3_000": "steps=2"})
    assert names["drawn"].shape == (1, 1000, 3, 2)
    assert np.isfinite(names["fit"].log_prob({"x": np.zeros((2, 2)), "label": np.eye(3)[:2]}).value)
    assert names["fit"].params["x.network.time.context.weight"].shape == (128, 3)


def test_the_explicit_chain() -> None:
    names = _run("diffusion = gd.Diffusion", **{"steps=2_000": "steps=3"})
    assert list(names["chain"].graph.sites) == [*(f"x_{k}" for k in range(10, 0, -1)), "x"]
    assert names["fit"].sample(64)["x"].shape[-2:] == (64, 2)
