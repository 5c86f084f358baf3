"""Random recurrences: scans, differential equations, Markov chains, hidden Markov chains, Gaussian processes."""

from __future__ import annotations

from gendsl.graph.constraints import nonnegative, positive, simplex
from tests.laws.strategy_arrays import ARRAYS, adds
from tests.laws.strategy_dists import LINE, Dims, Event, distribution, recipe
from tests.laws.strategy_draft import Draft
from tests.laws.strategy_fit import parameter, shaped, within
from tests.laws.strategy_values import add_real

__all__ = ["grow"]

_SIMPLE = ("sum", "mean", "softmax", "matmul", "stack", "index", "concatenate", "transpose", "logsumexp", "cumsum")


def grow(d: Draft, count: int) -> None:
    """A few more values from those at hand."""
    for _ in range(count):
        if d.choice.chance(70):
            add_real(d)
        else:
            ARRAYS[d.choice.pick(_SIMPLE)](d)


class _Inside:
    """Inside a step along a plate: only what does not vary along it may be used, and the arguments."""

    def __init__(self, d: Draft, plate: str, arguments: dict[str, float]) -> None:
        self.d, self.plate, self.arguments = d, plate, arguments

    def __enter__(self) -> None:
        d = self.d
        self.before = d.closed
        d.closed = d.closed | {self.plate}
        d.pool.reals.update(self.arguments)
        d.unused = dict.fromkeys(self.arguments)

    def __exit__(self, *_: object) -> None:
        self.d.closed = self.before


def _back(d: Draft, carry: str, others: list[str]) -> str:
    """The source of a new carry of the old one's dims and event shape, of bounded size.

    Args:
        d: the draft.
        carry: the old carry.
        others: what else there is: carries and elements.
    """
    e = d.expr(carry)
    v = shaped(d, e.event, e.dims)  # type: ignore[arg-type]
    fits = [o for o in others if set(d.expr(o).dims) <= set(e.dims) and d.expr(o).event in ((), e.event)]
    w = d.choice.pick(fits or [carry])
    return d.choice.pick(
        (
            f"0.6 * {carry} + gd.tanh({v})",
            f"gd.tanh({carry} + 0.5 * {v})",
            f"gd.sin({v}) - 0.3 * {carry}",
            f"0.4 * {carry} - 0.3 * {w}",
            f"{carry} * gd.tanh({w}) + {w} / 3.0",
            f"gd.where({w} > 0.0, 0.5 * {carry}, {w} - 0.2 * {carry})",
            f"{carry} + 0.1 * {w}",
        )
    )


