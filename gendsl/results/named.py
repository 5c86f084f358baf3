"""Names asked of a fit that it does not have: what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np

from gendsl.data.labels import near
from gendsl.errors import FitError, caller

__all__ = ["NamedDraws", "missing_attribute", "unknown_draws"]

_GROUPS = ("posterior", "sample_stats", "observed_data", "constant_data", "warmup_posterior", "warmup_sample_stats")
_MORE = ("prior", "prior_predictive", "posterior_predictive")


class _NoDraws(FitError, KeyError):
    """No draws of a name; who asks a mapping sees a KeyError."""

    __str__ = Exception.__str__  # KeyError shows the repr


class _NoAttribute(FitError, AttributeError):
    """No attribute of a name; hasattr and getattr see an AttributeError."""


class NamedDraws(dict[str, np.ndarray]):
    """Draws by the names of their sites; of another name it says which there are."""

    def __missing__(self, name: object) -> NoReturn:
        words = unknown_draws([name], self)
        raise _NoDraws(words.pop("problem"), where=caller(), **words)


def unknown_draws(names: Iterable[object], known: Iterable[str]) -> dict[str, Any]:
    """The parts of an error of names that a fit has no draws of."""
    wrong, known = [*names], [*known]
    guesses = [g for n in wrong if (g := near(str(n), known))]
    return {
        "problem": f"the fit has no draws named {', '.join(map(repr, wrong))}",
        "needed": f"some of {', '.join(known)}",
        "fix": f"did you mean {', '.join(map(repr, guesses))}?" if guesses else "observations are in fit.sample()",
    }


def missing_attribute(
    fit: Any, name: str, elsewhere: Mapping[str, tuple[str, str]] = MappingProxyType({})
) -> AttributeError:
    """The error of an attribute that a fit does not have.

    Args:
        fit: the fit.
        name: of the attribute.
        elsewhere: what other kinds of fit have: name -> why this one has not, and what does instead.
    """
    if name.startswith("_"):
        return AttributeError(f"'{type(fit).__name__}' object has no attribute '{name}'")
    if name in elsewhere:
        why, fix = elsewhere[name]
        return _NoAttribute(f"this fit has no {name}: {why}", given=repr(fit), fix=fix, where=caller())
    draws, own = vars(fit).get("draws", {}), [k for k in dir(type(fit)) if not k.startswith("_")]
    if name in draws:
        fix = f'fit.draws["{name}"]'
    elif name in _GROUPS:
        fix = f"fit.idata.{name}"
    elif name in _MORE:
        group = "prior" if name == "prior_predictive" else name
        fix = f"fit.with_groups({group}=True).{name}"
    elif guess := near(name, [*own, *vars(fit)]):
        fix = f"did you mean fit.{guess}?"
    else:
        fix = 'draws are in fit.draws["..."], arviz\'s groups in fit.idata'
    return _NoAttribute(f"a fit has no attribute '{name}'", needed=f"one of {', '.join(own)}", fix=fix, where=caller())
