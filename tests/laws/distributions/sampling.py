"""Draws of a case from the emitted PPL models, with fixed seeds and no global random state left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import torch
from numpyro import handlers
from pyro import poutine

import gendsl as gd
from gendsl.program import Program
from tests.laws.distributions.case import SETTINGS, Case
from tests.laws.distributions.evaluate import parameters

__all__ = ["DRAWS", "draws", "forked", "sites"]

DRAWS = 4000


def forked(function: Callable[[], Any], seed: int) -> Any:
    """The result of a function that draws from torch's generator, which is put back."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return function()


def sites(program: Program, arrays: dict[str, Any], seed: int) -> dict[str, Any]:
    """The sites of one run of the PPL model."""
    if program.backend.name == "numpyro":
        seeded = handlers.seed(program.model, jax.random.key(seed))
        out: dict[str, Any] = handlers.trace(seeded).get_trace(arrays)
        return out
    return dict(forked(lambda: poutine.trace(program.model).get_trace(arrays).nodes, seed))


def draws(case: Case, backend: str, seed: int = 0) -> np.ndarray:
    """Draws at each setting: (draw, setting, *event).

    The model is run without its observation, and so predicts it. A sequence is drawn from the distribution at its site.
    """
    m = gd.Model("sampling")
    copy, setting = m.plate("copy", DRAWS), m.plate("setting", SETTINGS)
    time = [m.plate("time", case.time)] if case.time else []
    d = case.build(parameters(m, case, setting), *time)
    m.observe("y", d, dims=(copy, setting, *time))
    program = m.compile(backend)
    b, emitted = program.backend, program.emitted
    data = case.stacked()
    if time:
        data["y"] = np.repeat(case.points()[None, :, 0], DRAWS, 0)
    with b.context("float64"):
        given = {i.name: i.into(data[i.name]) for i in emitted.inputs if i.name in data}
        given = {k: v.astype(float) if k in emitted.casts else v for k, v in given.items()}
        given |= {name: value.numpy() for name, value in emitted.constants.items()}
        site = sites(program, {k: b.array(v, "float64") for k, v in given.items()}, seed)["y"]
        if time and backend == "pyro":
            site["value"] = forked(site["fn"].sample, seed)
        elif time:
            site["value"] = site["fn"].sample(jax.random.key(seed))
        y = b.numpy(site["value"])
    event = y.ndim - len(site["fn"].batch_shape)
    axes = [emitted.slots[plate] - event for plate in ("copy", "setting")]
    return np.moveaxis(y, axes, (0, 1)).reshape(DRAWS, SETTINGS, *y.shape[y.ndim - event :])
