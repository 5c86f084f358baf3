"""Random distributions of every family; families without a recipe are made from the constraints of their parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gendsl.graph.constraints import (
    CorrCholesky,
    Interval,
    Ordered,
    Simplex,
    nonnegative,
    positive,
    real,
    simplex,
    unit_interval,
)
from gendsl.graph.families import FAMILIES, Parameter
from gendsl.graph.types import DType
from tests.laws.strategy_draft import Draft
from tests.laws.strategy_fit import parameter, shaped

__all__ = ["COUNTS", "LINE", "POSITIVE", "RECIPES", "distribution"]

Dims = Iterable[str]
Event = tuple[int, ...]
Recipe = Callable[[Draft, Dims, Event, bool, bool], str]
RECIPES: dict[str, Recipe] = {}

LINE = ("Normal", "Laplace", "StudentT", "Cauchy", "Logistic", "Gumbel", "SoftLaplace", "AsymmetricLaplace")
POSITIVE = ("Gamma", "LogNormal", "Weibull", "InverseGamma", "Chi2")
COUNTS = ("Poisson", "GammaPoisson", "NegativeBinomial", "Geometric", "ZeroInflatedPoisson")
UNIT = ("Beta", "Kumaraswamy", "RelaxedBernoulli")


def distribution(
    d: Draft, family: str, dims: Dims, batch: Event = (), *, observed: bool = False, exact: bool = False
) -> str:
    """The source of a distribution over at most these dims with these independent event axes.

    Args:
        d: the draft.
        family: its name.
        dims: plates that its parameters may vary over.
        batch: independent event axes.
        observed: whether it is for data: bounds are then such that data in (-1, 1), or above 1.1, lie inside.
        exact: whether one parameter at least must have all of `batch` (else `.expand` may give it).
    """
    d.uses[f"family:{family}"] += 1
    dims = tuple(dims)
    recipe = RECIPES.get(family)
    if recipe is not None:
        return recipe(d, dims, batch, observed, exact)
    return generic(d, family, dims, batch, exact)


def generic(d: Draft, family: str, dims: Dims, batch: Event, exact: bool, **given: str) -> str:
    """A distribution from the constraints of its parameters."""
    k = d.choice.integer(2, 3)
    outer: Event = ()
    if batch and not exact and d.choice.chance(40):
        cut = d.choice.integer(1, len(batch))
        outer, batch = batch[:cut], batch[cut:]
    chosen: list[Parameter] = []
    groups: dict[str, list[Parameter]] = {}
    for p in FAMILIES[family].params:
        if p.group is not None:
            groups.setdefault(p.group, []).append(p)
        elif p.required or given.get(p.name) or (p.name not in given and d.choice.chance(75)):
            chosen.append(p)
    for members in groups.values():
        fixed = [p for p in members if p.name in given]
        chosen.append(fixed[0] if fixed else d.choice.pick(members))
    free = [p for p in chosen if p.name not in given]
    if exact and not free:
        chosen = free = [next(p for p in FAMILIES[family].params if p.group is None)]
    carrier = d.choice.pick(free) if free else None
    parts = []
    for p in chosen:
        if p.name in given:
            parts.append(f"{p.name}={given[p.name]}")
            continue
        whole = exact and p is carrier
        ways: tuple[Event, ...] = (batch, (), batch[-1:], (1,) * bool(batch))
        event = batch if whole else d.choice.pick(ways)
        own = (k, k)[: p.rank]
        if p.name == "cov_factor":
            own = (k, d.choice.integer(1, 2))
        text = parameter(d, p.constraint, event + own, dims, exact=whole or p.rank > 0)
        parts.append(f"{p.name}={text}")
    shape = ", ".join(map(str, outer))
    return f"gd.{family}({', '.join(parts)})" + (f".expand({shape})" if outer else "")


def recipe(*families: str) -> Callable[[Recipe], Recipe]:
    """Register a recipe."""

    def register(f: Recipe) -> Recipe:
        for name in families:
            RECIPES[name] = f
        return f

    return register


def _with(family: str, make: Callable[[Draft, Dims, bool], dict[str, str]]) -> None:
    """A recipe that fixes some parameters."""

    def f(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
        return generic(d, family, dims, batch, exact, **make(d, dims, observed))

    RECIPES[family] = f


def _total(d: Draft, dims: Dims, observed: bool) -> dict[str, str]:
    found = [n for n in d.data if n.startswith("total") and set(d.expr(n).dims) <= set(dims)] if not d.depth else []
    if found and d.choice.chance(60):
        name = d.choice.pick(found)
        d.total = name
        return {"total_count": name}
    return {"total_count": str(d.choice.integer(3, 6))}


for _family in ("Binomial", "BetaBinomial", "Multinomial", "DirichletMultinomial"):
    _with(_family, _total)


def _uniform(d: Draft, dims: Dims, observed: bool) -> dict[str, str]:
    if d.choice.chance(25):
        return {"low": "-1.3", "high": "2"}
    low = d.define(f"-1.1 - gd.softplus({shaped(d, (), dims)})")
    if d.choice.chance(30):
        return {"low": low, "high": "1.5"}
    return {"low": low, "high": f"1.1 + gd.softplus({shaped(d, (), dims)})"}


def _truncated(d: Draft, dims: Dims, observed: bool) -> dict[str, str]:
    given = _uniform(d, dims, observed)
    if d.choice.chance(50):
        given[d.choice.pick(tuple(given))] = ""  # left out
    return given


def _pareto(d: Draft, dims: Dims, observed: bool) -> dict[str, str]:
    return {"scale": f"0.2 + 0.8 * gd.sigmoid({shaped(d, (), dims)})"} if observed or d.choice.chance(50) else {}


def _wishart(d: Draft, dims: Dims, observed: bool) -> dict[str, str]:
    return {"df": f"3.1 + gd.softplus({shaped(d, (), dims)})"}


def _sine(d: Draft, dims: Dims, observed: bool) -> dict[str, str]:
    given = {k: f"1.1 + gd.softplus({shaped(d, (), dims)})" for k in ("phi_concentration", "psi_concentration")}
    v = shaped(d, (), dims)
    if d.choice.chance(50):
        return given | {"correlation": f"0.9 * gd.tanh({v})"}
    return given | {"weighted_correlation": f"0.8 * gd.tanh({v})"}


_with("Uniform", _uniform)
_with("TruncatedNormal", _truncated)
_with("Pareto", _pareto)
_with("Wishart", _wishart)
_with("SineBivariateVonMises", _sine)


@recipe("LKJ", "LKJCholesky")
def _lkj(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    return _lkj_of(d, "LKJ", dims, batch)


def _lkj_of(d: Draft, family: str, dims: Dims, batch: Event) -> str:
    concentration = parameter(d, positive, batch if d.choice.chance(50) else (), dims)
    tail = f".expand({', '.join(map(str, batch))})" if batch and d.choice.chance(30) else ""
    return f"gd.{family}({d.choice.integer(2, 3)}, {concentration}){tail}"


RECIPES["LKJCholesky"] = lambda d, dims, batch, observed, exact: _lkj_of(d, "LKJCholesky", dims, batch)


# -- distributions of distributions -----------------------------------------------------------------------------------
@recipe("Masked")
def _masked(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    inner = distribution(d, d.choice.pick((*LINE, *POSITIVE, "Beta")), dims, batch, observed=observed, exact=exact)
    return f"{inner}.mask({mask(d, dims)})"


def mask(d: Draft, dims: Dims) -> str:
    """The source of a mask over at most these dims."""
    found = [b for b in d.pool.bools if set(d.expr(b).dims) <= set(dims) and not d.expr(b).ndim and d.allowed(b)]
    if found and d.choice.chance(70):
        name = d.choice.pick(found)
        d.use(name)
        return name
    return f"{shaped(d, (), dims)} < 0.6137"


@recipe("Folded")
def _folded(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    return f"gd.Folded({distribution(d, d.choice.pick(LINE), dims, batch, exact=exact)})"


@recipe("ZeroInflated")
def _zero_inflated(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    inner = distribution(d, d.choice.pick(COUNTS[:4]), dims, batch, exact=exact)
    event = batch if d.choice.chance(30) else ()
    if d.choice.chance(50):
        return f"gd.ZeroInflated({inner}, gate={parameter(d, unit_interval, event, dims)})"
    return f"gd.ZeroInflated({inner}, gate_logits={parameter(d, real, event, dims)})"


@recipe("SineSkewed")
def _skewed(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    base = distribution(d, "SineBivariateVonMises", dims, ())
    return f"gd.SineSkewed({base}, skewness=0.45 * gd.tanh({shaped(d, (2,), dims)}))"


@recipe("Delta")
def _delta(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    density = f", {shaped(d, (), dims)}" if d.choice.chance(60) else ""
    return f"gd.Delta({shaped(d, batch, dims)}{density})"


@recipe("Unit")
def _unit(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    return f"gd.Unit({shaped(d, (), dims)})"


@recipe("MixtureOf")
def _mixture(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    k = d.choice.integer(2, 3)
    families = (*LINE, *POSITIVE, *UNIT, "Dirichlet", "MultivariateNormal")
    if observed:
        families += ("Poisson", "Binomial", "Categorical", "Bernoulli", "GammaPoisson")
    inner = distribution(d, d.choice.pick(families), dims, (*batch, k), exact=True)
    return f"gd.Mixture({parameter(d, simplex, (k,), dims, exact=True)}, {inner})"


@recipe("MixtureGeneral")
def _mixture_general(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    kinds = [LINE, POSITIVE, UNIT] + ([COUNTS] if observed else [])
    kind = d.choice.pick(kinds)
    k = d.choice.integer(2, 3)
    parts = ", ".join(distribution(d, d.choice.pick(kind), dims, batch, exact=True) for _ in range(k))
    return f"gd.Mixture({parameter(d, Simplex(), (k,), dims, exact=True)}, [{parts}])"


CONSTRAINTS: tuple[tuple[str, Event], ...] = (
    ("gd.real", ()),
    ("gd.positive", ()),
    ("gd.unit_interval", ()),
    ("gd.nonnegative", ()),
    ("gd.Interval(-1.5, 2.0)", ()),
    ("gd.Interval(1.0, None)", ()),
    ("gd.Interval(None, 2.0)", ()),
    ("gd.simplex", (3,)),
    ("gd.ordered", (3,)),
    ("gd.positive_ordered", (2,)),
    ("gd.corr_cholesky", (3, 3)),
    ("gd.corr_matrix", (2, 2)),
    ("gd.lower_cholesky", (2, 2)),
    ("gd.positive_definite", (2, 2)),
)


@recipe("ImproperUniform")
def _improper(d: Draft, dims: Dims, batch: Event, observed: bool, exact: bool) -> str:
    text, own = d.choice.pick(CONSTRAINTS)
    d.uses[f"improper:{text}"] += 1
    shape = batch + own
    if batch and d.choice.chance(30):
        return f"gd.ImproperUniform({text}{f', {own}' if own else ''}).expand({', '.join(map(str, batch))})"
    return f"gd.ImproperUniform({text}{f', {shape}' if shape else ''})"


CONTINUOUS = tuple(n for n, f in FAMILIES.items() if f.dtype is DType.FLOAT or not isinstance(f.dtype, DType))
_ = (CorrCholesky, Interval, Ordered, nonnegative)
