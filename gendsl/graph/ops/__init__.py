"""Operations of the graph; importing this package fills the registry."""

from gendsl.graph.ops import control, elementwise, linalg, lowered, reductions, shapes
from gendsl.graph.ops.registry import OPS, OpSpec, Problem, op

__all__ = ["OPS", "OpSpec", "Problem", "control", "elementwise", "linalg", "lowered", "op", "reductions", "shapes"]
