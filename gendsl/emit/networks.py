"""Emission of networks: `decoder = network(MLP(64), event=(8,), name="decoder")` above, `decoder(params, z)` within.

A spec is written as its constructor. One that a file cannot hold (the user's own module, or class of networks) is given
to the program when it is loaded, as `modules["decoder"]`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gendsl.emit import arrays
from gendsl.emit.scope import Module, Scope
from gendsl.emit.values import Val
from gendsl.graph.networks import Used
from gendsl.graph.node import Node
from gendsl.networks import NETWORKS, TIMES, Network

__all__ = ["CLASSES", "MODULES", "declarations", "given", "imports", "parameter_words"]

MODULES = "modules"
CLASSES = ("Activation", *NETWORKS, *TIMES)
"""What a spec is written with."""


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


def _written(spec: Network) -> bool:
    """Whether a program can hold the spec as text."""
    return NETWORKS.get(type(spec).__name__) is type(spec)


def given(networks: Mapping[str, Used]) -> dict[str, Any]:
    """What a program must be given, for it cannot be written: {"modules": name -> spec}; empty where there is none."""
    specs = {name: used.spec for name, used in networks.items() if not _written(used.spec)}
    return {MODULES: specs} if specs else {}


def imports(networks: Mapping[str, Used]) -> list[str]:
    """The import of what the specs are written with."""
    texts = " ".join(repr(used.spec) for used in networks.values() if _written(used.spec))
    names = sorted(name for name in CLASSES if re.search(rf"\b{name}\b", texts))
    return [f"from gendsl.networks import {', '.join(names)}"] if names else []


def declarations(module: Module) -> list[str]:
    """A line for each network."""
    out = []
    for name, used in module.networks.items():
        spec = repr(used.spec) if _written(used.spec) else f'{MODULES}["{name}"]'
        out.append(f'{module.network_names[name]} = network({spec}, event={used.event!r}, name="{name}")')
    return out


def parameter_words(networks: Mapping[str, Used]) -> list[str]:
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
