"""Random sites: data, latents, observations, factors, parameters, recorded values."""

from __future__ import annotations

import numpy as np

from gendsl.graph.constraints import Counts, Integers, Interval, Ref, implies, real
from gendsl.graph.types import DistType, DType, join_dims
from tests.laws.strategy_data import inside
from tests.laws.strategy_dists import LINE, POSITIVE, distribution, mask
from tests.laws.strategy_draft import MOST_DIMS, MOST_NUMBERS, TAME, Draft
from tests.laws.strategy_fit import shaped

__all__ = ["add_data", "add_latent", "add_observation", "add_plates", "finish"]

JOINT = ("Markov", "HiddenMarkov", "JointNormal")
LOCATED = ("Normal", "StudentT", "Laplace", "Cauchy", "Logistic", "Gumbel", "SoftLaplace", "AsymmetricLaplace")


# -- plates and data --------------------------------------------------------------------------------------------------
def add_plates(d: Draft) -> None:
    """One to three plates, of different sizes."""
    sizes = d.choice.shuffled([2, 3, 4, 1] if d.choice.chance(15) else [2, 3, 4])
    for name in ("a", "b", "c")[: d.choice.integer(1, 3)]:
        d.sizes[name] = sizes.pop()
        fixed = f", {d.sizes[name]}" if d.choice.chance(40) else ""
        d.run(f'{name} = m.plate("{name}"{fixed})')
        d.base.append(name)


def some_dims(d: Draft, most: int = MOST_DIMS, event: int = 1) -> list[str]:
    """Random plates, in random order, of not too many elements together."""
    plates = [*d.base, *d.base, *d.derived]
    out: list[str] = []
    for _ in range(d.choice.integer(0, most)):
        p = d.choice.pick(plates)
        if p not in out and d.count_of([*out, p]) * event <= MOST_NUMBERS:
            out.append(p)
    return out


def _dims(dims: list[str]) -> str:
    if not dims:
        return ""
    return f', dims="{dims[0]}"' if len(dims) == 1 else f", dims={tuple(dims)}"


def add_data(d: Draft, kind: str, dims: list[str] | None = None) -> str:
    """Data of a kind: "real", "int", "bool", "index" or "total"."""
    dims = some_dims(d, 2) if dims is None else dims
    shape = tuple(d.size(p) for p in dims)
    name = d.fresh({"real": "x", "int": "n", "bool": "b", "index": "i", "total": "total"}[kind])
    event: tuple[int, ...] = ()
    tail = _dims(dims)
    if kind == "real" and d.choice.chance(35):
        event = d.choice.pick(((2,), (3,), (2, 3), (1,)))
        tail += f", event={event if len(event) > 1 else event[0]}"
    if kind == "index":
        target = d.choice.pick(d.base)
        value = d.rng.integers(0, d.size(target), shape)
        tail += f', indexes="{target}"'
        d.pool.indexes[name] = target
    elif kind == "bool":
        value, tail = d.rng.random(shape) < 0.6, tail + ", dtype=bool"
        d.pool.bools.append(name)
    elif kind == "real":
        value = d.rng.normal(size=shape + event).round(3)
        d.pool.reals[name] = 3.0
    else:
        value, tail = d.rng.integers(*((0, 4) if kind == "int" else (3, 7)), shape), tail + ", dtype=int"
        d.pool.ints.append(name)
    d.run(f'{name} = m.data("{name}"{tail})')
    d.data[name] = np.asarray(value)
    d.uses[f"data:{kind}"] += 1
    return name


# -- latents ----------------------------------------------------------------------------------------------------------
def _site_dims(d: Draft, t: DistType, dims: list[str]) -> list[str]:
    """The plates of a site: those of its distribution, and others."""
    need = [*join_dims(t.dims, t.joint)]
    more = [p for p in dims if p not in need and d.choice.chance(60)]
    return d.choice.shuffled([*need, *more])


