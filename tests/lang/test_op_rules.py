"""The typing rules themselves, on arguments that the language would not build but a file might hold."""

from __future__ import annotations

import numpy as np
import pytest

import gendsl as gd
from gendsl.graph.families import FAMILIES, infer_dist
from gendsl.graph.node import Node, Subgraph
from gendsl.graph.ops import OPS, Problem
from gendsl.graph.types import ArrayType, DistType, DType, TupleType

X = ArrayType()
V3, V2, V1 = ArrayType(event=(3,)), ArrayType(event=(2,)), ArrayType(event=(1,))
M33, M23 = ArrayType(event=(3, 3)), ArrayType(event=(2, 3))
A, AB = ArrayType(("a",)), ArrayType(("a", "b"))
INT, BOOL = ArrayType(dtype=DType.INT), ArrayType(dtype=DType.BOOL)
D, DA = DistType(), DistType(("a",))

IDENTITY = Subgraph((Node("input", (), (), X),), (0,), (0,))
DRAWING = Subgraph((Node("input", (), (), X), Node("dist.Normal", (0, 0), (), D)), (0,), (1,))
SCAN = {"step": IDENTITY, "carries": 1, "sequences": 0, "length": "t", "reverse": False}
ODE = {"step": IDENTITY, "rtol": 1e-6, "atol": 1e-6, "max_steps": 10}

RULES = [
    ("add", [X], {}, "add takes 2 values"),
    ("exp", [X, X], {}, "exp takes 1 values"),
    ("add", [X, D], {}, "an operation needs values"),
    ("where", [X, X, X], {}, "where needs a condition"),
    ("to_event", [A], {"dims": ("b",), "sizes": ("b",)}, "no dim 'b'"),
    ("from_event", [X], {"dims": ("b",)}, "fewer event axes than dims"),
    ("from_event", [ArrayType(("a",), (3,))], {"dims": ("a",)}, "already has dim 'a'"),
    (
        "slice",
        [ArrayType(event=("t",))],
        {"axis": -1, "start": 1, "stop": None, "step": None},
        "condition on the plate",
    ),
    ("slice", [X], {"axis": -1, "start": 1, "stop": None, "step": None}, "no event axis -1"),
    ("shift", [X], {"start": 1, "stop": 0, "plate": "t"}, "a leading event axis"),
    ("index", [V3], {"axis": -1, "at": 3}, "index 3 is out of range"),
    ("gather", [V3, INT, INT], {}, "more indices than axes"),
    ("gather", [V3, X], {}, "must be an integer"),
    ("gather", [V3, BOOL], {}, "a boolean mask"),
    ("gather", [M33, ArrayType((), (2,), DType.INT), ArrayType((), (3,), DType.INT)], {}, "do not broadcast"),
    ("reshape", [V3], {"shape": (2, 2)}, "keeps the number of elements"),
    ("transpose", [M23], {"axes": (-1, -1)}, "every event axis once"),
    ("expand_dims", [X], {"axis": -2}, "no event axis -2"),
    ("broadcast_event", [V3], {"shape": (2,)}, "does not broadcast"),
    ("stack", [V3, V2], {}, "equal event shapes"),
    ("stack", [], {}, "equal event shapes"),
    ("concatenate", [V3, M23], {"axis": -1}, "other axes must be equal"),
    ("concatenate", [ArrayType(event=("t",)), V3], {"axis": -1}, "plate's axis cannot be concatenated"),
    ("flip", [X], {"axis": -1}, "no event axis -1"),
    ("sum", [V3], {"axes": (-2,), "dims": ()}, "no event axis -2"),
    ("sum", [A], {"axes": (), "dims": ("b",)}, "no dim 'b'"),
    ("all", [V3], {"axes": (-1,), "dims": ()}, "needs a boolean"),
    ("cumsum", [X], {"axis": -1}, "no event axis -1"),
    ("matmul", [X, V3], {}, "@ needs event axes"),
    ("matmul", [V2, V3], {}, "inner sizes of @ differ"),
    ("matmul", [ArrayType(event=(4, 2, 3)), ArrayType(event=(5, 3, 2))], {}, "leading event axes of @"),
    ("outer", [X, V3], {}, "outer needs vectors"),
    ("outer", [ArrayType(event=(4, 2)), ArrayType(event=(5, 2))], {}, "leading event axes"),
    ("cholesky", [M23], {}, "a square matrix"),
    ("solve", [M33, V2], {}, "sizes differ"),
    ("solve", [M33, X], {}, "sizes differ"),
    ("solve", [ArrayType(event=(4, 3, 3)), ArrayType(event=(5, 3, 1))], {}, "leading event axes"),
    ("solve_triangular", [M23, V3], {"lower": True, "transposed": False}, "a square matrix"),
    ("diag", [X], {}, "diag needs a vector"),
    ("tril", [V3], {"k": 0}, "a square matrix"),
    ("vector_to_tril", [V3], {"size": 3}, "wrong length"),
    ("scan", [V3], SCAN, "does not fit its step"),
    ("scan", [X], {**SCAN, "step": DRAWING}, "a step returns values"),
    ("item", [X], {"at": 0}, "several results"),
    ("odeint", [X, X, M23], ODE, "one vector of times"),
    ("odeint", [V3, X, V2], ODE, "the state's shape"),
    ("latent", [X], {"dims": (), "centered": None, "axes": ()}, "latent needs a distribution"),
    ("observe", [X, X], {}, "observe needs a distribution"),
    ("observe", [D, V3], {}, "another event shape"),
    ("observe", [DA, X], {}, "varies over 'a', the observed value does not"),
    ("observe", [D, A, ArrayType(("b",), dtype=DType.BOOL)], {}, "varies over 'b'"),
    ("observe", [D, X, X], {}, "a mask is boolean"),
    ("factor", [V3], {}, "one log-weight"),
    ("factor", [BOOL], {}, "not a condition"),
    ("log_prob", [X, X], {}, "log_prob needs a distribution"),
    ("log_prob", [D, V3], {}, "another event shape"),
    ("let", [D], {"axes": ()}, "needs values"),
]


