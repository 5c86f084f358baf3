"""Which engine runs NUTS where none is named.

nutpie's adaptation and its metric of low rank take fewer gradients than the kernels of the backends, and only the
density is to be compiled, not a whole sampler. Its price is a call of Python for each gradient, where NumPyro compiles
the sampler with all chains in it. So on NumPyro it is ahead while there are few latents and sampling is short beside
compiling; from about 25 scalars on the kernel is ahead, up to some 100, beyond which a metric of low rank is worth more
than the calls cost. On Pyro, which compiles nothing, nutpie is ahead at every size.

nutpie runs on the CPU, adapts in warmup alone, and has no dense metric and no vectorised chains: for anything else
there are the backends' own kernels. `make peers` and `make cases` compare them.
"""

from __future__ import annotations

from dataclasses import replace

from gendsl.methods.mcmc import MCMC, NUTS, ChainMethod, Engine
from gendsl.methods.nutpie import available

__all__ = ["chosen"]


_KERNEL_AHEAD = {"numpyro": range(25, 101)}
"""Numbers of unconstrained scalars for which a backend's own kernel is the faster one."""


def chosen(method: MCMC, backend: str, dimension: int, *, on_cpu: bool) -> MCMC:
    """The method with a named engine.

    Args:
        method: as given.
        backend: the name of the backend.
        dimension: how many unconstrained scalars are sampled.
        on_cpu: whether the density is evaluated on the CPU.
    """
    if not isinstance(method, NUTS) or method.engine is not Engine.AUTO:
        return method
    apart = method.chain_method is not ChainMethod.VECTORIZED
    able = on_cpu and apart and method.dense is None and method.warmup > 0 and available()
    ahead = able and dimension not in _KERNEL_AHEAD.get(backend, ())
    return replace(method, engine=Engine.NUTPIE if ahead else Engine.NATIVE)