def add_latent(d: Draft, family: str) -> None:
    """A latent; its value, tamed, goes to the pools."""
    batch = d.choice.pick(((), (), (), (2,), (3,), (2, 2), (1,)))
    if family in JOINT:
        batch = d.choice.pick(((), (), (2,)))
    dims = some_dims(d, 2 if batch else 3, 4)
    dist = d.define(distribution(d, family, dims, batch), "d")
    t: DistType = d.names[dist].type
    tail = _dims(_site_dims(d, t, dims))
    if family in LOCATED or family == "MultivariateNormal":
        choices = ["", "", ", centered=True"]
        if family in LOCATED or "scale_tril" in d.names[dist].params:
            choices += [", centered=False"]
        centered = d.choice.pick(choices)
        d.uses["noncentred"] += "False" in centered
        tail += centered
    if family in ("Normal", "Laplace", "StudentT") and "centered=False" not in tail and d.choice.chance(20):
        tail += ", constraint=" + _constraint(d, t)
        d.uses["constraint"] += 1
    name = d.fresh("z")
    d.run(f'{name} = m.latent("{name}", {dist}{tail})')
    d.pool.raw.append(name)
    d.unused[name] = None
    bound = _bound(d, name)
    if bound <= TAME:
        d.pool.reals[name] = bound
    else:
        d.real(f"2.0 * gd.tanh({name} / {d.choice.number(2, 5)})", 2)


def _constraint(d: Draft, t: DistType) -> str:
    found = ["gd.positive", "gd.Interval(-1.0, 2.5)", "gd.Interval(None, 1.0)", "gd.unit_interval"]
    if t.event and t.event[-1] != 1:
        found += ["gd.ordered", "gd.simplex", "gd.positive_ordered"]
    return d.choice.pick(found)


def _bound(d: Draft, name: str) -> float:
    s = d.expr(name).support
    if isinstance(s, Interval) and isinstance(s.lower, float) and isinstance(s.upper, float):
        return max(abs(s.lower), abs(s.upper))
    return 1.0 if implies(s, Interval(-1.0, 1.0, (True, True))) else 99.0


# -- observations -----------------------------------------------------------------------------------------------------
def add_observation(d: Draft, family: str, how: str | None = None) -> None:
    """An observation of data in its support, perhaps masked, with missing elements, or of an expression."""
    batch = d.choice.pick(((), (), (), (2,), (3,), (2, 2)))
    if family in JOINT:
        batch = d.choice.pick(((), (), (2,)))
    dims = some_dims(d, 3, 4)
    if how == "impute" or how == "missing":
        dims, batch = dims or [d.base[0]], ()
    how = how or d.choice.pick(("", "", "", "mask", "missing", "impute", "value"))
    d.total = None
    dist = d.define(distribution(d, family, dims, batch, observed=True), "d")
    t: DistType = d.names[dist].type
    names = _site_dims(d, t, dims)
    name = d.fresh("y")
    tail = _dims(names)
    scalar = t.dtype is DType.FLOAT and not t.event and not t.support.dynamic
    if (
        how == "value"
        and family != "Delta"
        and t.support == real
        and not t.joint
        and not t.event
        and t.dtype is DType.FLOAT
    ):
        value = d.some_real(lambda e: e.event == t.event and set(t.dims) <= set(e.dims))
        if value is not None:
            d.run(f'm.observe("{name}", {dist}, value={value})')
            d.uses["observe_value"] += 1
            return
    if family == "Delta":
        value = d.define(f"{dist}.params['v'] * 1.0")
        if set(t.dims) <= set(d.expr(value).dims):
            value = f"{value} * 1.0" if d.expr(value).event == t.event else f"gd.broadcast_to({value}, {t.event})"
            d.run(f'm.observe("{name}", {dist}, value={value})')
        return
    if how == "mask" and not t.joint:
        tail += f", mask={mask(d, names)}"
        d.uses["mask"] += 1
    gone = None
    if how in ("missing", "impute") and names and (scalar or (how == "missing" and not t.joint)):
        kind = "IMPUTE" if how == "impute" and scalar else "MASK"
        tail += f", missing=gd.Missing.{kind}"
        d.uses[f"missing:{kind}"] += 1
        gone = d.rng.random([d.size(p) for p in names]) < 0.3
        gone.flat[0] = True
    d.run(f'm.observe("{name}", {dist}{tail})')
    y = _observed(d, t, names)
    if gone is not None:
        y = y.astype(float)
        y[gone] = np.nan
    d.data[name] = y


