"""A density and its gradient as one straight list of tensor operations.

For small models torch spends its time on bookkeeping: building and walking the autograd graph, rebuilding distributions
and constants at each call. The operations themselves are the same at each call, so they are recorded once, forward and
backward, and written out as a Python function without any of that:

    def run(q):
        v0 = exp(q)
        ...
        return potential, gradient

What does not depend on q, or on its shape alone, is computed once. The function computes the same numbers in the same
order. It is used only after it has agreed with autograd on several points; a density that cannot be recorded (its
operations depend on the values, as an adaptive solver's do) stays as it is.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable
from contextlib import suppress
from types import BuiltinFunctionType, MethodDescriptorType
from typing import Any

import torch
from torch import Tensor

__all__ = ["recorded", "straighten", "value_and_grad"]

Potential = Callable[[Tensor], Tensor]
ValueAndGrad = Callable[[Tensor], tuple[Tensor, Tensor]]

_SAME = ("detach", "alias", "lift_fresh")
_FILLED = {"new_ones": 1, "ones_like": 1, "new_zeros": 0, "zeros_like": 0}
"""Operations that take nothing of a tensor but its kind."""
_TOLERANCE = 1e-12


def value_and_grad(function: Potential) -> ValueAndGrad:
    """A scalar function of a vector with its gradient, by autograd."""

    def both(q: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            leaf = q.detach().requires_grad_(True)
            value = function(leaf)
            (gradient,) = torch.autograd.grad(value, leaf)
        return value.detach(), gradient

    return both


def straighten(function: Potential, points: list[Tensor]) -> ValueAndGrad | None:
    """Record a scalar function of a vector with its gradient.

    Args:
        function: the function; it must be pure.
        points: where to record (the first) and to compare (all).

    Returns:
        The recorded function, or None where it cannot be recorded or does not agree.
    """
    return recorded(value_and_grad(function), points)


def recorded(exact: ValueAndGrad, points: list[Tensor]) -> ValueAndGrad | None:
    """Record a function of a tensor that returns tensors, such as a value and a gradient; see `straighten`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own modules warn of torch.jit when they are imported
            from torch.fx.experimental.proxy_tensor import make_fx

            graph = make_fx(exact)(points[0])
    except Exception:  # whatever cannot be recorded, for whatever reason, is left to autograd
        return None
    for direct in (True, False):
        with suppress(Exception), torch.no_grad():
            out = _write(graph, direct)
            if all(_agree(exact(q), out(q)) for q in [*points, points[0]]):
                return out
    return None


