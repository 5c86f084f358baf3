"""Nodes as text: infix operators with the fewest parentheses, functions, indices, distributions.

One walk in order gives each node a text of bounded length, so the whole takes linear time and no recursion over the
graph: an operand that would make a text too long is written `...`, the longest first. A text carries the precedence of
its outermost operator, and is put in parentheses where Python would otherwise read it as another tree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gendsl.graph import constraints
from gendsl.graph.constraints import Constraint, Integers, Interval
from gendsl.graph.families import FAMILIES
from gendsl.graph.node import Array, Node, Plate, Subgraph
from gendsl.graph.ops.reductions import REDUCTIONS
from gendsl.graph.types import ArrayType

__all__ = ["ATOM", "Text", "Writer", "constraint", "number"]

ATOM, _POWER, _UNARY, _COMPARE = 100, 80, 70, 30
_INFIX: dict[str, tuple[str, int]] = {
    "mul": ("*", 60), "div": ("/", 60), "floordiv": ("//", 60), "mod": ("%", 60), "matmul": ("@", 60),
    "add": ("+", 50), "sub": ("-", 50),
    "logical_and": ("&", 44), "logical_xor": ("^", 42), "logical_or": ("|", 40),
    "eq": ("==", 30), "ne": ("!=", 30), "lt": ("<", 30), "le": ("<=", 30), "gt": (">", 30), "ge": (">=", 30),
}  # fmt: skip
_PREFIX = {"neg": "-", "logical_not": "~"}
_SPECIAL = {
    "const", "stack", "from_event", "shift", "gather", "index", "slice", "expand_dims", "plate_size", "arange", "eye",
    "transpose", "scan", "item", "odeint", "network",
}  # fmt: skip  # each has a method
_SILENT = ("to_event", "to_float", "broadcast_event")
_HIDDEN = ("plate", "size", "count", "inputs", "name")  # statics that the dims or the site tell
_FAMILY_NAMES = {"JointNormal": "MultivariateNormal", "MixtureOf": "Mixture", "MixtureGeneral": "Mixture"}
_MOST = 6  # operands of a list, numbers of an array
_CONSTRAINTS = {
    getattr(constraints, n): n for n in constraints.__all__ if isinstance(getattr(constraints, n), Constraint)
}


@dataclass(frozen=True, slots=True)
class Text:
    """A text and the precedence of its outermost operator."""

    text: str
    rank: int = ATOM

    def within(self, rank: int) -> str:
        """The text as an operand that needs at least this precedence."""
        return self.text if self.rank >= rank else f"({self.text})"


_CUT = Text("...")


class Writer:
    """Writes the nodes of a graph, or of a step whose inputs have texts already.

    Args:
        nodes: the nodes.
        plates: plates by name.
        limit: the longest text of one expression, roughly.
        taken: names that are not free for what gets a name here (scans, solutions of ODEs, carries).
        inputs: texts of the input nodes of a step.

    Attributes:
        texts: the text of each node.
        defined: for nodes that get a name of their own (scans, ODEs), what they are.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        plates: Mapping[str, Plate],
        limit: int = 100,
        taken: set[str] | None = None,
        inputs: Mapping[int, Text] | None = None,
    ) -> None:
        self.nodes, self.plates, self.limit = nodes, plates, limit
        self.taken = {n.name for n in nodes if n.name} if taken is None else taken
        self.texts: list[Text] = []
        self.defined: dict[int, str] = {}
        for i, n in enumerate(nodes):
            self.texts.append(inputs[i] if inputs and i in inputs else self._node(i, n))

    # -- one node -----------------------------------------------------------------------------------------------------
    def _node(self, i: int, n: Node) -> Text:
        if n.name is not None:
            return Text(n.name)
        args = [self.texts[a] for a in n.args]
        if n.op.startswith("dist."):
            return self._dist(n)
        if n.op in _INFIX:
            return self._infix(*_INFIX[n.op], args)
        if n.op == "pow":
            base, power = _fit(args, self.limit)
            return Text(f"{base.within(_POWER + 1)} ** {power.within(_UNARY)}", _POWER)
        if n.op in _PREFIX:
            return Text(_PREFIX[n.op] + _fit(args, self.limit)[0].within(_UNARY), _UNARY)
        if n.op in _SILENT:
            return args[0]
        if n.op in REDUCTIONS:
            return self._reduction(n, args)
        if n.op in _SPECIAL:
            out: Text = getattr(self, f"_{n.op}")(i, n, args)
            return out
        return self._call(n.op, n, args)

    def _infix(self, sign: str, rank: int, args: list[Text]) -> Text:
        left, right = _fit(args, self.limit)
        strict = rank + (rank == _COMPARE)  # comparisons do not chain
        return Text(f"{left.within(strict)} {sign} {right.within(rank + 1)}", rank)

    def _call(self, name: str, n: Node, args: list[Text]) -> Text:
        words = [f"{k}={_plain(v)}" for k, v in n.attrs if v is not None and v != () and not isinstance(v, Subgraph)]
        return Text(f"{name}({', '.join(_list(args, self.limit) + words)})")

    def _const(self, i: int, n: Node, args: list[Text]) -> Text:
        value = n.attr["value"]
        if isinstance(value, Array):
            x = value.numpy()
            if x.ndim == 1 and x.size <= _MOST:
                return Text("[" + ", ".join(map(number, x.tolist())) + "]")
            return Text(f"array[{', '.join(map(str, x.shape))}]")
        text = number(value)
        return Text(text, _UNARY if text.startswith("-") else ATOM)

    def _reduction(self, n: Node, args: list[Text]) -> Text:
        t = self.nodes[n.args[0]].type
        axes, dims = n.attr["axes"], n.attr["dims"]
        words = [] if isinstance(t, ArrayType) and len(axes) == t.rank else [f"axis={_plain(axes)}"] if axes else []
        words += [f"dim={_plain(dims)}"] if dims else []
        return Text(f"{n.op}({', '.join([_fit(args, self.limit)[0].text, *words])})")

    def _stack(self, i: int, n: Node, args: list[Text]) -> Text:
        return Text(f"[{', '.join(_list(args, self.limit))}]")

    # -- indices ------------------------------------------------------------------------------------------------------
    def _at(self, x: Text, index: str) -> Text:
        return Text(f"{_fit([x], self.limit)[0].within(ATOM)}[{index}]")

    def _from_event(self, i: int, n: Node, args: list[Text]) -> Text:
        before = self.nodes[n.args[0]]
        if before.op == "to_event" and before.attr["dims"] != n.attr["dims"]:
            return self._at(args[0], ", ".join(n.attr["dims"]))
        return args[0]

    def _shift(self, i: int, n: Node, args: list[Text]) -> Text:
        """x[t - k], t running over the plate derived by the shift."""
        source, plate = self.nodes[n.args[0]], n.attr["plate"]
        total, at = 0, self.plates.get(plate)
        over = source.attr["dims"][0] if source.op == "to_event" else None
        while at is not None and at.name != over:
            total += at.start
            at = self.plates.get(at.base) if at.base else None
        lag = total - n.attr["start"] if at is not None else None
        return self._at(args[0], f"{plate} - {lag}" if lag else plate)

    def _gather(self, i: int, n: Node, args: list[Text]) -> Text:
        return self._at(args[0], ", ".join(_list(args[1:], self.limit)))

    def _index(self, i: int, n: Node, args: list[Text]) -> Text:
        return self._at(args[0], self._axis(n, str(n.attr["at"])))

    def _slice(self, i: int, n: Node, args: list[Text]) -> Text:
        a = n.attr
        parts = [a["start"], a["stop"], *([] if a["step"] is None else [a["step"]])]
        return self._at(args[0], self._axis(n, ":".join("" if p is None else str(p) for p in parts)))

    def _expand_dims(self, i: int, n: Node, args: list[Text]) -> Text:
        axis = n.attr["axis"]
        return self._at(args[0], ", ".join(["...", "None"] + [":"] * (-axis - 1)))

    def _axis(self, n: Node, what: str) -> str:
        t, axis = self.nodes[n.args[0]].type, n.attr["axis"]
        # An index on a value over plates is on the first of these, unless they have been made event axes.
        plain = isinstance(t, ArrayType) and (not t.dims or self.nodes[n.args[0]].op == "to_event")
        first = isinstance(t, ArrayType) and axis == -t.rank and plain
        return what if first else ", ".join(["...", what] + [":"] * (-axis - 1))

    def _transpose(self, i: int, n: Node, args: list[Text]) -> Text:
        swapped = n.attr["axes"] == (-1, -2)
        return Text(f"{_fit(args, self.limit)[0].within(ATOM)}.T") if swapped else self._call(n.op, n, args)

    def _plate_size(self, i: int, n: Node, args: list[Text]) -> Text:
        return Text(f"size({n.attr['plate']})")

    def _arange(self, i: int, n: Node, args: list[Text]) -> Text:
        return Text(f"index({n.attr['plate']})")

    def _eye(self, i: int, n: Node, args: list[Text]) -> Text:
        return Text(f"eye({n.attr['size']})")

    def _network(self, i: int, n: Node, args: list[Text]) -> Text:
        fitted = _fit(args, self.limit)
        return Text(f"{n.attr['network']}({', '.join([fitted[0].text, *(f'time={t.text}' for t in fitted[1:])])})")

    # -- steps --------------------------------------------------------------------------------------------------------
    def _scan(self, i: int, n: Node, args: list[Text]) -> Text:
        a, step = n.attr, n.attr["step"]
        carries = [Text(self._fresh("carry")) for _ in range(a["carries"])]
        outs = self._step(step, [*carries, *args[a["carries"] :]])
        if step.outputs[: len(carries)] == step.outputs[len(carries) :]:  # the carries are what is recorded
            outs = outs[: len(carries)]
        init = _group(_list(args[: a["carries"]], self.limit))
        back = ", reverse=True" if a["reverse"] else ""
        body = f"{_group([c.text for c in carries])} -> {_group(_list(outs, self.limit))}"
        return self._define(i, "scan", f"scan({body}, init={init}, dim={a['length']}{back})")

    def _item(self, i: int, n: Node, args: list[Text]) -> Text:
        a, at = self.nodes[n.args[0]].attr, n.attr["at"]
        first, total = a["carries"], len(a["step"].outputs)
        if at < first:
            return Text(f"{args[0].text}.last" + (f"[{at}]" if first > 1 else ""))
        return Text(f"{args[0].text}.out" + (f"[{at - first}]" if total - first > 1 else ""))

    def _odeint(self, i: int, n: Node, args: list[Text]) -> Text:
        y, t = Text(self._fresh("state")), Text(self._fresh("time"))
        (out,) = self._step(n.attr["step"], [y, t, *args[3:]])
        rest = ", ".join(_list(args[:3], self.limit))
        return self._define(i, "ode", f"odeint(({y.text}, {t.text}) -> {out.text}, {rest})")

    def _step(self, step: Subgraph, values: Sequence[Text]) -> list[Text]:
        inner = Writer(step.nodes, self.plates, self.limit, self.taken, dict(zip(step.inputs, values, strict=False)))
        texts = list(inner.texts)
        for k, what in inner.defined.items():
            texts[k] = Text(what)
        return [texts[o] for o in step.outputs]

    def _define(self, i: int, what: str, text: str) -> Text:
        self.defined[i] = text
        return Text(self._fresh(what))

    def _fresh(self, wanted: str) -> str:
        name, k = wanted, 2
        while name in self.taken:
            name, k = f"{wanted}{k}", k + 1
        self.taken.add(name)
        return name

    # -- distributions ------------------------------------------------------------------------------------------------
    def _dist(self, n: Node, aligned: bool = False) -> Text:
        """A distribution; `aligned` leaves out the axes that a hidden Markov chain put into its parameters."""
        family, a = FAMILIES[n.op[5:]], n.attr
        given = dict(zip(a["params"], n.args, strict=False))
        static = dict(a["static"])
        values: dict[str, Text] = {}
        for name, k in given.items():
            if family.name == "HiddenMarkov" and name == "emission":
                values[name] = self._dist(self.nodes[k], aligned=True)
            elif aligned and self.nodes[k].op == "expand_dims":
                values[name] = self.texts[self.nodes[k].args[0]]
            else:
                values[name] = self.texts[k]
        for name, value in static.items():
            if isinstance(value, Subgraph):
                previous = Text(self._fresh("previous"))
                out = self._step(value, [previous, *(self.texts[k] for k in n.args[len(given) :])])
                self.taken.discard(previous.text)
                values[name] = Text(f"{previous.text} -> {out[0].text}")
            elif name not in _HIDDEN and value != ():
                values[name] = Text(constraint(value) if isinstance(value, Constraint) else _plain(value))
        tail = f".expand({', '.join(map(str, a['expand']))})" if a["expand"] else ""
        if family.name == "Masked":
            base, mask = _fit([values["base"], values["mask_"]], self.limit)
            return Text(f"{base.within(ATOM)}.mask({mask.text}){tail}")
        names = [p.name for p in family.params if p.name in values]
        fitted = _fit([values[k] for k in names], self.limit)
        if family.name == "MixtureGeneral":
            parts = [fitted[0].text, f"[{', '.join(v.text for v in fitted[1:])}]"]
        else:
            parts = []
            order = [p for p in family.params if p.name not in _HIDDEN]
            for k, p in enumerate(order):  # by position while none is left out and none is one of several alternatives
                if p.name in values:
                    shown = fitted[names.index(p.name)].text
                    parts.append(shown if len(parts) == k and p.group is None else f"{p.name}={shown}")
        return Text(f"{_FAMILY_NAMES.get(family.name, family.name)}({', '.join(parts)}){tail}")


