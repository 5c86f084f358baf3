"""Names asked of a fit that it does not have: what was probably meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np

from gendsl.data.labels import near
from gendsl.errors import FitError, caller

__all__ = ["NamedDraws", "known_draws", "missing_attribute"]

_GROUPS = ("posterior", "sample_stats", "observed_data", "constant_data", "warmup_posterior", "warmup_sample_stats")
_MORE = ("prior", "prior_predictive", "posterior_predictive")


class _NoDraws(FitError, KeyError):
    """No draws of a name; who asks a mapping sees a KeyError."""

    __str__ = Exception.__str__  # KeyError shows the repr


class _NoAttribute(FitError, AttributeError):
    """No attribute of a name; hasattr and getattr see an AttributeError."""


class NamedDraws(dict[str, np.ndarray]):
    """Draws by the names of their sites; of another name it says which there are.

    Iteration gives those that are there; what is made later is found by its name.

    Args:
        draws: these.
        later: name -> what makes its draws, when they are asked for.
    """

    def __init__(
        self, draws: Mapping[str, np.ndarray], later: Mapping[str, Callable[[], np.ndarray]] = MappingProxyType({})
    ) -> None:
        super().__init__(draws)
        self.later = later
        self._made: dict[str, np.ndarray] = {}

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self.later

    def get(self, name: str, default: Any = None) -> Any:
        """As of any mapping; what comes later is made."""
        try:
            return self[name]
        except KeyError:
            return default

    def __missing__(self, name: str) -> np.ndarray:
        if name not in self.later:
            self._refuse(name)
        if name not in self._made:
            self._made[name] = self.later[name]()
        return self._made[name]

    def _refuse(self, name: object) -> NoReturn:
        words = unknown_draws([name], dict.fromkeys([*self, *self.later]))
        raise _NoDraws(words.pop("problem"), where=caller(), **words)


def known_draws(names: str | Sequence[str] | None, draws: Mapping[str, np.ndarray]) -> list[str] | None:
    """Names asked of a fit as a list; None for all.

    Raises:
        FitError: if there are no draws of one.
    """
    names = [names] if isinstance(names, str) else names
    if unknown := [n for n in names or () if n not in draws]:
        words = unknown_draws(unknown, draws)
        raise FitError(words.pop("problem"), where=caller(), **words)
    return None if names is None else list(names)


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