def _agree(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> bool:
    return all(
        torch.allclose(x, y, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True) for x, y in zip(a, b, strict=True)
    )


def _write(graph: torch.fx.GraphModule, direct: bool) -> ValueAndGrad:
    """The recorded graph as a function."""
    for n in graph.graph.nodes:
        _anew(n)
    nodes = list(graph.graph.nodes)
    writer = _Writer(shared=not any(_mutates(n) for n in nodes), direct=direct)
    for n in nodes:
        if n.op == "placeholder":
            writer.names[n] = "q"
        elif n.op == "get_attr":
            writer.constants[n] = getattr(graph, n.target)
        elif n.op == "output":
            return writer.finish(n.args[0])
        else:
            writer.add(n)
    raise ValueError("a graph without an output")


def _mutates(n: Any) -> bool:
    return isinstance(n.target, torch._ops.OpOverload) and n.target._schema.is_mutable


def _anew(n: Any) -> None:
    """Compute anew what is written into a tensor that nothing else reads: torch's gradient of `clamp` does so."""
    if not (isinstance(n.target, torch._ops.OpOverload) and _mutates(n)):
        return
    source, schema = n.args[0], n.target._schema
    fresh = isinstance(source, torch.fx.Node) and isinstance(source.target, torch._ops.OpOverload)
    if not fresh or list(source.users) != [n] or any(r.alias_info for r in source.target._schema.returns):
        return
    written = [a.alias_info is not None for a in schema.arguments]
    namespace, _, name = schema.name.partition("::")
    packet = getattr(getattr(torch.ops, namespace), name.removesuffix("_"), None)
    overload = getattr(packet, schema.overload_name or "default", None)
    if name.endswith("_") and overload is not None and written == [True] + [False] * (len(written) - 1):
        n.target = overload


def _binding(op: str, overload: Any) -> Any:
    """torch's own function of the operation, which is called in half the time; it takes the same arguments."""
    for owner in (torch, Tensor):
        found = getattr(owner, op, None)
        if isinstance(found, BuiltinFunctionType | MethodDescriptorType):
            return found
    return overload


def _filled(n: Any) -> Tensor | None:
    """A tensor of zeros or ones, of a shape and a kind that do not depend on the point."""
    if not isinstance(n.target, torch._ops.OpOverload):
        return None
    value, like = _FILLED.get(n.target._schema.name.removeprefix("aten::")), n.meta.get("val")
    if value is None or not isinstance(like, Tensor):
        return None
    return torch.full(tuple(like.shape), value, dtype=like.dtype, device=like.device)


class _Writer:
    """Writes the lines of the function.

    Args:
        shared: compute constants beforehand, write equal expressions once, and unused ones not at all. Not where
            tensors are written to: then every operation stays, in its order.
        direct: call torch's own functions in place of the recorded overloads.
    """

    def __init__(self, *, shared: bool, direct: bool) -> None:
        self.shared, self.direct = shared, direct
        self.names: dict[Any, str] = {}  # nodes that depend on q
        self.constants: dict[Any, Any] = {}  # nodes that do not
        self.space: dict[str, Any] = {}
        self.lines: list[tuple[str, str, set[str]]] = []  # name, expression, names it uses
        self._seen: dict[str, str] = {}
        self._objects: dict[int, str] = {}
        self._used: set[str] = set()

    def add(self, n: Any) -> None:
        if self.shared and not any(a in self.names for a in n.all_input_nodes):
            look = self.constants.__getitem__
            args, kwargs = torch.fx.map_arg(n.args, look), torch.fx.map_arg(n.kwargs, look)
            self.constants[n] = n.target(*args, **kwargs)
            return
        if self.shared and (fixed := _filled(n)) is not None:
            self.constants[n] = fixed
            return
        op = "getitem" if n.target is operator.getitem else n.target._schema.name.removeprefix("aten::")
        same = op in _SAME or (self.shared and op == "pow" and n.args[1] == 1)
        if same and n.args[0] in self.names:
            self.names[n] = self.names[n.args[0]]
            return
        if _mutates(n) and n.args[0] not in self.names:
            raise ValueError("data are written to")
        self._used = set()
        expression = self._call(op, n)
        if self.shared and expression in self._seen:
            self.names[n] = self._seen[expression]
            return
        name = self.names[n] = self._seen[expression] = f"v{len(self.lines)}"
        # What returns nothing is there for its effect, such as raising for a singular matrix.
        effect = op != "getitem" and not n.target._schema.returns
        self.lines.append((name, expression, self._used | ({name} if effect else set())))

    def _call(self, op: str, n: Any) -> str:
        if op == "getitem":
            return f"{self._show(n.args[0])}[{n.args[1]}]"
        parts = [self._show(a) for a in n.args]
        parts += [f"{k}={self._show(v)}" for k, v in n.kwargs.items()]
        function = _binding(op, n.target) if self.direct else n.target
        return f"{self._bind(function, op.replace('::', '_'))}({', '.join(parts)})"

    def _show(self, a: Any) -> str:
        if isinstance(a, torch.fx.Node):
            if a in self.names:
                self._used.add(self.names[a])
                return self.names[a]
            return self._show(self.constants[a])
        if isinstance(a, (list, tuple)):
            return f"[{', '.join(map(self._show, a))}]"
        if a is None or isinstance(a, (bool, int)) or (isinstance(a, float) and math.isfinite(a)):
            return repr(a)
        return self._bind(a, "c")

    def _bind(self, value: Any, hint: str) -> str:
        """A name in the function's globals."""
        name = self._objects.get(id(value))
        if name is None:
            name = self._objects[id(value)] = f"{hint}_{len(self.space)}"
            self.space[name] = value
        return name

    def finish(self, outputs: Any) -> ValueAndGrad:
        self._used = set()
        returned = ", ".join(map(self._show, outputs))
        needed, lines = set(self._used), []
        for name, expression, used in reversed(self.lines):
            if not self.shared or name in needed or name in used:
                needed |= used
                lines.append(f"    {name} = {expression}\n")
        source = f"def run(q):\n{''.join(reversed(lines))}    return {returned}\n"
        exec(compile(source, "<gendsl recorded density>", "exec"), self.space)  # noqa: S102 - written above
        run: ValueAndGrad = self.space["run"]
        return run
