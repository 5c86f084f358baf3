"""`report` of a trained fit: all there is to see of it on one page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from gendsl.errors import FitError, GendslError
from gendsl.objectives.posterior import posterior_of
from gendsl.results import html
from gendsl.results.report import absent, cell, model_section, program_section, run_section, verdict

if TYPE_CHECKING:
    from gendsl.methods import MCMC
    from gendsl.samplers import Sampler
    from gendsl.trained import TrainedFit

__all__ = ["page"]

_ROWS, _FEW = 200, 12  # of the summary; numbers of an array that is shown
_PACKAGES = {"pyro": ("pyro-ppl", "torch"), "numpyro": ("numpyro", "jax")}


def page(fit: TrainedFit, seed: int = 0, sampler: MCMC | Sampler | None = None) -> str:
    """The page as text.

    Args:
        fit: the fit.
        seed: of what is drawn.
        sampler: of an energy, or of diffusions; see `TrainedFit.sample`.
    """
    name = fit.setting.graph.name
    parts = {"Model": model_section(fit.setting.graph), "Training": _training(fit)}
    if fit.params:
        parts["Parameters"] = _parameters(fit)
    if posterior_of(fit) is not None:
        parts["Posterior"] = _posterior(fit)
    parts |= {"Samples": _samples(fit, seed, sampler), "Program": _programs(fit), "Run": _run(fit)}
    links = "".join(f'<a href="#{k.lower()}">{k}</a>' for k in parts)
    head = [
        f"<h1>{html.escape(name)}</h1>",
        f'<p class="dim">{html.escape(repr(fit).strip("<>"))}</p>',
        verdict(fit.check()),
        f"<nav>{links}</nav>",
    ]
    return html.whole(f"{name}: report of a fit", [*head, *(html.section(k, body) for k, body in parts.items())])


def _training(fit: TrainedFit) -> Iterator[str]:
    words = "Losses by step, smoothed; where losses of two steps compare, one that has settled is flat."
    yield html.picture(fit.plot(), "learning curves", words)


def _parameters(fit: TrainedFit) -> Iterator[str]:
    """Those of few numbers with their values, and how many numbers the others are."""
    few = {k: x for k, x in fit.params.items() if x.size <= _FEW and "." not in k}
    rest = [x.size for k, x in fit.params.items() if k not in few]
    if few:
        yield html.rows((k, np.array2string(x, precision=4, separator=", ")) for k, x in few.items())
    if rest:
        yield f'<p class="dim">{len(rest)} arrays of {sum(rest):,} numbers in all, of networks and others.</p>'


def _posterior(fit: TrainedFit) -> Iterator[str]:
    try:
        frame = fit.summary(round_to=8)  # rounded in the cells
    except FitError as e:  # Laplace's guide, where training has not come to a mode
        yield absent(e)
        return
    if len(frame) > _ROWS:
        yield f'<p class="dim">The first {_ROWS} of {len(frame)} scalars.</p>'
        frame = frame.iloc[:_ROWS]
    body = [
        [(str(label), False), *((cell(x), False) for x in row)]
        for label, row in zip(frame.index, frame.to_numpy(float), strict=True)
    ]
    yield html.table(["", *map(str, frame)], body)


def _samples(fit: TrainedFit, seed: int, sampler: MCMC | Sampler | None) -> Iterator[str]:
    try:
        figure = fit.plot_predictive(seed=seed, sampler=sampler)
    except GendslError as e:  # nothing is observed, or an energy has no sampler
        yield absent(e)
        return
    yield html.picture(figure, "data beside samples", "What the model draws should look like what it was learnt from.")


def _programs(fit: TrainedFit) -> Iterator[str]:
    for role, bound in fit.made.programs.items():
        yield from program_section(bound.program, "program" if role == "model" else f"program of the {role}")


def _run(fit: TrainedFit) -> Iterator[str]:
    name = fit.setting.backend.name
    versions = {k: version(k) for k in _PACKAGES.get(name, (name,))}
    made = datetime.now(UTC).isoformat()
    yield html.rows([("objective", repr(fit.objective))])
    yield run_section(fit.method, fit.seed, fit.setting.precision, fit.seconds, versions, made)
