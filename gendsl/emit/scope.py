"""A function being emitted: its lines, its names, and the code of each node so far."""

from __future__ import annotations

import builtins
import keyword
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from gendsl.densities import CONDITIONALS, DENSITIES
from gendsl.emit.dialect import Dialect
from gendsl.emit.values import Val, index, number
from gendsl.errors import CompileError
from gendsl.graph.learned import Learned, UsedDensity
from gendsl.graph.node import Array, Node
from gendsl.graph.types import ArrayType, DType, Size
from gendsl.networks import NETWORKS, TIMES
from gendsl.processes import PROCESSES, SCHEDULES
from gendsl.samplers import GRIDS, SAMPLERS
from gendsl.transforms import SCALARS, TRANSFORMS

__all__ = ["WORDS", "Module", "Scope"]

WORDS: dict[str, tuple[str, ...]] = {
    "gendsl.densities": ("Predicts", *DENSITIES, *CONDITIONALS),
    "gendsl.networks": ("Activation", *NETWORKS, *TIMES),
    "gendsl.processes": (*PROCESSES, *SCHEDULES),
    "gendsl.samplers": ("ProbabilityFlow", "Probe", "Variance", *GRIDS, *SAMPLERS),
    "gendsl.transforms": (*TRANSFORMS, *SCALARS),
}
"""What specs are written with in programs, and where it is found."""

_BUILTIN = {
    "data",
    "u",
    "values",
    "dist",
    "params",
    "model",
    "log_density",
    "constrain",
    "unconstrain",
    "out",
    "lp",
}


@dataclass
class Module:
    """What is shared by the functions of one program.

    Attributes:
        dialect: the backend's spelling.
        slots: plate -> slot.
        precision: "float64" or "float32".
        plate_sizes: plate -> source of its length inside a function (filled by each function).
        imports: import statements.
        helpers: names of snippets that are used.
        constants: larger arrays, given to the program with its data.
        names: names of data and plates, which constants must not take.
        networks: what it calls that has learned parameters, by name: networks and learned distributions.
    """

    dialect: Dialect
    slots: dict[str, int]
    precision: str
    imports: dict[str, None] = field(default_factory=dict)
    helpers: dict[str, None] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    networks: Mapping[str, Learned] = field(default_factory=dict)

    @cached_property
    def network_names(self) -> dict[str, str]:
        """Network or learned distribution -> the name of its function."""
        taken = set(_reserved(self.dialect))
        out = {}
        for name, used in self.networks.items():
            text = unicodedata.normalize("NFKC", name).replace(".", "_")
            text = f"{text}_density" if isinstance(used, UsedDensity) else text
            while text in taken:
                text += "_"
            taken.add(text)
            out[name] = text
        return out

    @cached_property
    def reserved(self) -> frozenset[str]:
        """Names that no variable may take."""
        return _reserved(self.dialect) | frozenset(self.network_names.values())

    def need(self, name: str) -> str:
        """Note that the program uses a helper or an imported name; returns the name."""
        if name in self.dialect.snippets:
            self.helpers[name] = None
        for statement in self.dialect.imports.get(name, ()):
            self.imports[statement] = None
        return name

    def need_snippets(self, text: str) -> None:
        """Note the helpers that a template calls."""
        for name in self.dialect.snippets:
            if f"{name}(" in text:
                self.need(name)

    def dtype(self, kind: DType | str) -> str:
        """The source of a dtype."""
        return self.dialect.dtypes(self.precision)[str(kind)]


