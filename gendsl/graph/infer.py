"""The type of any node, of an operation or a distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gendsl.graph.families import FAMILIES, infer_dist
from gendsl.graph.ops import OPS
from gendsl.graph.types import Type

__all__ = ["infer_node"]


def infer_node(op: str, types: Sequence[Type], attrs: dict[str, Any], ids: Sequence[int]) -> Type:
    """The type of a node; raises Problem."""
    if op.startswith("dist."):
        return infer_dist(FAMILIES[op[5:]], types, attrs, ids)
    return OPS[op].infer(types, attrs)
