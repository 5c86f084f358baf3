"""The demo: posteriors on both backends compared with the reference, then models with networks.

    python -m gendsl_models.demo --out demo

Eight schools and the radon regression are fitted on both backends. It writes, for each model, its text, what the
compiler did, the plate diagram, both emitted programs, a trace picture for each backend and the comparison with the
reference posterior. Where the reference posteriors are absent it says so and fits simulated data of the same shape
instead.

Then a VAE, a flow, an adversarial game, an energy and diffusions are trained (`lessons.py`). Their samples, learning
curves, figures and programs are on one page, learned.html, which is written anew after each of them: what an interrupt
ends keeps what was done.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import gendsl as gd
from gendsl_models import eight_schools, radon, reference
from gendsl_models.comparison import Row
from gendsl_models.demo_files import BACKENDS, declared
from gendsl_models.demo_learned import Learnt, learn, write_page
from gendsl_models.lessons import LESSONS

__all__ = ["Job", "main", "run"]


@dataclass(frozen=True)
class Job:
    """One model of the demo: the reference case, how to declare it, data where there is no reference, what to draw."""

    case: str
    title: str
    build: Callable[[], gd.Model]
    simulate: Callable[[], Mapping[str, Any]]
    shown: tuple[str, ...]
    method: gd.NUTS


def _schools_data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    sigma = rng.uniform(9.0, 18.0, 8)
    return {"sigma": sigma, "y": rng.normal(5.0 + 4.0 * rng.normal(size=8), sigma)}


def _radon_data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    county = np.sort(rng.integers(0, 85, 919))
    uranium = rng.normal(0.0, 0.4, 85)[county]
    floor = rng.integers(0, 2, 919).astype(float)
    share = np.bincount(county, floor, 85)[county] / np.bincount(county, minlength=85)[county]
    effect = rng.normal(1.4, 0.3, 85)[county]
    log_radon = rng.normal(effect + 0.7 * uranium - 0.7 * floor, 0.75)
    return {
        "county_of": county,
        "log_uranium": uranium,
        "floor": floor,
        "floor_by_county": share,
        "log_radon": log_radon,
    }


JOBS = (
    Job(
        "eight_schools_centered",
        "Eight schools, declared centred",
        eight_schools.centered,
        _schools_data,
        ("mu", "tau", "theta"),
        gd.NUTS(chains=4, warmup=1000, draws=1000),
    ),
    Job(
        "radon_minnesota",
        "Radon in 85 counties of Minnesota",
        radon.radon,
        _radon_data,
        ("county_effect_mean", "county_effect_scale", "weight", "log_radon_scale"),
        gd.NUTS(chains=4, warmup=1000, draws=1000),
    ),
)


def run(job: Job, out: Path, console: Console, backends: tuple[str, ...] = BACKENDS) -> bool:
    """One model: diagrams, programs, fits, comparison; returns whether all bounds hold."""
    folder = out / job.case
    model = job.build()
    console.rule(job.title)
    console.print(str(model), highlight=False, markup=False)
    declared(model, folder)
    known = reference.available()
    data = reference.load_data(job.case) if known else job.simulate()
    if not known:
        console.print("The reference posteriors are absent; simulated data are fitted, and nothing is compared.")
    fine = True
    for backend in backends:
        start = time.perf_counter()
        fit = model.fit(data, job.method, backend=backend, seed=1)
        seconds = time.perf_counter() - start
        console.print(f"{backend}: 4 chains of {job.method.draws} draws in {seconds:.1f} s")
        console.print(str(fit.check()), highlight=False, markup=False)
        _trace(fit, job, folder / f"trace_{backend}.png")
        (folder / f"summary_{backend}.txt").write_text(fit.summary().to_string() + "\n")
        if known:
            diverging = np.asarray(fit.idata["sample_stats"]["diverging"])
            rows = reference.check(job.case, fit.draws, diverging)
            console.print(_table(rows, backend))
            (folder / f"comparison_{backend}.txt").write_text("\n".join(map(str, rows)) + "\n")
            fine = fine and all(r.passed for r in rows)
        if not fit.raw.complete:
            raise KeyboardInterrupt(fit.raw.note)
    return fine


def _trace(fit: Any, job: Job, path: Path) -> None:
    """Trace and density of the sites that are shown."""
    fit.plot(names=list(job.shown)).savefig(path, dpi=100, bbox_inches="tight")


def _table(rows: list[Row], backend: str) -> Table:
    shown = rows if len(rows) <= 14 else [*rows[:7], *rows[-7:]]
    title = f"{backend} against the reference ({sum(r.passed for r in rows)} of {len(rows)} scalars within the bounds)"
    table = Table(title=title, caption="elements count from 1 here, as in the reference, and from 0 in the fit")
    table.add_column("scalar", no_wrap=True)
    for head in ("mean", "ref.", "sd ratio", "R-hat", "ESS", "within"):
        table.add_column(head, justify="right")
    for r in shown:
        table.add_row(
            r.name,
            f"{r.mean:.3f}",
            f"{r.reference_mean:.3f}",
            f"{r.sd_ratio:.3f}",
            f"{r.rhat:.4f}",
            f"{r.ess:.0f}",
            "yes" if r.passed else "NO",
        )
    if len(rows) > len(shown):
        table.caption = (
            f"{table.caption}; {len(rows) - len(shown)} scalars between are left out here; all are in the files"
        )
    return table


def main(arguments: list[str] | None = None) -> int:
    """Run the demo from the command line."""
    parser = argparse.ArgumentParser(prog="gendsl_models.demo", description=__doc__.split("\n")[0] if __doc__ else None)
    names = [*(j.case for j in JOBS), *(x.entry.name for x in LESSONS)]
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for programs and pictures")
    parser.add_argument("--only", choices=names, help="run one model only")
    options = parser.parse_args(arguments)
    console, out = Console(), options.out
    start = time.perf_counter()
    fine, learnt = True, list[Learnt]()
    try:
        for job in JOBS:
            fine &= options.only not in (None, job.case) or run(job, out, console)
        for lesson in LESSONS:
            if options.only in (None, lesson.entry.name):
                learnt.append(learn(lesson, out, console))
                write_page(learnt, out / "learned.html")
                fine &= learnt[-1].shown.fine
                if not learnt[-1].fit.raw.complete:
                    raise KeyboardInterrupt(learnt[-1].fit.raw.note)
    except KeyboardInterrupt as e:
        console.rule()
        console.print(
            f"Ended early ({str(e) or 'interrupted'}). What was done is in {out}/", highlight=False, markup=False
        )
        return 130
    console.rule()
    seconds = time.perf_counter() - start
    console.print(f"{seconds:.0f} s. Programs, diagrams and traces are in {out}/")
    if learnt:
        console.print(f"What was trained, its samples and its programs: {out / 'learned.html'}")
    if not fine:
        console.print("Some figures miss their bounds.")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