@dataclass
class Scope:
    """One function.

    Attributes:
        module: shared state.
        nodes: the nodes it emits (of the graph, or of a step).
        batched: whether random values may have axes on the left.
        size_of: source of a plate's length.
        lines: its body so far.
        vals: node -> value.
        taken: names in use.
        uses: node -> how often it is used here.
        indent: current indentation.
    """

    module: Module
    nodes: Sequence[Node]
    batched: bool
    size_of: Callable[[str], str]
    lines: list[str] = field(default_factory=list)
    vals: dict[int, Val] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    uses: dict[int, int] = field(default_factory=dict)
    indent: str = "    "
    counter: int = 0

    # -- names and lines --------------------------------------------------------------------------------------------
    def line(self, text: str) -> None:
        """Add a line at the current indentation."""
        self.lines.append(self.indent + text if text else "")

    def name(self, wanted: str) -> str:
        """A free variable name, as Python reads it."""
        wanted = unicodedata.normalize("NFKC", wanted)
        if keyword.iskeyword(wanted) or wanted in self.module.reserved:
            wanted += "_"
        out, k = wanted, 2
        while out in self.taken:
            out, k = f"{wanted}_{k}", k + 1
        self.taken.add(out)
        return out

    def temporary(self) -> str:
        """A name for an intermediate value."""
        while True:
            self.counter += 1
            if (out := f"v{self.counter}") not in self.taken and out not in self.module.reserved:
                self.taken.add(out)
                return out

    def assign(self, val: Val, name: str | None = None) -> Val:
        """Give a value a name (unless it has one, or is a number)."""
        if name is None and val.is_name:
            return val
        target = name or self.temporary()
        if target != val.code:
            self.line(f"{target} = {val.code}")
        return val.with_(target)

    # -- spelling ---------------------------------------------------------------------------------------------------
    def spell(self, template: str, *args: Val, **fill: Any) -> str:
        """A template of the dialect, filled in."""
        text = self.module.dialect.templates.get(template)
        if text is None:
            raise CompileError(f"backend '{self.module.dialect.name}' cannot express '{template}'")
        self.module.need(template)
        self.module.need_snippets(text)
        return text.format(*args, **fill)

    def op(self, name: str, *args: Val, **fill: Any) -> str:
        """An operation of the dialect."""
        text = self.module.dialect.ops.get(name)
        if text is None:
            raise CompileError(
                f"backend '{self.module.dialect.name}' has no operation '{name}'",
                fix="use another function, or the other backend",
            )
        self.module.need(name)
        self.module.need_snippets(text)
        return text.format(*args, **fill)

    def literal(self, value: Any, dtype: DType, as_array: bool = False) -> Val:
        """A constant: a number, or an array (short ones in the source, long ones with the data)."""
        if not isinstance(value, Array):
            x = float(value) if dtype is DType.FLOAT else value
            out = number(x)
            return Val(self.spell("real", out)) if as_array and not isinstance(x, bool) else out
        array = value.numpy()
        if array.size > 20:
            for name, have in self.module.constants.items():
                if have == value:
                    return Val(f'data["{name}"]', rank=array.ndim)
            k = len(self.module.constants) + 1
            while (name := f"constant_{k}") in self.module.names:
                k += 1
            self.module.constants[name] = value
            return Val(f'data["{name}"]', rank=array.ndim)
        code = self.spell("array", values=_nested(array.tolist()), dtype=self.module.dtype(dtype))
        return Val(code, rank=array.ndim)

    def array(self, val: Val, dtype: DType = DType.FLOAT) -> Val:
        """A value as an array: numbers are wrapped."""
        if not val.number:
            return val
        return Val(self.spell("real" if dtype is DType.FLOAT else "whole", val))

    def size(self, size: Size) -> str:
        """Source of a length."""
        return str(size) if isinstance(size, int) else self.size_of(size)

    def sizes(self, event: Sequence[Size]) -> str:
        """Source of a tuple of lengths."""
        inner = ", ".join(self.size(s) for s in event)
        return f"({inner}{',' if len(event) == 1 else ''})"

    # -- arguments --------------------------------------------------------------------------------------------------
    def type(self, i: int) -> ArrayType:
        """The type of a node that is a value."""
        t = self.nodes[i].type
        if not isinstance(t, ArrayType):
            raise TypeError(f"not a value: {t}")
        return t

    def floats(self, i: int, strict: bool = False) -> Val:
        """A node's value as floats, where the dialect does not mix integers and floats (or in any case: `strict`)."""
        v = self.vals[i]
        if self.type(i).dtype is DType.FLOAT or not (strict or self.module.dialect.strict_floats):
            return v
        if v.number:
            return number(float(v.code)) if strict and v.code.lstrip("-").isdigit() else v
        return v.with_(self.op("to_float", v, float=self.module.dtype("float")))

    def plain(self, v: Val, ndim: int) -> Val:
        """A possibly batched value with at least `ndim` axes, so that its slots can be addressed."""
        if not v.batched:
            return v
        self.module.need("at_least")
        return v.with_(f"at_least({v.code}, {ndim})")

    def move(self, v: Val, source: int, destination: int) -> Val:
        """An axis moved to another place."""
        if source == destination:
            return v
        return v.with_(self.spell("moveaxis", v, source=source, destination=destination))


def _nested(values: Any) -> str:
    if isinstance(values, list):
        return "[" + ", ".join(_nested(v) for v in values) + "]"
    if isinstance(values, float) and (values != values or values in (float("inf"), float("-inf"))):
        return f'float("{values}")'
    return repr(values)


@cache
def _imported(statements: tuple[str, ...]) -> frozenset[str]:
    """The names that import statements bind."""
    words = (w for text in statements for w in text.split("import", 1)[1].split(","))
    return frozenset(w.split(" as ")[-1].strip().split(".")[0] for w in words)


def _reserved(dialect: Dialect) -> frozenset[str]:
    """Names that a site's variable must not hide: Python's, the program's functions, helpers, everything imported."""
    statements = (
        *dialect.header,
        *(text for group in dialect.imports.values() for text in group),
        *(text for d in dialect.distributions.values() for text in d.imports),
    )
    specs = {"modules", *(name for names in WORDS.values() for name in names)}
    return _imported(statements) | dialect.snippets.keys() | _BUILTIN | specs | frozenset(dir(builtins))


def cut(v: Val, keys: list[str]) -> Val:
    """x[keys] as a value."""
    return v.with_(index(v, keys))
