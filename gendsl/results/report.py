"""`report`: all there is to see of a fit on one page."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gendsl.diagnostics import ENOUGH_ESS, WORST_RHAT
from gendsl.errors import FitError, GendslError, caller
from gendsl.graph.show import show
from gendsl.plot import plot_graph
from gendsl.results import html
from gendsl.results.files import refused, write_file
from gendsl.results.kinds import Plot
from gendsl.results.scalars import most_different, scalars, split_rhat
from gendsl.results.words import number

if TYPE_CHECKING:
    from gendsl.fit import Fit
    from gendsl.results.check import Check

__all__ = ["page", "report"]

_ROWS = 200  # of the summary
_CAPTIONS = {
    Plot.TRACE: "Chains that agree have the same density, and traces that lie over each other without drift.",
    Plot.RANK: "Chains that agree have even ranks: their lines stay about 1.",
    Plot.ENERGY: "Where changes are much narrower than the energy itself, the tails are explored slowly.",
    Plot.PAIR: "Divergent draws, in red, gather where the sampler cannot go. Wide scales have logarithmic axes.",
    Plot.FOREST: "Medians of single chains are coloured; a panel for each site.",
}


def report(fit: Fit, path: str | os.PathLike[str], prior: bool, seed: int) -> None:
    """See `Fit.report`."""
    target = Path(path)
    if target.suffix not in (".html", ".htm"):
        raise FitError(
            "a report is an HTML page",
            given=f"'{target.name}'",
            needed="a name that ends in .html",
            fix=f"'{target.stem or 'fit'}.html'",
            where=caller(),
        )
    content = page(fit, prior, seed).encode()
    try:
        write_file(target, content)
    except OSError as e:
        raise refused("the report", target, len(content), e) from e


def page(fit: Fit, prior: bool = True, seed: int = 0) -> str:
    """The page as text.

    Args:
        fit: the fit.
        prior: whether to compare the posterior with its prior.
        seed: of the predictions.
    """
    name = fit.program.declared.name
    parts = {
        "Model": _model(fit),
        "Posterior": _posterior(fit),
        "Chains": _chains(fit),
        "Predictions": _predictions(fit, seed),
        "Program": _program(fit),
        "Run": _run(fit),
    }
    links = "".join(f'<a href="#{k.lower()}">{k}</a>' for k in parts)
    head = [
        f"<h1>{html.escape(name)}</h1>",
        f'<p class="dim">{html.escape(_line(fit))}</p>',
        _verdict(fit.check(prior=prior)),
        f"<nav>{links}</nav>",
    ]
    return html.whole(f"{name}: report of a fit", [*head, *(html.section(k, body) for k, body in parts.items())])


def _line(fit: Fit) -> str:
    chains, draws = next(iter(fit.draws.values())).shape[:2]
    return (
        f"{type(fit.method).__name__} on {fit.program.backend.name}: {chains} chain{'s' * (chains > 1)} of "
        f"{draws} draws, {fit.seconds['total']:.1f} s, seed {fit.seed}"
    )


def _verdict(check: Check) -> str:
    figures = html.escape("; ".join(f"{k} {number(v)}" for k, v in check.figures.items()))
    notes = "".join(f'<p class="dim">{html.escape(n)}</p>' for n in check.notes)
    below = f'<p class="dim">{figures}</p>{notes}'
    if check.ok:
        return f'<div class="verdict good"><strong>No problem found.</strong>{below}</div>'
    count = len(check.problems)
    items = "".join(f"<li>{html.escape(p[:1].upper() + p[1:])}</li>" for p in check.problems)
    words = "1 problem found." if count == 1 else f"{count} problems found."
    return f'<div class="verdict bad"><strong>{words}</strong><ul>{items}</ul>{below}</div>'


def _model(fit: Fit) -> Iterator[str]:
    graph = fit.program.declared
    yield html.code(show(graph))
    yield html.picture(plot_graph(graph, title=""), f"plate diagram of {graph.name}", "", vector=True)


def _posterior(fit: Fit) -> Iterator[str]:
    found = scalars(fit)
    frame = fit.summary(round_to=8)  # rounded in the cells
    chosen, rest = most_different(found, _ROWS, split_rhat(np.nan_to_num(found.draws, posinf=0.0, neginf=0.0)))
    if rest:
        frame = frame.loc[[label for label in frame.index if label in set(chosen.labels)]]
        yield f'<p class="dim">{_ROWS} of {len(found)} scalars, those whose chains differ most.</p>'
    chains = found.draws.shape[1]
    off = {
        "r_hat": lambda x: x > WORST_RHAT,
        "ess_bulk": lambda x: x < ENOUGH_ESS * chains,
        "ess_tail": lambda x: x < ENOUGH_ESS * chains,
    }
    body = [
        [(str(label), False), *((_cell(x), bool(c in off and off[c](x))) for c, x in zip(frame, row, strict=True))]
        for label, row in zip(frame.index, frame.to_numpy(float), strict=True)
    ]
    yield html.table(["", *map(str, frame)], body)
    yield _picture(fit, Plot.FOREST)


def _cell(x: float) -> str:
    return (
        "–"
        if np.isnan(x)
        else f"{x:.0f}"
        if float(x).is_integer() and abs(x) >= 10
        else f"{x:.3g}"
        if abs(x) < 1e-2 and x
        else f"{x:,.3f}"
    )


def _chains(fit: Fit) -> Iterator[str]:
    for kind in (Plot.TRACE, Plot.RANK, Plot.PAIR, Plot.ENERGY):
        yield _picture(fit, kind)


def _picture(fit: Fit, kind: Plot) -> str:
    try:
        return html.picture(fit.plot(kind), f"{kind} plot", _CAPTIONS[kind])
    except FitError as e:  # a method without an energy has no such picture
        return _absent(e)


def _predictions(fit: Fit, seed: int) -> Iterator[str]:
    try:
        figure = fit.plot_predictive(seed=seed)
    except GendslError as e:  # nothing is observed, or it cannot be predicted
        yield _absent(e)
        return
    words = "Observed values should look like those predicted, and lie within their intervals as often as these say."
    yield html.picture(figure, "observations beside predictions", words)


def _absent(e: GendslError) -> str:
    return f'<p class="dim">Not shown: {html.escape(e.problem)}.</p>'


def _program(fit: Fit) -> Iterator[str]:
    p = fit.program
    yield html.details(f"What the compiler did ({len(p.report.passes)} passes)", html.code(str(p.report)))
    lines = p.source.count("\n")
    yield html.details(f"The {p.backend.name} program ({lines} lines)", html.code(p.source))


def _run(fit: Fit) -> Iterator[str]:
    attrs = fit.idata.attrs or fit.idata["posterior"].attrs
    library, made = str(attrs["inference_library"]), str(attrs["created_at"])
    seconds = ", ".join(f"{k} {v:.1f} s" for k, v in fit.seconds.items())
    pairs: list[tuple[str, object]] = [
        ("method", type(fit.method).__name__),
        *((f.name, getattr(fit.method, f.name)) for f in fields(fit.method)),
        ("seed", fit.seed),
        ("precision", fit.program.precision),
        ("time", seconds),
        ("gendsl", version("gendsl")),
        (library, attrs["inference_library_version"]),
        ("numpy", np.__version__),
        ("python", platform.python_version()),
        ("page made", made),
    ]
    yield html.rows(pairs)
