"""`make bench`: compile time, import cost, gradients against hand-written programs, gradients against rows."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from tests.benchmarks import compile_time, gradients, rows


def main() -> None:
    console = Console()
    table = Table("backend", "nodes", "declare s", "compile s", "load s", "ms a node", title="compiling")
    for backend in ("pyro", "numpyro"):
        for r in compile_time.measure(backend=backend):
            each = 1000 * (r.declare + r.compile + r.load) / r.nodes
            table.add_row(backend, str(r.nodes), f"{r.declare:.4f}", f"{r.compile:.4f}", f"{r.load:.4f}", f"{each:.4f}")
    console.print(table)
    console.print(f"import gendsl: {compile_time.import_cost():.3f} s of CPU")
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
    title = "one gradient of a Gaussian regression against its rows"
    table = Table("backend", "rows", "bind s", "us 10 %", "us median", "us 90 %", "over the smallest", title=title)
    for backend in ("pyro", "numpyro"):
        for row in rows.measure(backend):
            times = (f"{1e6 * t:.1f}" for t in (row.low, row.median, row.high))
            table.add_row(backend, f"{row.rows:,}", f"{row.bind:.3f}", *times, f"{row.ratio:.3f}")
    console.print(table)


if __name__ == "__main__":
    main()