@adds("scan")
def _scan(d: Draft, op: str) -> str | None:
    plates = {x for n in d.pool.reals if d.allowed(n) for x in d.expr(n).dims}
    if not plates or d.depth > 1:
        return None
    plate = d.choice.pick(sorted(plates))
    sequence = d.some_real(lambda e: plate in e.dims and len(e.dims) <= 2)
    if sequence is None:
        return None
    sequences = [sequence]
    if d.choice.chance(40):
        other = d.some_real(lambda e: plate in e.dims and len(e.dims) <= 2)
        sequences += [other] if other else []
    count = d.choice.integer(1, 2)
    free = sorted({x for n in d.pool.reals for x in d.expr(n).dims} - {plate})
    inits = []
    for _ in range(count):
        if d.choice.chance(40):
            inits.append(d.constant(d.choice.pick(((), (), (2,))), -1, 1))
        else:
            event = d.choice.pick(((), (2,), (2, 2)))
            inits.append(shaped(d, event, d.choice.subset(free, 1)))
    counter = d.choice.chance(20)
    single = count == 1 and not counter
    carries = [d.fresh("c") for _ in range(count)]
    elements = [d.fresh("s") for _ in sequences]
    counting = [d.fresh("k")] if counter else []
    arguments = [carries[0] if single else "carry", *elements]
    grown = d.choice.integer(1, 3)
    outputs = d.choice.integer(1, 2)

    def body() -> str:
        bounds = dict.fromkeys(carries, 3.0) | {e: d.bound(s) for e, s in zip(elements, sequences, strict=True)}
        with _Inside(d, plate, bounds):
            d.pool.ints += counting
            grow(d, grown)
            new = [_back(d, c, [o for o in (*carries, *elements) if o != c]) for c in carries] + [
                f"{k} + 1" for k in counting
            ]
            outs = [new[0] if d.choice.chance(30) else shaped(d, d.choice.pick(((), (2,)))) for _ in range(outputs)]
        state = new[0] if single else f"({', '.join(new)})"
        return f"{state}, " + (outs[0] if outputs == 1 else f"({', '.join(outs)})")

    head = "" if single else f"{', '.join([*carries, *counting])} = carry"
    step = d.step(arguments, body, head)
    init = inits[0] if single else f"({', '.join([*inits, *('0' for _ in counting)])},)"
    reverse = ", reverse=True" if d.choice.chance(40) else ""
    name = d.fresh("scan")
    d.run(f'{name}, {name}_out = gd.scan({step}, {init}, {", ".join(sequences)}, dim="{plate}"{reverse})')
    d.uses["scan"] += 1
    out = None
    if d.choice.chance(60):
        out = d.real(f"{name if single else f'{name}[0]'} * 1.0", 8, op)
    for k in range(outputs):
        out = d.real(f"{name}_out{f'[{k}]' if outputs > 1 else ''} * 1.0", 8, op)
    return out


@adds("odeint")
def _odeint(d: Draft, op: str) -> str | None:
    if d.depth:
        return None
    plate = d.choice.pick(d.base)
    times = d.fresh("times")
    if d.choice.chance(60):
        d.run(f'{times} = m.data("{times}", dims="{plate}")')
        d.data[times] = (0.3 * (1.0 + d.rng.uniform(size=d.size(plate)))).cumsum().round(3)
    else:
        plate = ""
        d.run(f"{times} = np.array([0.4, 1.1, 1.5])")
    free = sorted({x for n in d.pool.reals for x in d.expr(n).dims} - {plate})
    y0 = shaped(d, d.choice.pick(((2,), (), (3,))), d.choice.subset(free, 1))
    state, time = d.fresh("y"), d.fresh("t")

    def body() -> str:
        with _Inside(d, plate, {state: 3.0, time: 3.0}):
            grow(d, 1)
            v = shaped(d, d.expr(state).event, d.expr(state).dims)  # type: ignore[arg-type]
        return f"gd.tanh({v}) - 0.5 * {state} + 0.2 * gd.sin({time})"

    step = d.step([state, time], body)
    d.tolerance = max(d.tolerance, 1e-4)
    return d.real(f"gd.odeint({step}, {y0}, {times}, rtol=1e-8, atol=1e-8)", 8, op)


# -- distributions along a plate --------------------------------------------------------------------------------------
def _along(d: Draft, dims: Dims) -> tuple[str, list[str]]:
    """A plate to run along, and the others."""
    dims = list(dims)
    plate = d.choice.pick([x for x in dims if x in d.base] or d.base)
    return plate, [x for x in dims if x != plate]


def _latent_along(d: Draft, plate: str) -> str:
    """The source of a new latent of one plate, tamed: an input whose axis may stand left of the chain's plates."""
    name = d.fresh("z")
    d.run(f'{name} = m.latent("{name}", gd.Normal(0.0, 1.0), dims="{plate}")')
    d.pool.raw.append(name)
    return d.real(f"2.0 * gd.tanh({name})", 2)


