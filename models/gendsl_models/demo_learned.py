"""The second half of the demo: models with networks are trained, drawn from, and shown on one page."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

import gendsl as gd
from gendsl.results import html
from gendsl.results.files import write_file
from gendsl_models.demo_files import BACKENDS, declared
from gendsl_models.lessons import Lesson, Shown

__all__ = ["Learnt", "learn", "write_page"]


@dataclass(frozen=True)
class Learnt:
    """What became of a lesson.

    Attributes:
        lesson: which one.
        fit: the fit.
        shown: what is shown of it.
        seconds: wall time of all of it.
    """

    lesson: Lesson
    fit: gd.TrainedFit
    shown: Shown
    seconds: float


def learn(lesson: Lesson, out: Path, console: Console) -> Learnt:
    """Train one model, and write its files and pictures into a folder of its name."""
    began = time.perf_counter()
    entry, folder = lesson.entry, out / lesson.entry.name
    model = entry.build()
    console.rule(lesson.title)
    console.print(str(model), highlight=False, markup=False)
    declared(model, folder)
    fit = model.fit(entry.data(), entry.method, backend=lesson.backend, seed=1)
    fit.save(folder / "fit.safetensors")
    fit.plot().savefig(folder / "learning.png", dpi=110)
    shown = lesson.show(entry, fit)
    shown.figure.savefig(folder / "samples.png", dpi=110)
    learnt = Learnt(lesson, fit, shown, time.perf_counter() - began)
    table = Table("", "", title=_line(learnt), show_header=False)
    for name, words in shown.numbers.items():
        table.add_row(name, words)
    console.print(table)
    return learnt


def write_page(learnt: list[Learnt], path: Path) -> None:
    """All lessons so far on one HTML page that needs nothing beside it."""
    links = "".join(f'<a href="#{x.lesson.entry.name}">{x.lesson.entry.name}</a>' for x in learnt)
    body = [
        "<h1>Models with networks</h1>",
        '<p class="dim">Each is declared once and trained by the same call, on either backend; '
        "samples, learning curves and the programs that ran.</p>",
        f"<nav>{links}</nav>",
        html.table(
            ["model", "objective", "backend", "steps", "seconds"],
            [[(text, False) for text in _row(x)] for x in learnt],
        ),
        *(html.section(x.lesson.entry.name, _section(x)) for x in learnt),
    ]
    write_file(path, html.whole("gendsl: models with networks", body).encode())


def _row(x: Learnt) -> tuple[str, ...]:
    objective = type(x.fit.objective).__name__
    return (x.lesson.title, objective, x.lesson.backend, str(x.fit.raw.step), f"{x.seconds:.0f}")


def _section(x: Learnt) -> list[str]:
    model = x.lesson.entry.build()
    name = x.lesson.entry.name
    programs = [(b, model.compile(b).source) for b in BACKENDS]
    return [
        f"<p>{html.escape(x.lesson.title)}.</p>",
        f'<p class="dim">{html.escape(_line(x))}</p>',
        html.picture(x.shown.figure, f"samples of {name} beside data", ""),
        html.rows(x.shown.numbers.items()),
        html.code(str(model)),
        html.picture(x.fit.plot(), f"learning curves of {name}", "Losses by step, smoothed."),
        *(html.details(f"The {b} program ({s.count(chr(10))} lines)", html.code(s)) for b, s in programs),
    ]


def _line(x: Learnt) -> str:
    note = f"; {x.fit.raw.note}" if x.fit.raw.note else ""
    training = x.fit.seconds["total"]
    return (
        f"{type(x.fit.objective).__name__} on {x.lesson.backend}: {x.fit.raw.step} steps in {training:.1f} s, "
        f"{x.seconds:.1f} s in all{note}"
    )
