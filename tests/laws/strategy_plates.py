"""Random operations on plates (derived ones, copies, lags) and of linear algebra."""

from __future__ import annotations

from gendsl.graph.constraints import LowerCholesky, PositiveDefinite
from tests.laws.strategy_arrays import adds
from tests.laws.strategy_draft import TAME, Draft
from tests.laws.strategy_fit import parameter, shaped

__all__: list[str] = []


# -- plates -----------------------------------------------------------------------------------------------------------
@adds("cut", "lag", "rename", "plate_index", "plate_size")
def _plates(d: Draft, op: str) -> str | None:
    if d.depth:
        return None
    if op == "plate_index":
        plate = d.choice.pick(d.base)
        d.uses["op:arange"] += 1
        if d.choice.chance(40):
            return d.integer(f"{plate}.index", "arange")
        return d.real(f"0.3 * {plate}.index", 2)
    if op == "plate_size":
        plate = d.choice.pick(d.base)
        return d.real(f"{d.any_real()} / {plate}.size", TAME, "plate_size")
    name = d.some_real(lambda e: any(x in d.base for x in e.dims) and len(e.dims) <= 2)
    if name is None:
        return None
    plate = d.choice.pick([x for x in d.expr(name).dims if x in d.base])
    m = d.bound(name)
    if op == "rename":
        if f"{plate}_2" in d.expr(name).dims:
            return None
        d.uses["rename"] += 1
        kind = d.choice.integer(0, 2)
        pair = d.real(f'{name} - {name}.rename({plate}="{plate}_2")', 2 * m)
        if kind == 0:
            return pair
        return d.real(f'gd.exp(-gd.square({pair})).sum(dim="{plate}_2")', 8)
    if d.size(plate) < 2:
        return None
    late = late_plate(d, plate)
    d.uses[op] += 1
    if op == "cut" or d.model.graph.plate[d.names[late].name].start == 0:
        return d.real(f"{name}[{late}]", m, "shift")
    k = d.choice.integer(0, d.model.graph.plate[d.names[late].name].start)
    return d.real(f"{name}[{late}] - 0.5 * gd.lag({name}, {k}, {late})", 2 * m, "shift")


def late_plate(d: Draft, plate: str) -> str:
    """A plate derived from another, with at least one element."""
    most = d.size(plate) - 1
    start = d.choice.integer(1, min(2, most))
    texts = [f"{plate} >= {start}", f"{plate}[{start}:]", f"{plate}[:-1]"]
    if most >= 2:
        texts.append(f"{plate}[1:-1]")
    name = d.define(d.choice.pick(texts), f"{plate}_late")
    if d.names[name].name not in d.derived:
        d.derived.append(d.names[name].name)
    return name


# -- linear algebra ---------------------------------------------------------------------------------------------------
@adds("matmul")
def _matmul(d: Draft, op: str) -> str | None:
    left, right = d.choice.integer(1, 3), d.choice.integer(1, 3)
    n, m, k, batch = (d.choice.integer(1, 3) for _ in range(4))
    a_event = (batch, n, m)[3 - left :]
    b_event = (m,) if right == 1 else (batch if d.choice.chance(70) else 1, m, k)[3 - right :]
    a, b = shaped(d, a_event), shaped(d, b_event)
    d.uses[f"matmul_{left}_{right}"] += 1
    if right == left == 1 and d.choice.chance(40):
        return d.real(f"gd.dot({a}, {b})", 3 * d.bound(a) * d.bound(b), op)
    return d.real(f"{a} @ {b}", 3 * d.bound(a) * d.bound(b), op)


@adds("outer", "diag", "diagonal", "tril", "add_diagonal")
def _structure(d: Draft, op: str) -> str | None:
    n = d.choice.integer(1, 3)
    lead = (2,) if d.choice.chance(30) else ()
    if op == "outer":
        a, b = shaped(d, (*lead, n)), shaped(d, (d.choice.integer(1, 3),))
        return d.real(f"gd.outer({a}, {b})", d.bound(a) * d.bound(b), op)
    if op == "diag":
        v = shaped(d, (*lead, n))
        return d.real(f"gd.diag({v})", d.bound(v), op)
    x = shaped(d, (*lead, n, n))
    if op == "diagonal":
        return d.real(f"gd.diagonal({x})", d.bound(x), op)
    if op == "tril":
        return d.real(f"gd.tril({x}, {d.choice.integer(-1, 1)})", d.bound(x), op)
    extra = d.choice.pick((shaped(d, ()), shaped(d, (n,)), "0.7"))
    return d.real(f"gd.add_diagonal({x}, {extra})", 2 * TAME, op)


@adds("cholesky", "inv", "logdet", "solve", "solve_triangular")
def _factorised(d: Draft, op: str) -> str | None:
    n = d.choice.integer(1, 3)
    lead = (2,) if d.choice.chance(25) else ()
    everywhere = [x for x in d.names["m"].graph.plate if x not in d.closed]
    if op == "solve_triangular":
        flags = d.choice.pick(("", ", lower=True", ", transposed=True"))
        a = d.define(parameter(d, LowerCholesky(), (*lead, n, n), everywhere))
        if d.choice.chance(30) and not _plain(d, a):
            a, flags = d.define(f"{a}.T"), ", lower=False"
            flags += d.choice.pick(("", ", transposed=True"))
    else:
        a = d.define(parameter(d, PositiveDefinite(), (*lead, n, n), everywhere))
    if _plain(d, a):
        return None
    d.tolerance = max(d.tolerance, 1e-9)  # condition numbers of up to some tens, squared in gradients
    if op in ("cholesky", "inv"):
        return d.real(f"gd.{op}({a})", TAME + 1, op)
    if op == "logdet":
        return d.real(f"gd.logdet({a})", TAME + 1, op)
    right = shaped(d, d.choice.pick(((n,), (n, 2), (2, n, 1), (n,))))
    if op == "solve":
        return d.real(f"gd.solve({a}, {right})", TAME + 1, op)
    return d.real(f"gd.solve_triangular({a}, {right}{flags})", TAME + 1, op)


def _plain(d: Draft, name: str) -> bool:
    """Whether a name stands for a numpy array."""
    return not hasattr(d.names[name], "dims")
