"""Graphs to JSON and back: everything survives, the text is readable, and reading is linear."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest

import gendsl as gd
from gendsl.densities import CategoricalElement, Predicts
from gendsl.errors import FormatError
from gendsl.graph import constraints
from gendsl.graph.constraints import Constraint, Interval, Ref
from gendsl.graph.families import FAMILIES, Parameter
from gendsl.graph.json import dumps, loads
from gendsl.graph.node import Array, Axis, Graph, Node, Plate
from gendsl.graph.types import ArrayType, DistType, DType
from gendsl.lang.distributions import Autoregressive, Diffusion, Energy, Flow, Pushforward
from gendsl.lang.distributions.base import Distribution
from gendsl.networks import MLP
from gendsl.processes import VP
from gendsl.samplers import DDIM
from gendsl.transforms import nsf
from gendsl_models import LEARNED, ZOO
from tests.graph.models import MODELS

SAMPLES = {**MODELS, **{f"zoo_{name}": entry.build for name, entry in (ZOO | LEARNED).items()}}
models = pytest.mark.parametrize("name", SAMPLES)


@models
def test_round_trip(name: str) -> None:
    graph = SAMPLES[name]().graph
    text = dumps(graph)
    back = loads(text)
    assert back == graph
    assert dumps(back) == text
    assert all(n.where is None for n in back.nodes)
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@models
def test_a_model_goes_through_text(name: str) -> None:
    model = SAMPLES[name]()
    back = gd.Model.from_json(model.to_json())
    assert back == model
    assert str(back) == str(model)


def test_one_node_a_line() -> None:
    graph = MODELS["eight_schools"]().graph
    lines = dumps(graph).splitlines()
    assert json.loads(lines[8].rstrip(",")) == {
        "args": [1, 2],
        "attrs": {"expand": [], "params": ["loc", "scale"], "static": []},
        "id": 3,
        "op": "dist.Normal",
    }
    assert sum('"op":' in line for line in lines) == len(graph.nodes)
    top = [line.split('"')[1] for line in lines if line.startswith(' "')]
    assert top == sorted(top)


def test_a_step_has_a_line_for_each_node() -> None:
    graph = MODELS["scanned"]().graph
    (step,) = [n.attr["step"] for n in graph.nodes if n.op == "scan"]
    assert sum('"op":' in line for line in dumps(graph).splitlines()) == len(graph.nodes) + len(step.nodes)


def test_another_layout_still_loads() -> None:
    graph = MODELS["nested"]().graph
    assert loads(json.dumps(json.loads(dumps(graph)), indent=4, ensure_ascii=False)) == graph


# -- families ---------------------------------------------------------------------------------------------------------
_VALUES: dict[Constraint, object] = {
    constraints.simplex: [0.2, 0.3, 0.5],
    constraints.ordered: [-1.0, 0.0, 1.0],
    constraints.positive_ordered: [0.5, 1.0, 2.0],
    constraints.positive_definite: np.eye(3),
    constraints.lower_cholesky: np.eye(3),
    constraints.corr_cholesky: np.eye(3),
    constraints.corr_matrix: np.eye(3),
}


def _value(p: Parameter) -> object:
    if p.kind == "dist":
        return gd.Normal(0, 1)
    if p.integer:
        return 4
    x = np.asarray(_VALUES.get(p.constraint, 0.5))
    return np.broadcast_to(x, (3,) * p.rank) if x.ndim < p.rank else x


_BY_HAND = {
    "Markov": "markov",
    "HiddenMarkov": "hidden_markov",
    "JointNormal": "gaussian_process",
    "MixtureOf": "mixture",
    "MixtureGeneral": "mixture",
    "ImproperUniform": "mixture",
}
_SPECIAL = {
    "Uniform": lambda: gd.Uniform(-1.0, 2.0),
    "TruncatedNormal": lambda: gd.TruncatedNormal(0.0, 1.0, low=-1.0, high=2.0),
    "LKJ": lambda: gd.LKJ(3, 2.0),
    "LKJCholesky": lambda: gd.LKJCholesky(3, 2.0),
    "ZeroInflated": lambda: gd.ZeroInflated(gd.Poisson(2.0), gate=0.3),
    "SineSkewed": lambda: gd.SineSkewed(gd.VonMises([0.0, 1.0], [1.0, 2.0]), [0.1, -0.2]),
    "Masked": lambda: gd.Normal(0, 1).mask(True),
    "Flow": lambda: Flow(gd.Normal(0, 1).expand(2), nsf(2, hidden=(3,)), context=np.ones(2)),
    "Diffusion": lambda: Diffusion(
        VP(), network=MLP(2), predicts=Predicts.V, event=2, sampler=DDIM(steps=3), context=np.ones(1)
    ),
    "Autoregressive": lambda: Autoregressive((2, 2), CategoricalElement(3)),
    "Energy": lambda: Energy(MLP(1, hidden=(3,)), (2, 2), spread=2.0, context=np.ones(2)),
    "Pushforward": lambda: Pushforward(gd.Normal(0, 1).expand(3), MLP((2, 2), hidden=(3,)), context=np.ones(2)),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family(family: str) -> None:
    if family in _BY_HAND:
        graph = MODELS[_BY_HAND[family]]().graph
        assert any(n.op == f"dist.{family}" for n in graph.nodes)
        return  # they go back and forth above
    spec = FAMILIES[family]
    m = gd.Model("one")
    if family in _SPECIAL:
        dist = _SPECIAL[family]()
    else:
        groups: set[str] = set()
        given = {}
        for p in spec.params:
            if p.group is None or p.group not in groups:
                given[p.name] = _value(p)
                groups.add(p.group or p.name)
        cls = next(c for c in _subclasses(Distribution) if c.__name__ == family)
        dist = cls(**given)
    m.latent("x", dist)
    m.observe("y", dist.expand(2) if dist.type.event != (0,) else dist, dims=m.plate("i"))
    assert loads(dumps(m.graph)) == m.graph


def _subclasses(cls: type) -> list[type]:
    return [s for c in cls.__subclasses__() for s in (c, *_subclasses(c))]


# -- values -----------------------------------------------------------------------------------------------------------
def _const(value: float | Array) -> Graph:
    x = np.asarray(value.numpy() if isinstance(value, Array) else value)
    support = constraints.unit_interval if not x.size else constraints.real
    if x.size and np.isfinite(x).all():
        support = Interval(float(x.min()), float(x.max()), (True, True))
    return Graph("g", (Node("const", (), (("value", value),), ArrayType((), x.shape, DType.FLOAT, support)),))


@pytest.mark.parametrize("x", [0.1, -0.0, 1e-320, 1.7976931348623157e308, math.inf, -math.inf, 5e-324, 1 / 3])
def test_floats_keep_every_bit(x: float) -> None:
    back = loads(dumps(_const(x))).nodes[0].attr["value"]
    assert np.float64(back).tobytes() == np.float64(x).tobytes()


def test_not_a_number_survives() -> None:
    text = dumps(_const(math.nan))
    assert math.isnan(loads(text).nodes[0].attr["value"])
    assert dumps(loads(text)) == text


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (np.linspace(0, 1, 7), "values"),
        (np.arange(6.0).reshape(2, 3), "values"),
        (np.random.default_rng(0).normal(size=(30, 40)), "base64"),
        (np.array([1.0, np.nan, np.inf, -np.inf]), "base64"),
        (np.frombuffer(b"\x01\x00\x00\x00\x00\x00\xf8\x7f", np.float64), "base64"),
        (np.array([-0.0, 0.0]), "values"),
        (np.zeros((0, 3)), "values"),
    ],
    ids=["vector", "matrix", "large", "infinite", "payload", "signs", "empty"],
)
def test_arrays_keep_every_bit(value: np.ndarray, key: str) -> None:
    array = Array.of(value)
    graph = _const(array)
    text = dumps(graph)
    assert f'"{key}"' in text
    assert loads(text) == graph
    assert loads(text).nodes[0].attr["value"].data == array.data


def test_integers_and_booleans_stay_what_they_are() -> None:
    m = gd.Model("m")
    x = m.data("x", dims=m.plate("i", 3), dtype=int)
    m.let("a", x + 1)
    m.let("b", x + 1.0)
    m.let("c", gd.where(x > 0, np.array([True, False]), np.array([1, 2])))
    back = loads(dumps(m.graph))
    assert back == m.graph
    kinds = [type(n.attr["value"]) for n in back.nodes if n.op == "const"]
    assert kinds.count(int) >= 1
    assert kinds.count(float) == 1
    assert {n.attr["value"].dtype for n in back.nodes if n.op == "const" and isinstance(n.attr["value"], Array)} == {
        "bool",
        "int64",
    }


def test_numpy_scalars_become_plain() -> None:
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1).expand(3))
    node = Node("index", (m.graph.sites["x"],), (("at", np.int64(1)), ("axis", -1)), (x[1]).type)
    graph = Graph("m", (*m.graph.nodes[:4], node))
    assert type(loads(dumps(graph)).nodes[-1].attr["at"]) is int


@pytest.mark.parametrize(
    "coords",
    [["a", "b"], [1, 2], [1.5, math.inf], [True, False], np.array(["2024-01-01", "NaT"], "datetime64[D]"),
     np.array(["2024-01-01T10:00", "2024-01-02"], "datetime64[s]"), ["\N{GREEK SMALL LETTER THETA}", '"\\\n']],
)  # fmt: skip
def test_coords(coords: list[object]) -> None:
    m = gd.Model("m")
    m.plate("i", coords=coords)
    m.axis("j", 2, coords=coords)
    back = loads(dumps(m.graph))
    assert back == m.graph
    assert [type(c) for c in back.plates[0].coords or ()] == [type(c) for c in m.graph.plates[0].coords or ()]


def test_plates_and_axes_whole() -> None:
    t = Plate("t", 10, tuple("abcdefghij"), 4)
    plates = (t, Plate("u"), Plate("t_cut", base="t", start=2, stop=1), Plate("t_pair", base="t"))
    graph = Graph("m", (), plates, (Axis("k", 2, ("x", "y")), Axis("l", 3)))
    assert loads(dumps(graph)) == graph


def test_every_constraint() -> None:
    def classes(c: type[Constraint]) -> list[type[Constraint]]:
        return [s for k in c.__subclasses__() for s in (k, *classes(k))]

    values = [c() for c in classes(Constraint) if c.__module__ == constraints.__name__]
    values += [
        Interval(0.0, Ref(0)),
        Interval(-1, 2.5, (True, False)),
        constraints.Counts(Ref(0)),
        constraints.Counts(3.0),
    ]
    nodes = [Node("const", (), (("value", 1.0),), ArrayType((), (), DType.FLOAT, Interval(1.0, 1.0, (True, True))))]
    for k, c in enumerate(values):
        t = ArrayType((), (2,) * c.rank, DType.FLOAT, c)
        attrs = (("axes", ()), ("derived", None), ("indexes", None), ("type", t))
        nodes.append(Node("data", (), attrs, t, f"x{k}"))
    graph = Graph("m", tuple(nodes))
    assert loads(dumps(graph)) == graph


def test_a_text_that_looks_like_layout() -> None:
    m = gd.Model("m")
    m.plate("i", coords=['"class": "Subgraph"', '{"class": "Subgraph"}'])
    m.latent("x", gd.Normal(0, 1))
    assert loads(dumps(m.graph)) == m.graph


# -- what cannot be written -------------------------------------------------------------------------------------------
def test_an_unknown_value_is_refused() -> None:
    node = MODELS["alone"]().graph.nodes[0]
    graph = Graph("m", (Node("data", (), (*node.attrs[:3], ("type", object())), node.type, "rain"),))
    with pytest.raises(FormatError, match=r"nodes\[0\]\.attrs\.type"):
        dumps(graph)
    with pytest.raises(FormatError, match=r"plates\[0\]\.coords"):
        dumps(Graph("m", (), (Plate("i", 1, (1j,)),)))


def test_a_type_that_does_not_follow_is_refused() -> None:
    graph = MODELS["eight_schools"]().graph
    k = graph.sites["theta"]
    wrong = Node(graph.nodes[k].op, graph.nodes[k].args, graph.nodes[k].attrs, ArrayType(("school",), (3,)), "theta")
    with pytest.raises(FormatError, match="does not follow") as e:
        dumps(Graph(graph.name, (*graph.nodes[:k], wrong, *graph.nodes[k + 1 :]), graph.plates))
    assert e.value.node == "theta"


def test_a_distribution_is_typed_with_its_own_indices() -> None:
    """The support of a uniform names its bounds' nodes: they must be the file's."""
    graph = MODELS["markov"]().graph
    u = graph.nodes[graph.sites["u"]].type
    assert isinstance(u, ArrayType)
    assert isinstance(u.support, Interval)
    assert isinstance(u.support.lower, Ref)
    back = loads(dumps(graph))
    assert isinstance(back.nodes[graph.sites["u"] - 1].type, DistType)
    assert back.nodes[graph.sites["u"]].type == u


# -- size -------------------------------------------------------------------------------------------------------------
def _chain(steps: int) -> Graph:
    m = gd.Model("chain")
    a = m.data("a", dims=m.plate("i"))
    e = m.latent("b", gd.Normal(0, 1))
    for k in range(steps):
        e = e * float(k) + a
    m.observe("y", gd.Normal(e, 1), dims="i")
    return m.graph


def test_ten_thousand_nodes_in_linear_time() -> None:
    def seconds(graph: Graph) -> float:
        start = time.process_time()
        assert loads(dumps(graph)) == graph
        return time.process_time() - start

    small, large = _chain(700), _chain(3_400)
    assert len(large.nodes) >= 10_000
    seconds(small)
    one = min(seconds(small) for _ in range(3))
    assert seconds(large) < 15 * one + 0.5
