"""`report`: all there is to see of a fit on one page."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from gendsl.graph.node import Graph
    from gendsl.program import Program
    from gendsl.results.check import Check

__all__ = [
    "absent",
    "cell",
    "model_section",
    "page",
    "program_section",
    "report",
    "run_section",
    "verdict",
    "write_page",
]

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
    write_page(path, lambda: page(fit, prior, seed))


def write_page(path: str | os.PathLike[str], make: Callable[[], str]) -> None:
    """Write a page as an HTML file.

    Raises:
        FitError: if the name does not end in .html, or the disk refuses.
    """
    target = Path(path)
    if target.suffix not in (".html", ".htm"):
        raise FitError(
            "a report is an HTML page",
            given=f"'{target.name}'",
            needed="a name that ends in .html",
            fix=f"'{target.stem or 'fit'}.html'",
            where=caller(),
        )
    content = make().encode()
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
        "Model": model_section(fit.program.declared),
        "Posterior": _posterior(fit),
        "Chains": _chains(fit),
        "Predictions": _predictions(fit, seed),
        "Program": program_section(fit.program),
        "Run": _run(fit),
    }
    links = "".join(f'<a href="#{k.lower()}">{k}</a>' for k in parts)
    head = [
        f"<h1>{html.escape(name)}</h1>",
        f'<p class="dim">{html.escape(_line(fit))}</p>',
        verdict(fit.check(prior=prior)),
        f"<nav>{links}</nav>",
    ]
    return html.whole(f"{name}: report of a fit", [*head, *(html.section(k, body) for k, body in parts.items())])


def _line(fit: Fit) -> str:
    chains, draws = next(iter(fit.draws.values())).shape[:2]
    return (
        f"{type(fit.method).__name__} on {fit.program.backend.name}: {chains} chain{'s' * (chains > 1)} of "
        f"{draws} draws, {fit.seconds['total']:.1f} s, seed {fit.seed}"
    )


def verdict(check: Check) -> str:
    """What a check says, as a box."""
    figures = html.escape("; ".join(f"{k} {number(v)}" for k, v in check.figures.items()))
    notes = "".join(f'<p class="dim">{html.escape(n)}</p>' for n in check.notes)
    below = f'<p class="dim">{figures}</p>{notes}'
    if check.ok:
        return f'<div class="verdict good"><strong>No problem found.</strong>{below}</div>'
    count = len(check.problems)
    items = "".join(f"<li>{html.escape(p[:1].upper() + p[1:])}</li>" for p in check.problems)
    words = "1 problem found." if count == 1 else f"{count} problems found."
    return f'<div class="verdict bad"><strong>{words}</strong><ul>{items}</ul>{below}</div>'


def model_section(graph: Graph) -> Iterator[str]:
    """The model as text, and its diagram."""
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
        [(str(label), False), *((cell(x), bool(c in off and off[c](x))) for c, x in zip(frame, row, strict=True))]
        for label, row in zip(frame.index, frame.to_numpy(float), strict=True)
    ]
    yield html.table(["", *map(str, frame)], body)
    yield _picture(fit, Plot.FOREST)


def cell(x: float) -> str:
    """A number in a table."""
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
        return absent(e)


def _predictions(fit: Fit, seed: int) -> Iterator[str]:
    try:
        figure = fit.plot_predictive(seed=seed)
    except GendslError as e:  # nothing is observed, or it cannot be predicted
        yield absent(e)
        return
    words = "Observed values should look like those predicted, and lie within their intervals as often as these say."
    yield html.picture(figure, "observations beside predictions", words)


def absent(e: GendslError) -> str:
    """Why something is not shown."""
    return f'<p class="dim">Not shown: {html.escape(e.problem)}.</p>'


def program_section(p: Program, what: str = "program") -> Iterator[str]:
    """What the compiler did, and what it made."""
    yield html.details(f"What the compiler did ({len(p.report.passes)} passes)", html.code(str(p.report)))
    lines = p.source.count("\n")
    yield html.details(f"The {p.backend.name} {what} ({lines} lines)", html.code(p.source))


def _run(fit: Fit) -> Iterator[str]:
    attrs = fit.idata.attrs or fit.idata["posterior"].attrs
    library, made = str(attrs["inference_library"]), str(attrs["created_at"])
    versions = {library: attrs["inference_library_version"]}
    yield run_section(fit.method, fit.seed, fit.program.precision, fit.seconds, versions, made)


def run_section(
    method: Any, seed: int, precision: str, seconds: Mapping[str, float], versions: Mapping[str, str], made: str
) -> str:
    """How a fit was run.

    Args:
        method: a dataclass.
        seed: of the run.
        precision: of the program.
        seconds: of the parts of the run.
        versions: of the engine.
        made: when.
    """
    pairs: list[tuple[str, object]] = [
        ("method", type(method).__name__),
        *((f.name, getattr(method, f.name)) for f in fields(method)),
        ("seed", seed),
        *([] if hasattr(method, "precision") else [("precision", precision)]),
        ("time", ", ".join(f"{k} {v:.1f} s" for k, v in seconds.items())),
        ("gendsl", version("gendsl")),
        *versions.items(),
        ("numpy", np.__version__),
        ("python", platform.python_version()),
        ("page made", made),
    ]
    return html.rows(pairs)
