"""What a prediction may be asked for: names, seeds, sizes and plates, checked against a graph."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from typing import Any, NoReturn, ParamSpec, Self, TypeVar

import numpy as np

from gendsl.errors import FitError, caller, check_call
from gendsl.graph.learned import parts
from gendsl.graph.node import Graph, Node
from gendsl.graph.types import ArrayType, DistType
from gendsl.methods import NUTS, Method, Train

__all__ = [
    "Kept",
    "asked_for",
    "check_seed",
    "check_sizes",
    "fitting",
    "joint_plates",
    "new_plates",
    "plates_of",
    "positive",
    "root",
    "site_names",
]


P = ParamSpec("P")
R = TypeVar("R")
_OTHER = {"num_samples": "draws", "samples": "draws", "n": "draws", "steps": "sampler=gd.sampler.DPMSolver(steps={})"}


def asked_for(sample: Callable[P, R]) -> Callable[P, R]:
    """`fit.sample` with arguments that are checked.

    Raises:
        ModelError: by what is returned, if the call does not fit.
        FitError: likewise, if data have no names.
    """
    signature = inspect.signature(sample)

    @functools.wraps(sample)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        check_call("fit.sample", signature, args, kwargs, _OTHER)
        data = signature.bind(*args, **kwargs).arguments.get("data")
        is_count = isinstance(data, (int, np.integer)) and "sampler" in signature.parameters
        if data is not None and not is_count and not hasattr(data, "keys"):
            raise FitError(
                "data are given by name",
                given=f"{type(data).__name__}: {data!r}"[:80],
                needed="a dict of arrays" + (", or a number of new rows" if "sampler" in signature.parameters else ""),
                fix="fit.sample() for the data of the fit",
                where=caller(),
            )
        return sample(*args, **kwargs)

    return checked


def fitting(fit: Callable[P, R]) -> Callable[P, R]:
    """`model.fit` with arguments that are checked: those of a method go to it.

    Raises:
        ModelError: by what is returned, if the call does not fit.
    """
    signature = inspect.signature(fit)

    @functools.wraps(fit)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if unknown := next((k for k in kwargs if k not in signature.parameters), None):
            method = kwargs.get("method", args[2] if len(args) > 2 else None)
            check_call("m.fit", signature, args, kwargs, _elsewhere(unknown, kwargs[unknown], method))
        return fit(*args, **kwargs)

    return checked


def _elsewhere(name: str, value: Any, method: Any) -> dict[str, str]:
    """Where an argument goes that is none of `model.fit`: to the method, or to the model."""
    if name in ("objective", "loss", "guide"):
        made = "gd.ELBO(guide=...)" if name == "guide" else f"gd.{type(value).__name__}(...)"
        return {name: f"m.objective({made}), before m.fit"}
    kinds: list[type[Method]] = [type(method)] if isinstance(method, Method) else [Train, NUTS]
    for kind in kinds:
        mine = kind.other.get(name, name).partition("=")[0]
        if mine in {f.name for f in fields(kind)}:
            text = kind.other[name].format(repr(value)[:40]) if "=" in kind.other.get(name, "") else ""
            return {name: f"gd.{kind.__name__}({text or f'{mine}={repr(value)[:40]}'})"}
    return {}


class Kept:
    """What is written to a file of its own, and not by pickle."""

    def __copy__(self) -> Self:
        out = object.__new__(type(self))
        vars(out).update(vars(self))
        return out

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise _no_pickle(self, "copied")

    def __reduce__(self) -> NoReturn:
        raise _no_pickle(self, "pickled")


def _no_pickle(fit: object, what: str) -> FitError:
    return FitError(
        f"a fit holds compiled programs, which cannot be {what}",
        given=repr(fit)[:120],
        needed="a file",
        fix="fit.save(path), and gd.load(path) where it is needed",
        where=caller(),
    )


def check_seed(seed: Any) -> int:
    """A seed as a Python integer.

    Raises:
        FitError: if it is none.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise FitError(
            "a seed is a nonnegative integer", given=repr(seed), needed="0, 1, ...", fix="seed=0", where=caller()
        )
    return int(seed)


