"""Latents whose support needs care, written over supports that both engines map alike.

- Bounds that depend on another site: with both bounds x = low + (high - low) v, v on the unit interval; with one,
  x = low + e (or high - e), e positive. A Uniform needs no correction; any other prior becomes a factor
  log p(x) + log |dx/dv|.
- Angles: a flat prior on [-pi, pi] and a factor log p(x). (One engine maps angles to the whole line, where a von Mises
  density has infinite mass.)
- Cholesky factors of covariances: a real vector v, the log-diagonal among it, log |dL/dv| = sum_i log L_ii.
- Positive-definite matrices: X = L L', log |dX/dv| = n log 2 + sum_i (n - i + 2) log L_ii.
- Directions: x = z / |z| with z ~ N(0, I), which is uniform on the sphere, and a factor log p(x) + log(area).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gendsl.errors import ModelError
from gendsl.graph.constraints import (
    Circular,
    Interval,
    LowerCholesky,
    PositiveDefinite,
    Ref,
    Sphere,
    positive,
    real,
)
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import DistType
from gendsl.passes.rewrite import Rewriter, dist_of, rewrite

__all__ = ["bounds"]


def bounds(graph: Graph) -> tuple[Graph, list[str]]:
    """Lower latents whose support is dynamic or not mapped alike by both engines."""

    def visit(r: Rewriter, i: int, n: Node) -> int | None:
        if n.op != "latent":
            return None
        d, t = dist_of(graph, n)
        s = t.support
        if not isinstance(s, Circular | LowerCholesky | PositiveDefinite | Sphere) and not s.dynamic:
            return None
        if t.joint:
            raise ModelError(
                "a sequence whose support depends on a value cannot be a latent",
                node=n.name,
                given=str(s),
                needed="a fixed support",
                where=n.where,
            )
        low = _Lowering(r, n, d, t, r.map[n.args[0]])
        return low.run()

    return rewrite(graph, visit)


class _Lowering:
    """The lowering of one latent."""

    def __init__(self, r: Rewriter, n: Node, d: Node, t: DistType, dist: int) -> None:
        self.r, self.n, self.d, self.t, self.dist = r, n, d, t, dist
        self.name = str(n.name)

    def run(self) -> int:
        s = self.t.support
        if isinstance(s, Circular):
            return self._restricted(Interval(-math.pi, math.pi, (True, True)))
        if isinstance(s, LowerCholesky | PositiveDefinite):
            return self._matrix(positive_definite=isinstance(s, PositiveDefinite))
        if isinstance(s, Sphere):
            return self._direction()
        if isinstance(s, Interval):
            return self._interval(s)
        raise ModelError(
            "a discrete latent whose range depends on a value cannot be sampled",
            node=self.name,
            where=self.n.where,
        )

    # -- pieces -----------------------------------------------------------------------------------------------------
    def _site(self, suffix: str, dist: int) -> int:
        attrs = {"dims": self.n.attr["dims"], "centered": True, "axes": self.n.attr["axes"]}
        return self.r.add("latent", (dist,), self.r.free_name(f"{self.name}_{suffix}"), self.n.where, **attrs)

    def _flat(self, support: object, shape: tuple[object, ...]) -> int:
        return self.r.dist("ImproperUniform", {}, (), (("constraint", support), ("shape", shape)))

    def _let(self, value: int) -> int:
        return self.r.add("let", (value,), self.name, self.n.where, axes=self.n.attr["axes"])

    def _factor(self, terms: list[int]) -> None:
        if self.d.op == "dist.ImproperUniform":
            terms = terms[1:]  # its density is 1
        if not terms:
            return
        total = terms[0]
        for extra in terms[1:]:
            total = self.r.add("add", (total, extra))
        self.r.add("factor", (total,), self.r.free_name(f"{self.name}_density"), self.n.where)

    def _sum(self, x: int, event: tuple[object, ...]) -> int:
        """The sum over the whole event of x, broadcast to it first."""
        if not event:
            return x
        if self.r.array(x).event != event:
            x = self.r.add("broadcast_event", (x,), shape=event)
        return self.r.add("sum", (x,), axes=tuple(range(-len(event), 0)), dims=())

    def _density(self, x: int) -> int:
        return self.r.add("log_prob", (self.dist, x))

    def _note(self, text: str) -> None:
        self.r.notes.append(f"'{self.name}': {text}")

    # -- the cases --------------------------------------------------------------------------------------------------
    def _restricted(self, support: Interval) -> int:
        attrs = {"dims": self.n.attr["dims"], "centered": True, "axes": self.n.attr["axes"]}
        x = self.r.add("latent", (self._flat(support, self.t.event),), self.name, self.n.where, **attrs)
        self._factor([self._density(x)])
        self._note(f"drawn flat {support}, its density a factor")
        return x

    def _interval(self, s: Interval) -> int:
        r, event = self.r, self.t.event
        low = self._bound(s.lower)
        high = self._bound(s.upper)
        if low is not None and high is not None:
            unit = r.dist("Uniform", {"low": r.const(0.0), "high": r.const(1.0)}, event)
            v = self._site("unit", unit)
            width = r.add("sub", (high, low))
            x = self._let(r.add("add", (low, r.add("mul", (width, v)))))
            if self.d.op != "dist.Uniform":
                self._factor([self._density(x), self._sum(r.add("log", (width,)), event)])
            self._note("its bounds depend on other values; drawn on the unit interval and mapped")
            return x
        v = self._site("excess", self._flat(positive, event))
        if low is not None:
            x = self._let(r.add("add", (low, v)))
        elif high is not None:
            x = self._let(r.add("sub", (high, v)))
        else:
            raise ModelError("a support without bounds", node=self.name, where=self.n.where)
        self._factor([self._density(x)])
        self._note("its bound depends on another value; its distance from it is drawn")
        return x

    def _bound(self, bound: object) -> int | None:
        if bound is None:
            return None
        return self.r.map[bound.node] if isinstance(bound, Ref) else self.r.const(float(bound))  # type: ignore[arg-type]

    def _matrix(self, positive_definite: bool) -> int:
        r = self.r
        *batch, _, n = self.t.event
        if not isinstance(n, int):
            raise ModelError(
                "a matrix latent needs a fixed size", node=self.name, given=str(self.t), where=self.n.where
            )
        v = self._site("free", self._flat(real, (*batch, n * (n + 1) // 2)))
        m = r.add("vector_to_tril", (v,), size=n)
        log_diagonal = r.add("diagonal", (m,))
        on = r.add("diag", (r.add("exp", (log_diagonal,)),))
        factor = r.add("add", (r.add("tril", (m,), k=-1), on))
        jacobian = log_diagonal
        value = factor
        if positive_definite:
            axes = (*range(-len(self.t.event), -2), -1, -2)
            value = r.add("matmul", (factor, r.add("transpose", (factor,), axes=axes)))
            from gendsl.graph.node import Array

            powers = r.add("const", (), value=Array.of([float(n - k + 1) for k in range(n)]))
            jacobian = r.add("mul", (powers, log_diagonal))
        x = self._let(value)
        terms = [self._density(x), self._sum(jacobian, r.array(jacobian).event)]
        if positive_definite:
            terms.append(r.const(_count(batch) * n * math.log(2.0)))
        self._factor(terms)
        self._note("drawn as the log-Cholesky vector, its density a factor")
        return x

    def _direction(self) -> int:
        r = self.r
        normal = r.dist("Normal", {"loc": r.const(0.0), "scale": r.const(1.0)}, self.t.event)
        z = self._site("raw", normal)
        squared = r.add("sum", (r.add("square", (z,)),), axes=(-1,), dims=())
        norm = r.add("expand_dims", (r.add("sqrt", (squared,)),), axis=-1)
        x = self._let(r.add("div", (z, norm)))
        *batch, n = self.t.event
        if not isinstance(n, int):
            raise ModelError("a direction needs a fixed size", node=self.name, given=str(self.t), where=self.n.where)
        area = math.log(2.0) + 0.5 * n * math.log(math.pi) - math.lgamma(0.5 * n)
        self._factor([self._density(x), r.const(_count(batch) * area)])
        self._note("drawn as the direction of a normal vector, its density a factor")
        return x


def _count(sizes: Sequence[object]) -> int:
    """The number of elements of event axes, which are fixed where a constant counts them."""
    return math.prod(s for s in sizes if isinstance(s, int))