@pytest.mark.parametrize(("op", "args", "attrs", "words"), RULES, ids=[f"{r[0]}-{k}" for k, r in enumerate(RULES)])
def test_rule_refuses(op: str, args: list, attrs: dict, words: str) -> None:
    with pytest.raises(Problem) as caught:
        OPS[op].infer(args, attrs)
    assert words in caught.value.problem


@pytest.mark.parametrize(
    ("family", "types", "params", "words"),
    [
        ("Normal", [D, X], ("loc", "scale"), "'loc' must be a value"),
        ("Folded", [X], ("base",), "'base' must be a distribution"),
        ("Normal", [V3, V2], ("loc", "scale"), "do not broadcast"),
        ("Dirichlet", [X], ("concentration",), "must be a vector"),
        ("MultivariateNormal", [V3, V3], ("loc", "scale_tril"), "must be a matrix"),
        ("MultivariateNormal", [V2, M33], ("loc", "scale_tril"), "sizes of location and matrix differ"),
        ("MultivariateNormal", [V1, M33], ("loc", "scale_tril"), "sizes of location and matrix differ"),
        ("MultivariateNormal", [V3, M23], ("loc", "scale_tril"), "must be square"),
        ("Wishart", [X, M23], ("df", "scale_tril"), "square matrix"),
        ("LowRankMultivariateNormal", [V1, M33, V3], ("loc", "cov_factor", "cov_diag"), "sizes of location, factor"),
        ("LowRankMultivariateNormal", [V3, M23, V3], ("loc", "cov_factor", "cov_diag"), "sizes of location, factor"),
    ],
)
def test_family_refuses(family: str, types: list, params: tuple[str, ...], words: str) -> None:
    with pytest.raises(Problem) as caught:
        infer_dist(FAMILIES[family], types, {"params": params, "static": (), "expand": ()}, range(len(types)))
    assert words in caught.value.problem


def test_every_operation_is_typed() -> None:
    m = gd.Model("m")
    x = m.data("x", dims=m.plate("i"), event=(3, 3))
    for name in ("cholesky", "inv", "logdet", "diagonal", "tril", "softmax", "logsumexp", "cumsum"):
        assert isinstance(getattr(gd, name)(x).type, ArrayType)


def test_results_of_a_scan_are_carries_then_stacked_outputs() -> None:
    step = Subgraph((Node("input", (), (), A), Node("input", (), (), V3)), (0, 1), (0, 1))
    sequence = ArrayType(event=("t", 3))
    out = OPS["scan"].infer([A, sequence], {**SCAN, "step": step, "sequences": 1})
    assert isinstance(out, TupleType)
    assert [(t.dims, t.event) for t in out.items] == [(("a",), ()), ((), ("t", 3))]


def test_constants_carry_their_range() -> None:
    m = gd.Model("m")
    x = m.data("x") + np.array([1.0, 3.0])
    const = m.graph.nodes[m.graph.nodes[x.node].args[1]]
    assert const.type.support == gd.Interval(1.0, 3.0, (True, True))
