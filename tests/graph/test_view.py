"""Graphs as networkx graphs."""

from __future__ import annotations

import subprocess
import sys
import time

import networkx as nx
import pytest

import gendsl as gd
from gendsl.graph.networks import calls_at
from gendsl.graph.node import Graph, Node
from gendsl.graph.view import SITE_OPS, digraph, site_graph
from gendsl_models import LEARNED, ZOO
from tests.graph.models import MODELS

SAMPLES = {**MODELS, **{f"zoo_{name}": entry.build for name, entry in (ZOO | LEARNED).items()}}
samples = pytest.mark.parametrize("name", SAMPLES)


def test_a_value_used_twice_has_two_edges() -> None:
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    m.let("y", x * x - x)
    g = digraph(m.graph)
    mul = next(i for i, op in g.nodes(data="op") if op == "mul")
    assert g.number_of_edges(m.graph.sites["x"], mul) == 2
    assert sorted(d["position"] for d in g.get_edge_data(m.graph.sites["x"], mul).values()) == [0, 1]
    latent = {"op": "latent", "name": "x", "type": "float, scalar"}
    assert g.nodes[m.graph.sites["x"]] == latent | {"dims": (), "event": (), "dtype": "float", "support": "real"}


@samples
def test_every_node_and_argument(name: str) -> None:
    graph = SAMPLES[name]().graph
    g = digraph(graph)
    assert list(g.nodes) == list(range(len(graph.nodes)))
    assert g.number_of_edges() == sum(len(n.args) for n in graph.nodes)
    assert nx.is_directed_acyclic_graph(g)


def test_sites_of_eight_schools() -> None:
    g = site_graph(MODELS["eight_schools"]().graph)
    assert list(g.nodes) == ["sigma", "mu", "tau", "theta", "y"]
    assert set(g.edges) == {("mu", "theta"), ("tau", "theta"), ("theta", "y"), ("sigma", "y")}
    assert dict(g.nodes(data="kind")) == {
        "sigma": "data", "mu": "latent", "tau": "latent", "theta": "latent", "y": "observe",
    }  # fmt: skip
    assert dict(g.nodes(data="plates")) == {
        "sigma": ("school",), "mu": (), "tau": (), "theta": ("school",), "y": ("school",),
    }  # fmt: skip


def test_edges_run_through_deterministic_nodes_and_stop_at_lets() -> None:
    g = site_graph(MODELS["nested"]().graph)
    assert set(g.predecessors("eta")) == {"a", "gamma", "ses", "beta", "x"}
    assert set(g.predecessors("y")) == {"eta", "sigma"}


def test_joint_plates() -> None:
    g = site_graph(MODELS["markov"]().graph)
    assert g.nodes["z"]["plates"] == g.nodes["z"]["joint"] == ("t",)
    assert g.nodes["z"]["event"] == ()
    assert g.nodes["y_obs"]["plates"] == ("t_from_2",)
    assert g.nodes["y_obs"]["joint"] == ()
    assert set(g.predecessors("z")) == {"phi", "u", "q", "w"}
    assert site_graph(MODELS["hidden_markov"]().graph).nodes["y"]["joint"] == ("t",)


def test_data_for_missing_values_are_derived() -> None:
    g = site_graph(MODELS["imputed"]().graph)
    assert [n for n, d in g.nodes.items() if d["derived"]] == ["y_observed", "y_missing_position"]
    assert set(g.predecessors("y")) == {"mu", "y_missing", "y_observed", "y_missing_position"}


@samples
def test_edges_are_the_paths_without_sites_between(name: str) -> None:
    graph = SAMPLES[name]().graph
    g, whole = site_graph(graph), nx.DiGraph(digraph(graph))
    assert nx.is_directed_acyclic_graph(g)
    at = {d["index"]: n for n, d in g.nodes.items() if d["kind"] != "network"}
    own = {i: at[graph.sites[str(n.name)]] for i, n in graph.of("data") if i not in at}
    assert set(own.values()) <= {n.name for _, n in graph.of("observe")}
    name_of = at | own
    sites = [i for i, n in graph if n.op in SITE_OPS]
    expected = set()
    for b in sites:
        seen, todo = set(), list(whole.predecessors(b))
        while todo:
            a = todo.pop()
            if a in seen:
                continue
            seen.add(a)
            expected |= {(call.name, name_of[b]) for call in calls_at(graph.nodes, graph.nodes[a])}
            if a in name_of:
                expected.add((name_of[a], name_of[b]))
            else:
                todo += whole.predecessors(a)
    assert set(g.edges) == {(a, b) for a, b in expected if a != b}


def test_data_that_something_uses_before_their_observation_stay_apart() -> None:
    """The language makes no such graph; a file or a pass may."""
    graph = MODELS["eight_schools"]().graph
    y, dist = graph.inputs["y"], graph.nodes[8]
    order = [y, *(i for i in range(len(graph.nodes)) if i != y)]
    moved = {i: k for k, i in enumerate(order)}
    nodes = [
        Node(n.op, tuple(moved[a] for a in n.args), n.attrs, n.type, n.name) for n in (graph.nodes[i] for i in order)
    ]
    at = moved[8]
    nodes[at] = Node(dist.op, (0, nodes[at].args[1]), dist.attrs, dist.type)
    g = site_graph(Graph("m", tuple(nodes), graph.plates))
    assert nx.is_directed_acyclic_graph(g)
    assert set(g.predecessors("theta")) == {"y (data)", "tau"}
    assert set(g.predecessors("y")) == {"y (data)", "theta", "sigma"}


def test_large_graphs_are_quick() -> None:
    m = gd.Model("m")
    total = m.latent("x0", gd.Normal(0, 1))
    for k in range(1, 3_400):
        total = total + m.latent(f"x{k}", gd.Normal(0, 1)) * 2.0
    m.observe("y", gd.Normal(total, 1), dims=m.plate("i"))
    graph = m.graph
    assert len(graph.nodes) > 10_000
    start = time.process_time()
    g = site_graph(graph)
    assert g.in_degree("y") == 3_400
    assert time.process_time() - start < 5


def test_networkx_is_imported_when_asked_for() -> None:
    code = "import sys, gendsl, gendsl.graph.view; assert 'networkx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