# -- pieces -----------------------------------------------------------------------------------------------------------
def _fit(args: Sequence[Text], limit: int) -> list[Text]:
    """The operands, the longest of them cut while they are too long together."""
    out = list(args)
    while sum(len(a.text) for a in out) > limit:
        k = max(range(len(out)), key=lambda i: len(out[i].text))
        if len(out[k].text) <= len(_CUT.text):
            break
        out[k] = _CUT
    return out


def _list(args: Sequence[Text], limit: int) -> list[str]:
    """Operands between commas: at most a few."""
    many = len(args) > _MOST
    shown = [*args[: _MOST - 2], args[-1]] if many else args
    words = [a.text for a in _fit(shown, limit)]
    return [*words[:-1], "...", words[-1]] if many else words


def _group(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"({', '.join(words)})"


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        inner = ", ".join(map(_plain, value))
        return inner if len(value) == 1 else f"({inner})"
    return constraint(value) if isinstance(value, Constraint) else value if isinstance(value, str) else number(value)


def number(x: Any) -> str:
    """A number, to six digits where it has many."""
    text = repr(x)
    if not isinstance(x, float) or text == "-0.0":
        return text
    text = text.removesuffix(".0")
    return text if len(text) <= 8 else f"{x:.6g}"


def constraint(c: Constraint) -> str:
    """The name of a set, or its bounds."""
    if c in _CONSTRAINTS:
        return _CONSTRAINTS[c]
    if isinstance(c, (Interval, Integers)):
        ends = [
            infinite if b is None else f"node {b.node}" if isinstance(b, constraints.Ref) else number(b)
            for b, infinite in ((c.lower, "-inf"), (c.upper, "inf"))
        ]
        return f"{type(c).__name__}({', '.join(ends)})"
    return type(c).__name__