def positive(name: str, value: Any, usual: int) -> int:
    """A count as a Python integer.

    Raises:
        FitError: if it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise FitError(
            f"{name} is a positive integer",
            given=repr(value),
            needed="1, 2, ...",
            fix=f"{name}={usual}",
            where=caller(),
        )
    return int(value)


def site_names(graph: Graph, names: Any) -> list[str]:
    """Names of latents, recorded values and observations, each once.

    Raises:
        FitError: if there is no such site, or no name.
    """
    known = [str(n.name) for _, n in graph.of("latent", "let", "observe")]
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, Collection):
        raise FitError(
            "names are a list of sites",
            given=repr(names)[:80],
            needed=f"some of {', '.join(known)}",
            fix=f"names=[{known[-1]!r}]",
            where=caller(),
        )
    if unknown := [n for n in names if n not in known]:
        is_data = unknown[0] in graph.inputs
        raise FitError(
            f"'{unknown[0]}' is data, which is given and not drawn"
            if is_data
            else f"model '{graph.name}' has no site named {', '.join(map(repr, unknown))}",
            node=str(unknown[0]) if is_data else None,
            given=f"names={list(names)!r}"[:120],
            needed=f"some of {', '.join(known)}",
            fix="check the spelling; names are latents, recorded values and observations",
            where=caller(),
        )
    if not names:
        raise FitError(
            "no name is given",
            given="names=[]",
            needed=f"some of {', '.join(known)}",
            fix="leave names out for all observations",
            where=caller(),
        )
    return list(dict.fromkeys(names))


def root(graph: Graph, plate: str) -> str:
    """The plate that this one is cut from or a copy of; itself where there is none."""
    p = graph.plate[plate]
    while p.base is not None:
        p = graph.plate[p.base]
    return p.name


def plates_of(graph: Graph, n: Node) -> list[str]:
    """The plates that a latent runs over, back to those that are cut from no other."""
    if not isinstance(n.type, ArrayType):
        return []
    names = [*n.type.dims, *joint_plates(graph, n), *(e for e in n.type.event if isinstance(e, str))]
    return list(dict.fromkeys(root(graph, d) for d in names))


def joint_plates(graph: Graph, n: Node) -> tuple[str, ...]:
    """The plates that a latent's distribution is joint over."""
    dist = graph.nodes[graph.nodes[graph.sites[str(n.name)]].args[0]].type
    return dist.joint if isinstance(dist, DistType) else ()


def new_plates(graph: Graph, new: Any) -> set[str]:
    """The plates whose latents are drawn anew, back to those that are cut from no other.

    Raises:
        FitError: if no latent runs over such a plate.
    """
    names = [new] if isinstance(new, str) or not isinstance(new, Collection) else list(new)
    names = [getattr(p, "name", p) for p in names]
    served = {over for _, n in graph.of("latent") for over in plates_of(graph, n)}
    functions = [n for _, n in graph.of("observe") if any(d.op == "dist.JointNormal" for d in parts(graph, n))]
    served |= {root(graph, d) for n in functions if isinstance(n.type, ArrayType) for d in n.type.dims}
    for name in names:
        if name not in graph.plate or root(graph, name) not in served:
            over = ", ".join(p.name for p in graph.plates if p.base is None and p.name in served)
            raise FitError(
                f"there is no plate '{name}' of latents that could be drawn anew",
                node=str(name),
                given=f"new={new!r}"[:80],
                needed=f"some of {over}" if over else "nothing: no latent runs over a plate",
                fix="leave it out: data over a plate without latents may have any length",
                where=graph.plate[name].where if name in graph.plate else caller(),
            )
    return {root(graph, name) for name in names}


def check_sizes(
    graph: Graph, sizes: Mapping[str, int] | None, fixed: Mapping[str, tuple[int, Any]], *, anew: bool = True
) -> None:
    """Raise a FitError where a plate is given another size than what the fit has over it.

    Args:
        graph: the graph.
        sizes: sizes by plate.
        fixed: sizes and labels that the fit has.
        anew: whether elements of a plate can be called new.
    """
    if not isinstance(sizes, Mapping):
        return
    for name, size in sizes.items():
        if name in fixed and fixed[name][0] != size:
            raise FitError(
                f"the latents over '{name}' were drawn for another number of elements"
                if anew
                else f"the functions over '{name}' were observed for another number of elements",
                node=name,
                given=f"sizes={dict(sizes)}",
                needed=f"{fixed[name][0]}",
                fix=f'leave it out, or draw them anew: new="{name}"' if anew else "leave it out",
                where=graph.plate[name].where,
            )
