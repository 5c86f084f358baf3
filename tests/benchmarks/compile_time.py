"""Time to declare, optimise and emit graphs of 10 to 10,000 nodes, and the cost of importing gendsl.

Linear means that the time a node takes does not grow with the graph; the goal is under 1 s at 1,000 nodes.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass

import gendsl as gd

__all__ = ["chain", "import_cost", "measure"]


@dataclass(frozen=True)
class Row:
    """Seconds for one size."""

    nodes: int
    declare: float
    compile: float
    load: float


def chain(nodes: int, name: str = "chain") -> gd.Model:
    """A model of about `nodes` nodes: blocks of a latent, arithmetic and an observation, each using the one before."""
    m = gd.Model(name)
    obs = m.plate("obs")
    x = m.data("x", dims=obs)
    mean = m.latent("start", gd.Normal(0, 1)) * 1.5
    k = 0
    while len(m.graph.nodes if k % 50 == 0 else m._builder.nodes) < nodes:
        k += 1
        slope = m.latent(f"slope_{k}", gd.Normal(0, 1))
        mean = gd.tanh(mean + slope * x) + gd.exp(-(slope**2)) * 0.5
        if k % 5 == 0:
            m.factor(f"penalty_{k}", -0.1 * slope**2)
    m.observe("y", gd.Normal(mean, 1.0), dims=obs)
    return m


def measure(sizes: tuple[int, ...] = (10, 100, 1_000, 10_000), backend: str = "numpyro", repeats: int = 3) -> list[Row]:
    """The best of several runs for each size."""
    gd.Model("warm").latent("a", gd.Normal(0, 1))
    chain(10).compile(backend)
    rows = []
    for size in sizes:
        best = (float("inf"),) * 3
        for repeat in range(repeats):
            t0 = time.perf_counter()
            model = chain(size, f"chain_{repeat}")  # equal graphs share one program
            t1 = time.perf_counter()
            program = model.compile(backend)
            t2 = time.perf_counter()
            _ = program.namespace
            t3 = time.perf_counter()
            best = min(best, (t1 - t0, t2 - t1, t3 - t2), key=sum)
        rows.append(Row(len(model.graph.nodes), *best))
    return rows


def import_cost(module: str = "gendsl") -> float:
    """CPU seconds of `import gendsl` in a fresh process, beyond an empty one's (best of 3)."""

    def run(code: str) -> float:
        text = f"import time; {code}; print(time.process_time())"
        return min(float(subprocess.check_output([sys.executable, "-c", text], text=True)) for _ in range(3))

    return run(f"import {module}") - run("pass")


if __name__ == "__main__":
    for backend in ("pyro", "numpyro"):
        for row in measure(backend=backend):
            print(backend, row)
    print("import gendsl:", import_cost(), "s of CPU")
