"""Which engine runs NUTS where none is named.

nutpie's adaptation and its metric of low rank take fewer gradients than the kernels of the backends, and only the
density is to be compiled, not a whole sampler. It runs on the CPU, adapts in warmup alone, and has no dense metric: for
anything else there are the backends' own kernels. `make peers` and `make cases` compare them.
"""

from __future__ import annotations

from dataclasses import replace

from gendsl.methods.mcmc import MCMC, NUTS, Engine
from gendsl.methods.nutpie import available

__all__ = ["chosen"]


def chosen(method: MCMC, *, on_cpu: bool) -> MCMC:
    """The method with a named engine.

    Args:
        method: as given.
        on_cpu: whether the density is evaluated on the CPU.
    """
    if not isinstance(method, NUTS) or method.engine is not Engine.AUTO:
        return method
    able = on_cpu and method.dense is None and method.warmup > 0 and available()
    return replace(method, engine=Engine.NUTPIE if able else Engine.NATIVE)