def _observed(d: Draft, t: DistType, names: list[str]) -> np.ndarray:
    """Data in a support; where its bounds are values, in the range that they are known to leave."""
    event = tuple(e if isinstance(e, int) else d.size(e) for e in t.event[len(t.joint) :])
    shape = (*(d.size(p) for p in names), *event)
    s = t.support
    if isinstance(s, Interval) and s.dynamic:
        if s.upper is None:
            return (1.1 + d.rng.gamma(2.0, 0.6, shape)).round(3)
        return d.rng.uniform(-1.0, 1.0, shape).round(3)
    if isinstance(s, Integers) and isinstance(s.upper, Ref):
        return d.rng.integers(0, 3, shape)
    if isinstance(s, Counts) and isinstance(s.total, Ref):
        name = str(d.total)
        have = d.expr(name).dims
        order = [have.index(p) for p in names if p in have]
        laid = [d.size(p) if p in have else 1 for p in names] + [1] * (len(event) - 1)
        total = np.broadcast_to(np.reshape(np.transpose(d.data[name], order), laid), shape[:-1])
        return d.rng.multinomial(total, np.full(event[-1], 1 / event[-1]))
    return inside(d.rng, s, shape)


# -- the rest ---------------------------------------------------------------------------------------------------------
def add_param(d: Draft) -> str:
    """A parameter without a prior."""
    name = d.fresh("theta")
    init = d.choice.pick(("0.5", "np.array([0.4, -1.2])", "np.array([[0.3, 0.1, -0.7]])"))
    dims = d.choice.subset(d.base, 1)
    tail = _dims(dims)
    if init == "0.5" and d.choice.chance(50):
        tail += ", constraint=gd.positive"
    d.run(f'{name} = m.param("{name}", {init}{tail})')
    d.uses["param"] += 1
    d.pool.reals[name] = 1.2
    d.unused[name] = None
    return name


def add_let(d: Draft) -> None:
    """A recorded value."""
    name = d.fresh("w")
    source = d.any_real()
    d.run(f'{name} = m.let("{name}", {source})')
    d.uses["let"] += 1
    d.pool.reals[name] = d.bound(source)


def add_log_prob(d: Draft) -> None:
    """A log-probability as an expression."""
    value = d.any_real()
    e = d.expr(value)
    event = tuple(s for s in e.event if isinstance(s, int))
    family = d.choice.pick((*LINE, *POSITIVE[:2]))
    inner = distribution(d, family, e.dims if d.choice.chance(50) else some_dims(d, 1), event, exact=True)
    if family in POSITIVE:
        value = f"0.3 + gd.softplus({value})"
    text = f"gd.log_prob({inner}, {value})" if d.choice.chance(50) else f"{inner}.log_prob({value})"
    d.uses["op:log_prob"] += 1
    d.real(f"0.1 * {text}", 99)


def add_factor(d: Draft, source: str | None = None) -> None:
    """A factor."""
    source = source or d.any_real()
    name = d.fresh("f")
    e = d.expr(source)
    text = f"{source}.sum()" if e.ndim else source
    if e.dtype is DType.BOOL:
        text = f"gd.to_float({source}).sum()" if e.ndim else f"gd.to_float({source})"
    if e.dtype is DType.INT:
        text = f"0.1 * {text}"
    d.run(f'm.factor("{name}", {text})')
    d.uses["factor"] += 1


def finish(d: Draft) -> None:
    """Every value that nothing uses becomes a factor, so that every line counts."""
    for name in list(d.unused):
        if name not in d.pool.raw:
            add_factor(d, name)
    graph = d.model.graph
    if not graph.of("latent"):
        add_latent(d, "Normal")
    sized = {p for n in d.data if n in d.names for p in d.expr(n).dims}
    for p in d.base:
        if p not in sized and d.model.graph.plate[p].size is None:
            add_data(d, "real", [p])


_ = shaped
