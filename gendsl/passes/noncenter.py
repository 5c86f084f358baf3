"""Non-centring: x ~ F(loc, scale) with a random scale becomes z ~ F(0, 1), x = loc + scale z.

Where the scale of a group of latents is itself unknown, the centred posterior is a funnel (its width at fixed scale is
proportional to the scale), which no fixed step size crosses. The same holds for a multivariate normal with an unknown
Cholesky factor: x = loc + L z. A latent is non-centred when its scale depends on another latent, unless it was declared
with `centered=True`; `centered=False` forces it.

Partly centred, with a share c in [0, 1] for each element, it is

    z ~ F(c loc, scale^c);  x = loc + scale^(1 - c) (z - c loc)

which is x itself at c = 1 and standard at c = 0. The shares are a parameter of the program, set after warmup has shown
how much the data say of each element (gendsl/centering.py).

Reference:
    A General Framework for the Parametrization of Hierarchical Models (Papaspiliopoulos, Roberts, Skoeld, 2007) |
    https://doi.org/10.1214/088342307000000014
    Automatic Reparameterisation of Probabilistic Programs (Gorinova, Moore, Hoffman, 2020) |
    https://arxiv.org/abs/1906.03028
"""

from __future__ import annotations

from gendsl.errors import ModelError
from gendsl.graph.constraints import real
from gendsl.graph.families import FAMILIES
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DistType, DType
from gendsl.passes.rewrite import Rewriter, dist_of, rewrite

__all__ = ["noncenter", "partly_noncenter"]

_TINY = 1e-30  # a scale below it has the logarithm of this, in single precision too


def noncenter(graph: Graph) -> tuple[Graph, list[str]]:
    """Non-centre the latents whose scale is random."""
    return _run(graph, False)


def partly_noncenter(graph: Graph) -> tuple[Graph, list[str]]:
    """The same, location-scale families by shares that are parameters `<latent>_centering`, 0 at first."""
    return _run(graph, True)


def _run(graph: Graph, partly: bool) -> tuple[Graph, list[str]]:

    def visit(r: Rewriter, i: int, n: Node) -> int | None:
        if n.op != "latent" or n.attr["centered"] is True:
            return None
        d, t = dist_of(graph, n)
        family = FAMILIES[d.op[5:]]
        names = d.attr["params"]
        args = dict(zip(names, d.args, strict=False))
        forced = n.attr["centered"] is False
        if family.location_scale is not None:
            scale = args[family.location_scale[1]]
        elif family.name == "MultivariateNormal" and "scale_tril" in args:
            scale = args["scale_tril"]
        elif forced:
            raise ModelError(
                f"a {family.name} latent has no non-centred form",
                node=n.name,
                given="centered=False",
                needed="a location-scale family, or MultivariateNormal with scale_tril",
                where=n.where,
            )
        else:
            return None
        if not forced and not graph.drawn[scale]:
            return None
        known = {k: r.map[a] for k, a in args.items()}
        if partly and family.location_scale is not None and not forced:
            r.notes.append(f"'{n.name}': its scale is random; centred by the shares '{n.name}_centering'")
            return _partly(r, n, d, t, known, family.location_scale)
        r.notes.append(f"'{n.name}': its scale is random; drawn as '{n.name}_base' and moved by loc + scale * base")
        if family.location_scale is None:
            return _vector(r, n, t, known)
        return _scalar(r, n, d, t, known, family.location_scale)

    return rewrite(graph, visit)


def _base(r: Rewriter, n: Node, dist: int) -> int:
    attrs = {"dims": n.attr["dims"], "centered": True, "axes": n.attr["axes"]}
    return r.add("latent", (dist,), r.free_name(f"{n.name}_base"), n.where, **attrs)


def _scalar(r: Rewriter, n: Node, d: Node, t: DistType, args: dict[str, int], names: tuple[str, str]) -> int:
    loc, scale = args[names[0]], args[names[1]]
    standard = dict(args)
    standard[names[0]], standard[names[1]] = r.const(0.0), r.const(1.0)
    others = [k for k in args if k not in names]
    expand = t.event
    if any(r.array(args[k]).rank for k in others):
        for k in others:
            standard[k] = r.add("broadcast_event", (args[k],), shape=t.event)
        expand = ()
    z = _base(r, n, r.dist(d.op[5:], standard, expand))
    x = r.add("add", (loc, r.add("mul", (scale, z))))
    return r.add("let", (x,), n.name, n.where, axes=n.attr["axes"])


def _partly(r: Rewriter, n: Node, d: Node, t: DistType, args: dict[str, int], names: tuple[str, str]) -> int:
    kind = ArrayType(n.attr["dims"], t.event, DType.FLOAT, real)
    share = r.add("param", (), r.free_name(f"{n.name}_centering"), n.where, type=kind, init=0.0, axes=n.attr["axes"])
    # Recorded, so that the shares can be learnt from draws of them.
    loc, scale = (r.add("let", (args[k],), r.free_name(f"{n.name}_{k}"), n.where, axes=()) for k in names)
    log_scale = r.add("log", (r.add("maximum", (scale, r.const(_TINY))),))
    moved = r.add("mul", (share, loc))
    params = {k: r.add("broadcast_event", (a,), shape=t.event) if k not in names else a for k, a in args.items()}
    params[names[0]], params[names[1]] = moved, r.add("exp", (r.add("mul", (share, log_scale)),))
    z = _base(r, n, r.dist(d.op[5:], params))
    rest = r.add("exp", (r.add("mul", (r.add("sub", (r.const(1.0), share)), log_scale)),))
    x = r.add("add", (loc, r.add("mul", (rest, r.add("sub", (z, moved))))))
    return r.add("let", (x,), n.name, n.where, axes=n.attr["axes"])


def _vector(r: Rewriter, n: Node, t: DistType, args: dict[str, int]) -> int:
    normal = r.dist("Normal", {"loc": r.const(0.0), "scale": r.const(1.0)}, t.event)
    z = _base(r, n, normal)
    column = r.add("expand_dims", (z,), axis=-1)
    moved = r.add("index", (r.add("matmul", (args["scale_tril"], column)),), axis=-1, at=0)
    x = r.add("add", (args["loc"], moved))
    return r.add("let", (x,), n.name, n.where, axes=n.attr["axes"])
