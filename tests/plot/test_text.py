"""DOT and Mermaid: well formed, with every site and edge, plates as groups or on their sites."""

from __future__ import annotations

import re
import shutil
import subprocess

import networkx as nx
import pytest

import gendsl as gd
from gendsl.graph.view import site_graph
from gendsl.plot import dot, mermaid
from gendsl_models import LEARNED, ZOO
from tests.graph.models import MODELS

SAMPLES = {**MODELS, **{f"zoo_{name}": entry.build for name, entry in (ZOO | LEARNED).items()}}
samples = pytest.mark.parametrize("name", SAMPLES)
Parsed = tuple[dict[str, tuple[str, ...]], set[tuple[str, str]]]
"""Site -> the groups it is in; edges. Sites by name without plates."""

_STRING = r'"(?:[^"\\]|\\.)*"'
_LABEL = r'(?:[^"<>*`]|<br/>)*'
_VALUE = rf"(?:{_STRING}|[\w.]+)"
_PAIRS = rf"\w+={_VALUE}(?:, \w+={_VALUE})*"


def parse_dot(text: str) -> Parsed:
    """A reader of the part of DOT that is written; any other line fails."""
    lines = text.rstrip("\n").split("\n")
    assert re.fullmatch(rf"digraph {_STRING} {{", lines[0])
    assert lines[-1] == "}"
    names: dict[str, str] = {}
    groups: list[str] = []
    sites: dict[str, tuple[str, ...]] = {}
    edges: set[tuple[str, str]] = set()
    for line in map(str.strip, lines[1:-1]):
        if re.fullmatch(rf"//.*|rankdir=\w+; compound=\w+;|node \[{_PAIRS}\];", line):
            continue
        if m := re.fullmatch(rf"subgraph cluster_(\w+) {{(?: \w+={_VALUE};)+", line):
            groups.append(m[1])
        elif line == "}":
            groups.pop()
        elif m := re.fullmatch(r"(s\d+) -> (s\d+);", line):
            edges.add((names[m[1]], names[m[2]]))
        else:
            m = re.fullmatch(rf"(s\d+) \[({_PAIRS})\];", line)
            assert m, line
            label = re.findall(r'(?:^|, )x?label="((?:[^"\\]|\\.)*)"', m[2])[-1]
            names[m[1]] = re.split(r"\\n|\[", label)[0]
            sites[names[m[1]]] = tuple(groups)
    assert not groups
    return sites, edges


def parse_mermaid(text: str) -> Parsed:
    """A reader of the part of Mermaid that is written; any other line fails."""
    lines = text.rstrip("\n").split("\n")
    assert lines[0] == "flowchart TD"
    names: dict[str, str] = {}
    groups: list[str] = []
    classes: set[str] = set()
    sites: dict[str, tuple[str, ...]] = {}
    edges: set[tuple[str, str]] = set()
    for line in map(str.strip, lines[1:]):
        if line.startswith("%%"):
            continue
        if m := re.fullmatch(r'subgraph plate\d+\["(\w+)[^"]*"\]', line):
            groups.append(m[1])
        elif line == "end":
            groups.pop()
        elif m := re.fullmatch(r"(s\d+) --> (s\d+)", line):
            edges.add((names[m[1]], names[m[2]]))
        elif m := re.fullmatch(r"classDef (\w+) [^;]+;", line):
            classes.discard(m[1])
        else:
            m = re.fullmatch(rf'(s\d+)(?:\(\("{_LABEL}"\)\)|\("{_LABEL}"\)|\["{_LABEL}"\]):::(\w+)', line)
            assert m, line
            names[m[1]] = re.split(r"<br/>|\[|#", line.split('"')[1])[0]
            sites[names[m[1]]] = tuple(groups)
            classes.add(m[2])
    assert not groups
    assert not classes, "every class is defined"
    return sites, edges


@samples
@pytest.mark.parametrize("form", ["dot", "mermaid"])
def test_well_formed_and_whole(name: str, form: str) -> None:
    graph = SAMPLES[name]().graph
    sites, edges = parse_dot(dot(graph)) if form == "dot" else parse_mermaid(mermaid(graph))
    view = site_graph(graph)
    shown = {n for n, d in view.nodes.items() if not d["derived"]}
    assert set(sites) == shown
    assert edges == {(a, b) for a, b in view.edges if a in shown and b in shown}
    members = {p.name: {n for n in shown if p.name in view.nodes[n]["plates"]} for p in graph.plates}
    crossing = {p for p, s in members.items() for t in members.values() if s & t and not s <= t and not t <= s}
    for n, groups in sites.items():
        assert set(groups) == {p for p in view.nodes[n]["plates"] if p not in crossing}
        sizes = [len(members[p]) for p in groups]
        assert sizes == sorted(sizes, reverse=True), "the larger plate is outside"


def test_each_plate_is_one_group() -> None:
    for build in SAMPLES.values():
        opened = re.findall(r"subgraph cluster_(\w+)", dot(build().graph))
        assert len(opened) == len(set(opened))


def test_crossing_plates_stand_on_their_sites() -> None:
    graph = MODELS["crossed"]().graph
    for text in (dot(graph), mermaid(graph)):
        assert "subgraph" not in text
        assert "y[student, item]" in text
        assert "theta[student]" in text
        assert "plates that cross are written on their sites: item, student" in text


def test_what_has_a_meaning_in_the_text_is_escaped() -> None:
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    m.let("y", gd.where(x > 0, x * x, -x))
    assert '(("y<br/>= where(x #gt; 0, x #42;<br/>x, -x)"))' in mermaid(m.graph)
    from gendsl.plot.text import _quoted

    assert _quoted('a"b\\c\nd') == '"a\\"b\\\\c\\nd"'


def test_the_methods_of_a_model() -> None:
    m = MODELS["nested"]()
    assert m.dot() == dot(m.graph)
    assert m.mermaid() == mermaid(m.graph)


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_it() -> None:
    for build in MODELS.values():
        subprocess.run(["dot", "-Tsvg"], input=dot(build().graph).encode(), check=True, capture_output=True)


def test_the_edges_make_no_cycle() -> None:
    for build in SAMPLES.values():
        assert nx.is_directed_acyclic_graph(nx.DiGraph(list(parse_dot(dot(build().graph))[1])))
