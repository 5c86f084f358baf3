"""A model under random declaration: every line is text that is run as it is written, so that a failure prints a
program that a person can run.

Values that are declared stand in pools: `reals` are tame floats (their bound at |u| <= 3 is kept with them, and what
may grow is passed through tanh), `ints`, `bools`, `indexes` (integer data that point into a plate), and `raw`
latents, whose support is used as it is.
"""

from __future__ import annotations

import copy
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import gendsl as gd
from gendsl import densities as de
from gendsl import networks as nn
from gendsl import processes as df
from gendsl import samplers as sa
from gendsl import transforms as tr
from gendsl.graph.types import ArrayType, broadcast
from gendsl.lang.distributions import diffusion, learned, unnormalised
from gendsl.lang.expr import Expr
from tests.laws.strategy_choice import Choice
from tests.laws.strategy_data import literal

__all__ = ["Case", "Draft", "Pool"]

MOST_DIMS = 3
MOST_NUMBERS = 72
TAME = 8.0


@dataclass
class Case:
    """A random model with data.

    Attributes:
        model: the model.
        data: values for it.
        text: the program that declares both.
        tolerance: of the law; larger where a differential equation is solved or a matrix is factorised.
        uses: how often each family, operation and feature was declared.
    """

    model: gd.Model
    data: dict[str, np.ndarray]
    text: str
    tolerance: float
    uses: Counter[str]


@dataclass
class Pool:
    """The values that later lines may use."""

    reals: dict[str, float] = field(default_factory=dict)
    ints: list[str] = field(default_factory=list)
    bools: list[str] = field(default_factory=list)
    indexes: dict[str, str] = field(default_factory=dict)
    raw: list[str] = field(default_factory=list)


