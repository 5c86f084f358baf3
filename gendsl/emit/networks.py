"""Emission of what is learned, above a program's functions:

    decoder = network(MLP(64), event=(8,), name="decoder")                  called decoder(params, z)
    z_density = density(FlowDensity(Chain(...)), event=(8,), name="z")      called z_density(params, base)

A spec is written as its constructor. One that a file cannot hold (the user's own module, or class of networks) is given
to the program when it is loaded, as `modules["decoder"]`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any

from gendsl.emit import arrays
from gendsl.emit.scope import WORDS, Module, Scope
from gendsl.emit.values import Val
from gendsl.graph.learned import Learned, UsedDensity
from gendsl.graph.node import Node
from gendsl.networks import Network
from gendsl.networks.spec import Spec

__all__ = ["MODULES", "declarations", "given", "imports", "makers", "parameter_words"]

MODULES = "modules"


@arrays.emits("network")
def _network(scope: Scope, i: int, n: Node) -> Val:
    spec: Network = n.attr["spec"]
    x, *time = n.args
    value = scope.array(scope.vals[x] if spec.integers else scope.floats(x, strict=True))
    vals = [value, *(scope.array(scope.floats(t, strict=True)) for t in time)]
    call = ", ".join(["params", *(v.code for v in vals)])
    return Val(
        f"{scope.module.network_names[n.attr['network']]}({call})",
        rank=scope.type(i).rank,
        slots=max(v.slots for v in vals),
        batched=any(v.batched for v in vals),
    )


def _written(spec: Any) -> bool:
    """Whether a program can hold the spec as text: it, and all specs within it, are gendsl's own."""
    if isinstance(spec, tuple):
        return all(map(_written, spec))
    if not isinstance(spec, Spec):
        return True
    module = next((m for m, names in WORDS.items() if type(spec).__name__ in names), None)
    own = module is not None and getattr(import_module(module), type(spec).__name__) is type(spec)
    return own and all(_written(getattr(spec, f.name)) for f in fields(spec))


def given(learned: Mapping[str, Learned]) -> dict[str, Any]:
    """What a program must be given, for it cannot be written: {"modules": name -> spec}; empty where there is none."""
    specs = {name: used.spec for name, used in learned.items() if not _written(used.spec)}
    return {MODULES: specs} if specs else {}


def imports(learned: Mapping[str, Learned]) -> list[str]:
    """The imports of what the specs are written with."""
    texts = " ".join(repr(used.spec) for used in learned.values() if _written(used.spec))
    found = {m: sorted(n for n in names if re.search(rf"\b{n}\b", texts)) for m, names in WORDS.items()}
    return [f"from {module} import {', '.join(names)}" for module, names in found.items() if names]


def declarations(module: Module) -> list[str]:
    """A line for each network and each learned distribution."""
    out = []
    for name, used in module.networks.items():
        kind = "density" if isinstance(used, UsedDensity) else "network"
        spec = repr(used.spec) if _written(used.spec) else f'{MODULES}["{name}"]'
        out.append(f'{module.network_names[name]} = {kind}({spec}, event={used.event!r}, name="{name}")')
    return out


def makers(learned: Mapping[str, Learned]) -> list[str]:
    """Which of the dialect's `network` and `density` a program calls."""
    kinds = {"density" if isinstance(used, UsedDensity) else "network" for used in learned.values()}
    return sorted(kinds)


def parameter_words(networks: Mapping[str, Learned]) -> list[str]:
    """Names and shapes of the parameters, a line for each layer."""
    out = []
    for name, used in networks.items():
        if _written(used.spec):
            layers: dict[str, list[str]] = {}
            for short, p in used.spec.parameters(used.event).items():
                layer, _, last = short.rpartition(".")
                layers.setdefault(layer, []).append(f"{last} [{', '.join(map(str, p.shape))}]")
            out += [f"{name}.{layer}: {', '.join(parts)}" for layer, parts in layers.items()]
        else:
            out.append(f"{name}.*: the parameters of {used.spec!r}, as its module names them")
    return out
