"""Reference posteriors: where they are, and whether draws agree with them.

The data and answers of the reference cases are no part of the project. They lie in the folder that the
environment variable GENDSL_REFERENCE names, else in `shared/reference` beside the repository. Each case has
`data.json`, where there are data, and `reference.json`, one entry for each scalar.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gendsl_models.cases import CASES, Case
from gendsl_models.comparison import Row, compare

__all__ = [
    "ReferenceAbsentError",
    "Row",
    "available",
    "check",
    "directory",
    "load_data",
    "load_descriptions",
    "load_reference",
    "scalars",
]

_VARIABLE = "GENDSL_REFERENCE"


class ReferenceAbsentError(FileNotFoundError):
    """The reference posteriors are not there."""


def _location() -> tuple[Path, str]:
    """Where the reference should be, and who says so."""
    given = os.environ.get(_VARIABLE)
    if given:
        return Path(given), f"the environment variable {_VARIABLE} names it"
    repository = Path(__file__).resolve().parents[2]
    return (
        repository.parent / "shared" / "reference",
        f"{_VARIABLE} is not set; this is the place beside the repository",
    )


def available() -> bool:
    """Whether the reference posteriors are there."""
    return (_location()[0] / "cases.json").is_file()


def directory() -> Path:
    """The folder of the reference posteriors.

    Raises:
        ReferenceAbsentError: if it is not there.
    """
    path, why = _location()
    if not available():
        raise ReferenceAbsentError(
            f"the reference posteriors are absent: there is no cases.json in {path} ({why}). "
            f"They are no part of the project; set {_VARIABLE} to the folder that holds them."
        )
    return path


def load_descriptions() -> dict[str, dict[str, Any]]:
    """What cases.json says of each case, by name: the model in words, its source and licence.

    Raises:
        ReferenceAbsentError: if the reference is not there.
    """
    return {entry["name"]: entry for entry in json.loads((directory() / "cases.json").read_text(encoding="utf-8"))}


def _case(name: str) -> Case:
    if name not in CASES:
        raise KeyError(f"there is no reference case '{name}'; the cases are {', '.join(CASES)}")
    return CASES[name]


def load_data(case: str) -> dict[str, np.ndarray]:
    """The data of a case as its model takes them: the model's names, indices from 0, NaN where missing.

    Args:
        case: name of the case.

    Raises:
        ReferenceAbsentError: if the reference is not there.
        KeyError: if there is no such case.
    """
    spec = _case(case)
    folder = directory() / spec.name
    if not spec.data:
        return {}
    raw = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    out = {}
    for name, key in spec.data.items():
        value = np.asarray(raw[key])
        if value.dtype == object:  # null is a missing observation
            value = np.asarray(raw[key], dtype=float)
        out[name] = value - 1 if name in spec.one_based else value
    return out


def load_reference(case: str) -> dict[str, dict[str, float]]:
    """The reference answers of a case: scalar name -> mean, sd and, where known, q5, q50, q95, mcse_mean.

    Args:
        case: name of the case.

    Raises:
        ReferenceAbsentError: if the reference is not there.
        KeyError: if there is no such case.
    """
    text = (directory() / _case(case).name / "reference.json").read_text(encoding="utf-8")
    out: dict[str, dict[str, float]] = json.loads(text)
    return out


def scalars(case: str, draws: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Draws of a model's sites as the scalars of its reference.

    Args:
        case: name of the case.
        draws: site -> array (chain, draw, ...); sites that the case does not map are left out.

    Returns:
        Scalar name, such as `mu`, `theta[1]` or `theta1[2]` -> array (chain, draw); elements in C order, from 1.

    Raises:
        KeyError: if there is no such case, or a site is absent from the draws.
        ValueError: if a site's array does not fit its names.
    """
    out: dict[str, np.ndarray] = {}
    for site, target in _case(case).sites.items():
        if site not in draws:
            raise KeyError(f"case '{case}' needs draws of '{site}'; there are {', '.join(draws) or 'none'}")
        x = np.asarray(draws[site])
        if x.ndim < 2:
            raise ValueError(f"draws of '{site}' have shape {x.shape}; needed: (chain, draw, ...)")
        flat = x.reshape(*x.shape[:2], -1)
        out.update({name: flat[..., k] for k, name in enumerate(_names(target, x.shape[2:], site))})
    return out


def _names(target: str, shape: tuple[int, ...], site: str) -> list[str]:
    """Names of the elements of a site: `beta`, `x[1]` or `x[2:]`, as in `Case.sites`."""
    found = re.fullmatch(r"(\w+)(?:\[(\d+)(:?)\])?", target)
    if found is None:
        raise ValueError(f"'{target}' does not name scalars; needed: 'beta', 'x[1]' or 'x[2:]'")
    parameter, first, onwards = found.groups()
    if first is not None and not onwards:
        if shape:
            raise ValueError(f"'{site}' has shape {shape}, but '{target}' names one scalar")
        return [target]
    if first is None and not shape:
        return [parameter]
    start = int(first or 1)
    return [f"{parameter}[{start + k}]" for k in range(math.prod(shape))]


def check(case: str, draws: Mapping[str, Any], diverging: Any = None) -> list[Row]:
    """Compare draws with the reference of a case, under the bounds of `gendsl_models.comparison`.

    Args:
        case: name of the case.
        draws: site -> array (chain, draw, ...), at least 4 chains of 1,000 kept draws.
        diverging: which draws ended in a divergence (chain, draw); None where the method has none.

    Returns:
        One row for each scalar that is compared, in the reference's order.

    Raises:
        ReferenceAbsentError: if the reference is not there.
        KeyError: if there is no such case, or a scalar of the reference has no draws.
        ValueError: if there are too few draws.
    """
    spec, reference, ours = _case(case), load_reference(case), scalars(case, draws)
    calm = diverging is None or float(np.mean(diverging)) <= 0.001
    rows = []
    for name, truth in reference.items():
        if spec.compared is not None and name not in spec.compared:
            continue
        if name not in ours:
            raise KeyError(f"case '{case}' compares '{name}', which the draws do not give")
        rows.append(
            compare(name, np.asarray(ours[name], float), truth, 0.25 if name in spec.few_groups else 0.15, calm)
        )
    return rows
