"""What a backend's dialect says: how operations, distributions and statements are spelt.

Templates are Python format strings on `Val`s: `{0}` is the first argument's code, `{0.p}` the same as an operand of a
postfix. `{axis}`, `{k}` and so on are attributes that the emitter fills in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["Dialect", "DistSpelling"]


@dataclass(frozen=True)
class DistSpelling:
    """How a family is spelt where it differs from `dist.<Family>(<parameters in order>)`.

    Attributes:
        call: the constructor; `None` for `dist.<Family>`.
        rename: parameter name -> the engine's keyword (parameters not listed are positional or keep their name).
        keywords: pass all parameters as keywords.
        order: parameter names in the engine's positional order.
        arrays: parameters that must be arrays, not numbers.
        floats: parameters that count, which the engine wants as floats.
        location: the location parameter, where the engine needs it to have the batch axes of the matrix.
        imports: names to import, as full statements.
        extra: further keyword arguments, as source.
    """

    call: str | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    keywords: bool = False
    order: tuple[str, ...] | None = None
    arrays: tuple[str, ...] = ()
    floats: tuple[str, ...] = ()
    location: str | None = None
    imports: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dialect:
    """A backend's spelling.

    Attributes:
        name: the backend.
        ppl: the module of sample, plate, deterministic and factor.
        header: import statements of every program.
        ops: operation -> template.
        templates: further pieces of source (array literals, moving axes, statements) -> template.
        imports: name of an operation, template or helper -> import statements that it needs.
        snippets: helper name -> source of a function, put into programs that use it.
        distributions: family -> how it is spelt, where it differs.
        float_draws: families whose draws are floats although they count.
        number_ops: operations whose arguments may not be Python numbers.
        strict_floats: integers must be cast before they meet floats.
        wrap_numbers: a distribution of numbers alone needs one of them as an array, to keep the precision.
        normalises: the engine divides probabilities by their sum; else the program does, unless they are known to sum
            to 1.
        flat: source of a flat distribution: (kind of constraint, its source, lengths of the event axes).
        dtypes: precision -> source of the dtypes "float", "int" and "bool".
        notes: precision -> what a program of this precision needs when it is run alone.
        loops: recurrences are emitted as Python loops (else as a scan of the backend).
    """

    name: str
    ppl: str
    header: tuple[str, ...]
    ops: Mapping[str, str]
    templates: Mapping[str, str]
    imports: Mapping[str, tuple[str, ...]]
    snippets: Mapping[str, str]
    distributions: Mapping[str, DistSpelling]
    float_draws: frozenset[str]
    number_ops: frozenset[str]
    strict_floats: bool
    wrap_numbers: bool
    normalises: bool
    flat: Callable[[str, str, tuple[str, ...]], str]
    dtypes: Callable[[str], Mapping[str, str]]
    loops: bool
    notes: Mapping[str, str] = field(default_factory=dict)