class Draft:
    """Lines, names, data and pools of a model under declaration."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.rng = np.random.default_rng(choice.integer(0, 2**31 - 1))
        self.model = gd.Model("fuzz")
        self.names: dict[str, Any] = {
            "gd": gd, "de": de, "df": df, "diffusion": diffusion, "learned": learned, "nn": nn, "np": np, "sa": sa,
            "tr": tr, "unnormalised": unnormalised, "m": self.model,
        }  # fmt: skip
        self.lines = ['m = gd.Model("fuzz")']
        self.data: dict[str, np.ndarray] = {}
        self.sizes: dict[str, int] = {}
        self.base: list[str] = []
        self.pool = Pool()
        self.unused: dict[str, None] = {}
        self.uses: Counter[str] = Counter()
        self.tolerance = 1e-10
        self.closed: frozenset[str] = frozenset()
        self.depth = 0
        self.called: dict[str, tuple[int | str, ...]] = {}  # network -> event shape of its input
        self.total: str | None = None
        self.derived: list[str] = []
        self._count: Counter[str] = Counter()
        self._pending: list[str] = []

    # -- text ---------------------------------------------------------------------------------------------------------
    def fresh(self, stem: str) -> str:
        """A free name."""
        self._count[stem] += 1
        return f"{stem}{self._count[stem]}"

    def run(self, text: str) -> None:
        """Write a line and run it; steps that it calls for the first time are written before it."""
        before, self._pending = self._pending, []
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "(?s).*has the distribution of element")  # what a person hardly means
            exec(text, self.names)  # noqa: S102 - our own text
        self.lines += [*self._pending, text]
        self._pending = before

    def define(self, text: str, stem: str = "v") -> str:
        """A line that gives an expression a name."""
        name = self.fresh(stem)
        self.run(f"{name} = {text}")
        return name

    def expr(self, name: str) -> Expr:
        """The expression of a name."""
        out: Expr = self.names[name]
        return out

    def step(self, arguments: Sequence[str], body: Callable[[], str], head: str = "") -> str:
        """The name of a function whose body is written when it is first called, on the symbolic arguments."""
        name = self.fresh("step")

        def first(*values: Any) -> Any:
            if self.names[name] is not first:
                return self.names[name](*values)
            lines, self.lines = self.lines, []
            pool, unused = self.pool, self.unused
            self.pool, self.unused = copy.deepcopy(pool), dict(unused)
            self.names.update(zip(arguments, values, strict=True))
            self.depth += 1
            try:
                if head:
                    self.run(head)
                result = body()
                inner = [*self.lines, f"return {result}"]
            finally:
                self.lines, self.pool, self.unused = lines, pool, unused
                self.depth -= 1
            source = "\n    ".join([f"def {name}({', '.join(arguments)}):", *"\n".join(inner).splitlines()])
            self._pending.append(source)
            out = eval(result, self.names)  # noqa: S307 - our own text
            exec(source, self.names)  # noqa: S102
            return out

        self.names[name] = first
        return name

    # -- values -------------------------------------------------------------------------------------------------------
    def real(self, text: str, bound: float, op: str | None = None) -> str:
        """A float value for the pool, made tame where its bound is large."""
        name = self.define(text)
        if bound > TAME:
            name = self.define(f"3.0 * gd.tanh({name} / {bound:.3g})")
            bound = 3.0
        if op:
            self.uses[f"op:{op}"] += 1
        t = self.expr(name).type
        if self.count(t) <= MOST_NUMBERS and len(t.dims) <= MOST_DIMS and t.rank <= 3:
            self.pool.reals[name] = bound
        self.unused[name] = None
        return name

    def integer(self, text: str, op: str | None = None) -> str:
        """An integer value for the pool."""
        name = self.define(text, "n")
        self.pool.ints.append(name)
        self.unused[name] = None
        self.uses[f"op:{op}"] += op is not None
        return name

    def boolean(self, text: str, op: str | None = None) -> str:
        """A boolean value for the pool."""
        name = self.define(text, "b")
        self.pool.bools.append(name)
        self.unused[name] = None
        self.uses[f"op:{op}"] += op is not None
        return name

    def use(self, *names: str) -> None:
        """Note that values are used."""
        for n in names:
            self.unused.pop(n, None)

    def count(self, t: ArrayType) -> int:
        """How many numbers a value has."""
        return self.count_of([*t.dims, *t.event])

    def count_of(self, shape: Sequence[int | str]) -> int:
        """The product of lengths, plates by name."""
        return int(np.prod([s if isinstance(s, int) else self.size(s) for s in shape], dtype=int))

    def size(self, plate: str) -> int:
        """The length of a plate."""
        if plate not in self.sizes:
            p = self.model.graph.plate[plate]
            self.sizes[plate] = self.size(str(p.base)) - p.start - p.stop
        return self.sizes[plate]

    # -- picking ------------------------------------------------------------------------------------------------------
    def allowed(self, name: str) -> bool:
        """Whether a value may be used here (inside a step along a plate, not what varies along it)."""
        return not self.closed & set(self.expr(name).dims)

    def some_real(self, want: Callable[[Expr], bool] = lambda e: True) -> str | None:
        """A float value, one not yet used preferred."""
        found = [n for n in self.pool.reals if self.allowed(n) and want(self.expr(n))]
        if not found:
            return None
        new = [n for n in found if n in self.unused]
        name = self.choice.pick(new if new and self.choice.chance(60) else found)
        self.use(name)
        return name

    def any_real(self) -> str:
        """A float value; there always is one."""
        name = self.some_real()
        return name if name is not None else self.constant((), add=True)

    def meet(self, a: Expr, b: Expr) -> bool:
        """Whether two values broadcast, and not too far."""
        event = broadcast(a.event, b.event)
        if event is None:
            return False
        t = ArrayType(tuple(dict.fromkeys((*a.dims, *b.dims))), event)
        return len(t.dims) <= MOST_DIMS and self.count(t) <= MOST_NUMBERS

    def partners(self, a: str, b: str) -> bool:
        """Whether two named values broadcast, and not too far."""
        return self.meet(self.expr(a), self.expr(b))

    def partner(self, name: str) -> str:
        """A float value that broadcasts with another, and not too far."""
        e = self.expr(name)
        return self.some_real(lambda o: self.meet(e, o)) or name

    def constant(self, shape: tuple[int, ...], low: float = -2.0, high: float = 2.0, *, add: bool = False) -> str:
        """The source of a constant: a number or an array; with `add`, a value of the pool made of a data scalar."""
        if add:
            name = self.fresh("x")
            self.run(f'{name} = m.data("{name}")')
            self.data[name] = np.round(self.rng.uniform(low, high), 3)
            self.pool.reals[name] = max(abs(low), abs(high))
            return name
        if not shape:
            return self.choice.number(low, high)
        return f"np.array({literal(np.round(self.rng.uniform(low, high, shape), 3))})"

    def bound(self, name: str) -> float:
        """The bound of a float value."""
        return self.pool.reals.get(name, TAME)

    def case(self) -> Case:
        """The model as it stands."""
        rows = [f'    "{k}": np.array({literal(v)}),' for k, v in self.data.items()]
        text = "\n".join(
            [
                "import gendsl as gd",
                "import numpy as np",
                "from gendsl import densities as de",
                "from gendsl import networks as nn",
                "from gendsl import transforms as tr",
                "from gendsl.lang.distributions import learned, unnormalised",
                "",
                *self.lines,
                "data = {",
                *rows,
                "}",
            ]
        )
        return Case(self.model, self.data, text, self.tolerance, self.uses)
