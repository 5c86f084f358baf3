"""Random models with data: plates nested, crossed, derived and copied; every family and operation; gathers, event axes,
dynamic bounds, recurrences, missing data, masks, non-centring, networks.

`draw_case(choice, focus)` makes one; `focus` is one of `FEATURES`, which the model then has in any case. The same
code is driven by hypothesis in the suite and by a seeded generator in the fuzzer.
"""

from __future__ import annotations

from collections.abc import Callable

import tests.laws.strategy_learned
import tests.laws.strategy_networks
import tests.laws.strategy_plates
import tests.laws.strategy_sequences
from gendsl.graph.families import FAMILIES
from gendsl.graph.types import DType
from tests.laws.strategy_arrays import ARRAYS
from tests.laws.strategy_choice import Choice, Drawn, Seeded
from tests.laws.strategy_draft import Case, Draft
from tests.laws.strategy_sites import (
    add_data,
    add_factor,
    add_latent,
    add_let,
    add_log_prob,
    add_observation,
    add_param,
    add_plates,
    finish,
)
from tests.laws.strategy_values import BOOLS, INTS, REALS, add_boolean, add_integer, add_real

__all__ = ["FEATURES", "Case", "Choice", "Drawn", "Seeded", "draw_case", "seeded_case"]

NO_LATENT = ("Delta", "Unit", "HiddenMarkov", "Pushforward")
LATENTS = tuple(n for n, f in FAMILIES.items() if f.dtype is not DType.INT and n not in NO_LATENT)
OBSERVED = tuple(n for n in FAMILIES if n not in ("ImproperUniform", "Pushforward"))
_RARE = ("odeint",)

FEATURES: dict[str, Callable[[Draft], object]] = {
    **{f"latent:{n}": lambda d, n=n: add_latent(d, n) for n in LATENTS},  # type: ignore[misc]
    **{f"observe:{n}": lambda d, n=n: add_observation(d, n) for n in OBSERVED},  # type: ignore[misc]
    **{f"real:{t.op}": lambda d, op=t.op: add_real(d, op) for t in REALS},  # type: ignore[misc]
    **{f"int:{t.op}": lambda d, op=t.op: add_integer(d, op) for t in INTS},  # type: ignore[misc]
    **{f"bool:{t.op}": lambda d, op=t.op: add_boolean(d, op) for t in BOOLS},  # type: ignore[misc]
    **{f"array:{n}": f for n, f in ARRAYS.items()},
    "missing": lambda d: add_observation(d, "Normal", "missing"),
    "impute": lambda d: add_observation(d, "Gamma", "impute"),
    "mask": lambda d: add_observation(d, "Poisson", "mask"),
    "param": add_param,
    "log_prob": add_log_prob,
    "let": add_let,
    "factor": add_factor,
}

_ORDINARY = [n for n in ARRAYS if n not in _RARE]
_COMMON_LATENTS = ("Normal", "HalfNormal", "Gamma", "Beta", "StudentT", "Exponential", "Uniform")


def draw_case(choice: Choice, focus: str | None = None) -> Case:
    """A random model with data, which has the feature `focus`."""
    d = Draft(choice)
    add_plates(d)
    for plate in d.base:
        add_data(d, "real", [plate])
    for kind in choice.subset(("int", "bool", "index", "index", "real", "total"), 4):
        add_data(d, kind)
    add_latent(d, choice.pick(_COMMON_LATENTS))
    if choice.chance(70):
        add_latent(d, choice.pick(LATENTS))
    _values(d, choice.integer(0, 4))
    if focus is not None:
        for _ in range(4):
            if FEATURES[focus](d) is not None or focus.split(":")[0] in ("latent", "observe"):
                break
            for kind in ("int", "bool", "index"):
                add_data(d, kind)
            add_data(d, "real", [choice.pick(d.base)])
    _values(d, choice.integer(0, 4))
    if choice.chance(40):
        add_latent(d, choice.pick(LATENTS))
    for _ in range(choice.integer(0, 2)):
        add_observation(d, choice.pick(OBSERVED))
    finish(d)
    return d.case()


def _values(d: Draft, count: int) -> None:
    for _ in range(count):
        how = d.choice.integer(0, 19)
        if how < 8:
            add_real(d)
        elif how < 16:
            ARRAYS[d.choice.pick(_ORDINARY)](d)
        else:
            (add_integer, add_boolean, add_let, add_log_prob)[how - 16](d)
    if d.choice.chance(5):
        add_param(d)


def seeded_case(seed: int) -> Case:
    """The case of a seed: its features go round through all."""
    names = tuple(FEATURES)
    return draw_case(Seeded(seed), names[seed % len(names)])


_ = (
    tests.laws.strategy_learned,
    tests.laws.strategy_networks,
    tests.laws.strategy_plates,
    tests.laws.strategy_sequences,
)
