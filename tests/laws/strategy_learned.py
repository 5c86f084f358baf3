"""Random learned distributions: flows, autoregressive models, diffusions, energies, with and without a context."""

from __future__ import annotations

from gendsl.graph.constraints import positive
from tests.laws.strategy_dists import Dims, Event, recipe
from tests.laws.strategy_draft import Draft
from tests.laws.strategy_fit import parameter, shaped

__all__: list[str] = []

_NUMBER = (
    "(tr.Elementwise(scalar=tr.Spline(bins=3)),)",
    "(tr.Elementwise(), tr.Exp())",
    "(tr.Elementwise(), tr.Sigmoid(), tr.Scale(-1.5, 4.0))",
)
_VECTOR = (
    *_NUMBER,
    "tr.nsf(2, bins=3, hidden=(2,))",
    "tr.realnvp(2, hidden=(2,))",
    "tr.maf(2, hidden=(2,))",
    "tr.iaf(1, hidden=())",
    "(tr.LULinear(), tr.Reverse(), tr.Softplus())",
)


def _context(d: Draft, dims: Dims, batch: Event, exact: bool) -> tuple[str, str]:
    """The source of a context, and of the axes that it does not bring."""
    if not exact and d.choice.chance(50):
        return "", f".expand({', '.join(map(str, batch))})" if batch else ""
    inner = batch if exact or d.choice.chance(50) else ()
    tail = f".expand({', '.join(map(str, batch))})" if batch and not inner else ""
    return f", context={shaped(d, (*inner, d.choice.integer(1, 2)), dims)}", tail


@recipe("Flow")
def _flow(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    event = d.choice.pick(["", ".expand(2)", ".expand(3)", ".expand(2, 2)"])
    base = f"gd.Normal({shaped(d, (), dims)}, {parameter(d, positive, (), dims)}){event}"
    context, tail = _context(d, dims, batch, exact)
    transforms = d.choice.pick(_VECTOR if event else _NUMBER)
    return f"learned.Flow({base}, {transforms}{context}){tail}"


@recipe("Autoregressive")
def _autoregressive(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    event = d.choice.pick(["1", "3", "(2, 2)"])
    element = ", de.CategoricalElement(3)" if observed and d.choice.chance(50) else ""
    context, tail = _context(d, dims, batch, exact)
    return f"learned.Autoregressive({event}{element}, hidden=(3,){context}){tail}"


_PROCESSES = (
    "df.VP()",
    "df.VP(df.schedule.Cosine())",
    "df.SubVP()",
    "df.EDM(0.1, 5.0)",
    "df.VE(0.1, 5.0)",
    "df.OU()",
    "df.Rectified()",
)
_OUTPUTS = ("eps", "x0", "v", "velocity", "score", "F")
_SAMPLERS = ("DDIM(steps=2)", "Heun(steps=1)", "DPMSolver(steps=2)", "DPMSolver(steps=3, order=3, denoise=True)")


@recipe("Diffusion")
def _diffusion(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    event = d.choice.pick(["1", "2", "(2, 1)"])
    context, tail = _context(d, dims, batch, exact)
    options = f"predicts={d.choice.pick(_OUTPUTS)!r}, sampler=sa.{d.choice.pick(_SAMPLERS)}, event={event}"
    network = f"nn.MLP({event}, hidden=(2,), time=nn.Fourier(size=2, width=2, scale=1.0))"
    flow = "sa.ProbabilityFlow(steps=2)"
    return f"diffusion.Diffusion({d.choice.pick(_PROCESSES)}, network={network}, {options}, flow={flow}{context}){tail}"


@recipe("Energy")
def _energy(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    event = d.choice.pick(["1", "3", "(2, 2)"])
    spread = d.choice.pick(["", ", spread=1.5"])
    context, tail = _context(d, dims, batch, exact)
    return f"unnormalised.Energy(nn.MLP(1, hidden=(2,)), {event}{spread}{context}){tail}"