@recipe("Markov")
def _markov(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    plate, rest = _along(d, dims)
    family = d.choice.pick((*LINE, "LogNormal", "Gamma", "MultivariateNormal"))
    if observed and d.choice.chance(25):
        family = d.choice.pick(("Poisson", "Bernoulli"))
    batch = batch if family != "MultivariateNormal" else ()
    init = d.define(distribution(d, family, rest, batch, exact=True), "d")
    inputs = []
    if not d.depth and d.choice.chance(35):
        inputs = [_latent_along(d, plate)]
    elif d.choice.chance(50):
        value = d.some_real(lambda e: plate in e.dims and set(e.dims) <= {plate, *rest} and e.ndim <= len(batch))
        inputs = [value] if value else []
    previous = d.fresh("p")
    arguments = [previous, *(d.fresh("s") for _ in inputs)]
    event = d.names[init].type.event
    floats = d.names[init].type.dtype == "float"

    def body() -> str:
        with _Inside(d, plate, {a: 3.0 for a in arguments if floats or a != previous}):
            if not floats:
                d.real(f"0.3 * {previous}", 2)
            grow(d, d.choice.integer(1, 2))
            loc = shaped(d, event, rest)
            if family == "MultivariateNormal":
                k = event[-1]
                return f"gd.MultivariateNormal({loc}, scale_tril=np.diag([0.7] * {k}))"
            extra = parameter(d, positive, (), rest)
            if family in LINE:
                df = "df=3.0, " if family == "StudentT" else ""
                return f"gd.{family}({df}loc=0.5 * {previous} + gd.tanh({loc}), scale={extra})"
            if family == "LogNormal":
                return f"gd.LogNormal(gd.tanh({loc}), {extra})"
            if family == "Gamma":
                return f"gd.Gamma(0.5 + gd.softplus({loc}), {extra})"
            return f"gd.Poisson(gd.exp(gd.tanh({loc})))" if family == "Poisson" else f"gd.Bernoulli(logits={loc})"

    step = d.step(arguments, body)
    tail = f", inputs=[{', '.join(inputs)}]" if inputs else ""
    return f"gd.Markov({init}, {step}, dim={plate}{tail})"


@recipe("HiddenMarkov")
def _hidden(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    plate, rest = _along(d, dims)
    k = d.choice.integer(2, 3)
    families = (*LINE, "Gamma", "MultivariateNormal", "Beta") + (("Poisson", "Bernoulli") if observed else ())
    emission = distribution(d, d.choice.pick(families), [*rest, plate], (k,), exact=True)
    initial = parameter(d, simplex if d.choice.chance(50) else nonnegative, (k,), rest, exact=True)
    transition = parameter(d, simplex, (k, k), rest, exact=True)
    return f"gd.HiddenMarkov({initial}, {transition}, {emission}, dim={plate})"


@recipe("JointNormal")
def _process(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    plate, rest = _along(d, dims)
    inputs = d.fresh("inputs")
    event = d.choice.chance(30)
    d.run(f'{inputs} = m.data("{inputs}", dims="{plate}"{", event=2" if event else ""})')
    d.data[inputs] = d.rng.normal(size=(d.size(plate), *((2,) if event else ()))).round(3)
    scale, length = parameter(d, positive, (), rest), parameter(d, positive, (), rest)
    kernels = [
        f"gd.kernel.SquaredExponential(scale={scale}, length={length})",
        f"gd.kernel.Matern({d.choice.pick((0.5, 1.5, 2.5))}, scale={scale}, length={length})",
        f"gd.kernel.Periodic(period=1.7, scale={scale}, length={length})",
        f"gd.kernel.Linear(scale={scale}, center=0.3)",
        f"(gd.kernel.SquaredExponential(length={length}) * gd.kernel.Linear() + gd.kernel.White({scale}))",
    ]
    noise = parameter(d, positive, (), dims) if d.choice.chance(70) else "0.3"
    mean = f", mean={shaped(d, (), [*rest, plate])}" if d.choice.chance(50) else ""
    d.tolerance = max(d.tolerance, 1e-8)  # the condition number of a covariance with noise 0.1 and scale 10
    return f"gd.GaussianProcess({d.choice.pick(kernels)}, {inputs}, noise=0.1 + {noise}{mean})"


_ = within
