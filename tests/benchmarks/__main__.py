"""`make bench`: what compiling, importing, gradients, steps of training and samplers cost, each against its peers.

    python -m tests.benchmarks [PART ...]

Peers that are no part of the lock (zuko, diffusers, azula) are imported where the interpreter has them, and named as
absent where it has not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table

from tests.benchmarks import compile_time, gradients, rows
from tests.benchmarks.learning import denoiser, flows, samplers, schools, vae
from tests.benchmarks.learning.turns import Against


def _compiling(console: Console) -> None:
    table = Table("backend", "nodes", "declare s", "compile s", "load s", "ms a node", title="compiling")
    for backend in ("pyro", "numpyro"):
        for r in compile_time.measure(backend=backend):
            each = 1000 * (r.declare + r.compile + r.load) / r.nodes
            table.add_row(backend, str(r.nodes), f"{r.declare:.4f}", f"{r.compile:.4f}", f"{r.load:.4f}", f"{each:.4f}")
    console.print(table)
    console.print(f"import gendsl: {compile_time.import_cost():.3f} s of CPU")


def _gradients(console: Console) -> None:
    title = "one gradient: fused density against the engine's potential of a hand-written program"
    table = Table("model", "ours us", "hand-written us", "ratio 10 %", "ratio median", "ratio 90 %", title=title)
    for g in gradients.measure():
        table.add_row(
            g.name,
            f"{1e6 * g.ours:.1f}",
            f"{1e6 * g.theirs:.1f}",
            f"{g.low:.3f}",
            f"{g.median:.3f}",
            f"{g.high:.3f}",
        )
    console.print(table)


def _rows(console: Console) -> None:
    title = "one gradient of a Gaussian regression against its rows"
    table = Table("backend", "rows", "bind s", "us 10 %", "us median", "us 90 %", "over the smallest", title=title)
    for backend in ("pyro", "numpyro"):
        for row in rows.measure(backend):
            times = (f"{1e6 * t:.1f}" for t in (row.low, row.median, row.high))
            table.add_row(backend, f"{row.rows:,}", f"{row.bind:.3f}", *times, f"{row.ratio:.3f}")
    console.print(table)


def _learning(measure: Callable[[], list[Against]]) -> Callable[[Console], None]:
    def show(console: Console) -> None:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            found = measure()
        finally:
            torch.set_num_threads(threads)
        numbers = ("ours us", "theirs us", "ratio 10 %", "median", "90 %", "goal", "steps", "grown MiB, ours", "theirs")
        table = Table("what", "against", *numbers)
        for a in found:
            if a.note:
                table.add_row(a.what, a.note)
                continue
            ratios = (f"{x:.3f}" for x in (a.low, a.median, a.high))
            goal = "" if a.goal is None else f"{a.goal:.2f}"
            grown = (f"{x / 2**20:.2f}" for x in a.grown)
            times = (f"{1e6 * x:.1f}" for x in (a.ours, a.theirs))
            table.add_row(a.what, a.name, *times, *ratios, goal, f"{a.steps:,}", *grown)
        console.print(table)

    return show


PARTS: dict[str, Callable[[Console], None]] = {
    "compiling": _compiling,
    "gradients": _gradients,
    "rows": _rows,
    "svi": _learning(schools.measure),
    "vae": _learning(vae.measure),
    "diffusion": _learning(denoiser.measure),
    "samplers": _learning(samplers.measure),
    "flows": _learning(flows.measure),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)}; left out, all")
    given = options.parse_args().parts or list(PARTS)
    if unknown := [p for p in given if p not in PARTS]:
        options.error(f"unknown part {unknown[0]!r}; there are {', '.join(PARTS)}")
    console = Console(width=None if sys.stdout.isatty() else 170)
    for part in given:
        PARTS[part](console)


if __name__ == "__main__":
    main()
