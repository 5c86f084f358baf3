"""Damaged, forged and foreign texts: each is refused with words that say what, where and what to do."""

from __future__ import annotations

import builtins
import hashlib
import importlib
import json
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

import gendsl as gd
from gendsl.errors import FormatError
from gendsl.graph.json import dumps, loads
from tests.graph.models import MODELS

Content = dict[str, Any]
TEXT = {name: build().to_json() for name, build in MODELS.items()}


def signed(content: Content) -> str:
    """The text of a forged content, with a checksum that fits."""
    rest = {k: v for k, v in content.items() if k != "sha256"}
    raw = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return json.dumps(rest | {"sha256": hashlib.sha256(raw.encode()).hexdigest()})


def node(content: Content, name: str) -> Content:
    """The last node with this name."""
    return next(n for n in reversed(content["nodes"]) if n.get("name") == name)


def of(content: Content, op: str) -> Content:
    """The first node of this operation."""
    return next(n for n in content["nodes"] if n["op"] == op)


# -- the text ---------------------------------------------------------------------------------------------------------
E = TEXT["eight_schools"]
TEXTS: dict[str, tuple[str, str, str]] = {
    "empty": ("", "empty", "model.to_json"),
    "blank": ("  \n", "empty", "model.to_json"),
    "cut in half": (E[: len(E) // 2], r"cut off.*line \d+, column \d+", "undamaged copy"),
    "cut within a string": (E[: E.index("HalfCauchy") + 4], "cut off", "undamaged copy"),
    "last brace gone": (E.rstrip()[:-1], "cut off", "undamaged copy"),
    "not JSON": ("model = 1", r"not JSON.*line 1, column 1", "undamaged copy"),
    "Python instead of JSON": (E.replace("null", "None"), "not JSON", "undamaged copy"),
    "two texts": (E + E, "not JSON: Extra data", "undamaged copy"),
    "byte order mark": ("\ufeff" + E, "not JSON", "undamaged copy"),
    "NaN": (E.replace("5.0", "NaN"), "NaN is no JSON number", "undamaged copy"),
    "number out of range": (E.replace("5.0", "1e999"), "1e999 is out of range", "undamaged copy"),
    "integer without end": (E.replace("5.0", "5" * 9999), "not JSON", "undamaged copy"),
    "nested without end": ("[" * 100_000, "not JSON|nested too deeply|cut off", "undamaged copy"),
    "nested in a node": (E.replace("5.0", "[" * 5000 + "]" * 5000), "nested too deeply|checksum", "undamaged copy"),
    "key twice": (E.replace('"format"', '"name": "x", "format"'), "'name' stands twice", "undamaged copy"),
    "a list": ("[1, 2]", "not a gendsl graph", "choose a file"),
    "a number": ("3", "not a gendsl graph", "choose a file"),
    "another format": (E.replace("gendsl-graph", "notebook"), "not a gendsl graph", "choose a file"),
    "later version": (E.replace('"version": 1', '"version": 2'), "later gendsl", "upgrade gendsl"),
    "no version": (E.replace('"version": 1', '"version": null'), "no valid version", "undamaged copy"),
    "version zero": (E.replace('"version": 1', '"version": 0'), "no valid version", "undamaged copy"),
    "version true": (E.replace('"version": 1', '"version": true'), "no valid version", "undamaged copy"),
    "one digit": (E.replace("5.0", "6.0", 1), "damaged: its checksum", "undamaged copy"),
    "checksum": (re.sub(r'"sha256": ".', '"sha256": "z', E), "damaged: its checksum", "undamaged copy"),
    "checksum gone": (re.sub(r' "sha256": ".*",\n', "", E), "'sha256' is missing", "undamaged copy"),
    "another key": (E.replace(' "version"', ' "note": 1,\n "version"'), "'note' is unknown", "undamaged copy"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_damaged_text(what: str) -> None:
    text, problem, fix = TEXTS[what]
    with pytest.raises(FormatError, match=problem) as e:
        loads(text)
    assert fix in (e.value.fix or "")


def test_bytes_are_not_text() -> None:
    with pytest.raises(FormatError, match="read from text"):
        loads(E.encode())  # type: ignore[arg-type]


# -- forged contents, whose checksum fits -----------------------------------------------------------------------------
def set_(*path: Any, to: Any) -> Callable[[Content], None]:
    """A change at a path; a string that starts with @ finds the last node of that name, with ! of that operation."""

    def change(content: Content) -> None:
        at: Any = content
        steps = list(path)
        if isinstance(steps[0], str) and steps[0][0] in "@!":
            first = steps.pop(0)
            at = node(content, first[1:]) if first[0] == "@" else of(content, first[1:])
        for step in steps[:-1]:
            at = at[step]
        if to is ...:
            del at[steps[-1]]
        else:
            at[steps[-1]] = to

    return change


REAL = {"class": "Interval", "closed": [False, False], "lower": None, "upper": None}
FLOAT = {"class": "DType", "value": "float"}


def swap(a: int, b: int) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        nodes = content["nodes"]
        nodes[a], nodes[b] = nodes[b] | {"id": a}, nodes[a] | {"id": b}

    return change


FORGED: dict[str, tuple[str, Callable[[Content], None], str]] = {
    "nodes are no list": ("eight_schools", set_("nodes", to={}), "nodes: is no list"),
    "plates are no list": ("eight_schools", set_("plates", to=None), "plates: is no list"),
    "model's name": ("eight_schools", set_("name", to="eight schools"), "name: is not a name"),
    "model's name is a keyword": ("eight_schools", set_("name", to="lambda"), "name: is not a name"),
    "a node is no object": ("eight_schools", set_("nodes", 3, to=7), r"nodes\[3\]: is no node"),
    "a node has another key": ("eight_schools", set_("nodes", 3, "size", to=7), r"nodes\[3\]: is no node"),
    "no operation": ("eight_schools", set_("nodes", 3, "op", to=...), r"nodes\[3\]: is no node"),
    "ids": ("eight_schools", set_("nodes", 3, "id", to=4), r"nodes\[3\]\.id: the ids do not count up"),
    "unknown operation": ("regression", set_("!add", "op", to="os.system"), r"op: is no operation"),
    "unknown family": ("eight_schools", set_("nodes", 3, "op", to="dist.Evil"), "is no family"),
    "family from elsewhere": ("eight_schools", set_("nodes", 3, "op", to="dist.__class__"), "is no family"),
    "operation is no string": ("eight_schools", set_("nodes", 3, "op", to=["add"]), "a string, a list and an object"),
    "unknown class": (
        "eight_schools",
        set_("@sigma", "attrs", "type", "class", to="subprocess.Popen"),
        "is of no known class",
    ),
    "class is no string": ("eight_schools", set_("@sigma", "attrs", "type", "class", to=[1]), "is of no known class"),
    "class lacks a field": ("eight_schools", set_("@sigma", "attrs", "type", "event", to=...), "has other fields"),
    "class has another field": ("eight_schools", set_("@sigma", "attrs", "type", "x", to=1), "has other fields"),
    "field of another class": (
        "eight_schools",
        set_("@sigma", "attrs", "type", "support", to=FLOAT),
        r"support: is no such field",
    ),
    "bound is a string": (
        "eight_schools",
        set_("@sigma", "attrs", "type", "support", "lower", to="0"),
        r"lower: is no such field",
    ),
    "unknown dtype": ("eight_schools", set_("@sigma", "attrs", "type", "dtype", "value", to="complex"), "is no DType"),
    "argument after its use": (
        "eight_schools",
        set_("nodes", 3, "args", 0, to=9),
        r"nodes\[3\]\.args\[0\]: an argument is no",
    ),
    "argument is itself": ("eight_schools", set_("nodes", 3, "args", 0, to=3), "an argument is no earlier node"),
    "negative argument": ("eight_schools", set_("nodes", 3, "args", 0, to=-1), "an argument is no earlier node"),
    "argument is true": ("eight_schools", set_("nodes", 3, "args", 0, to=True), "an argument is no earlier node"),
    "argument is a float": ("eight_schools", set_("nodes", 3, "args", 0, to=1.0), "an argument is no earlier node"),
    "order of nodes": ("eight_schools", swap(3, 9), "an argument is no earlier node"),
    "attribute of another operation": (
        "regression",
        set_("!add", "attrs", to={"axis": 1}),
        "add has no attribute 'axis'",
    ),
    "attribute gone": (
        "eight_schools",
        set_("@theta", "attrs", "centered", to=...),
        "latent lacks attribute 'centered'",
    ),
    "attribute of another kind": (
        "eight_schools",
        set_("@theta", "attrs", "centered", to=1),
        r"centered: is no such attr",
    ),
    "keyword as name": ("eight_schools", set_("@theta", "name", to="class"), r"nodes\[9\]\.name: is not a name"),
    "name with a call": ("eight_schools", set_("@theta", "name", to="f()"), r"nodes\[9\]\.name: is not a name"),
    "name is no string": ("eight_schools", set_("@theta", "name", to=3), "is not a name"),
    "name twice": ("eight_schools", set_("@theta", "name", to="mu"), r"nodes\[9\]\.name: the name is taken"),
    "name of a plate": ("eight_schools", set_("@theta", "name", to="school"), "the name is taken"),
    "latent with the name of data": ("eight_schools", set_("@theta", "name", to="sigma"), "the name is taken"),
    "site without a name": ("eight_schools", set_("@theta", "name", to=...), "latent cannot stand here"),
    "unknown plate": ("eight_schools", set_("@theta", "attrs", "dims", to=["scool"]), r"dims: is no such attribute"),
    "plate gone": ("eight_schools", set_("plates", to=[]), "is no such attribute|there is no plate"),
    "plate renamed": ("eight_schools", set_("plates", 0, "name", to="class_"), "no plate 'school'"),
    "plate's size": ("crossed", set_("plates", 1, "size", to=0), r"plates\[1\]\.size: is no size"),
    "plate's size is a float": ("crossed", set_("plates", 1, "size", to=2.0), "is no size"),
    "plate's minibatch": ("crossed", set_("plates", 1, "subsample", to=21), r"plates\[1\]\.subsample: a minibatch"),
    "plate's coords": (
        "nested",
        set_("plates", 0, "coords", to=["north"]),
        r"plates\[0\]\.coords: coords are one label",
    ),
    "plate twice": ("crossed", set_("plates", 1, "name", to="student"), r"plates\[1\]\.name: the name is taken"),
    "plate has another key": ("crossed", set_("plates", 1, "colour", to=1), r"plates\[1\]: is no such record"),
    "base is no plate": ("markov", set_("plates", 1, "base", to="s"), r"plates\[1\]\.base: the base is no earlier"),
    "base of itself": ("markov", set_("plates", 1, "base", to="t_from_2"), "the base is no earlier"),
    "cut without a base": ("markov", set_("plates", 1, "base", to=None), "count elements dropped from a base"),
    "axis without length": ("nested", set_("axes", 0, "size", to=None), r"axes\[0\]\.size: an axis has a length"),
    "unknown axis": ("nested", set_("@beta", "attrs", "axes", to=["colour"]), "axes: is no such attribute"),
    "dims that the prior exceeds": ("indexed", set_("@a", "attrs", "dims", to=[]), "dims do not fit"),
    "too many arguments": ("eight_schools", set_("@theta", "args", to=[8, 8]), "latent has 2 arguments"),
    "too few arguments": ("eight_schools", set_("nodes", 8, "args", to=[4]), "Normal has 1 arguments"),
    "operation with one argument too few": ("regression", set_("!add", "args", to=[0]), "add takes 2 values"),
    "a distribution as a value": ("regression", set_("!add", "args", 0, to=7), "an operation needs values"),
    "a value as a distribution": ("eight_schools", set_("@theta", "args", to=[4]), "latent needs a distribution"),
    "parameter of another family": (
        "eight_schools",
        set_("nodes", 3, "attrs", "params", to=["loc", "rate"]),
        "no parameter 'rate'",
    ),
    "parameter twice": (
        "eight_schools",
        set_("nodes", 3, "attrs", "params", to=["loc", "loc"]),
        "is no such attribute",
    ),
    "neither of two parameters": (
        "crossed",
        set_("!dist.Bernoulli", "attrs", "params", to=[]),
        "needs exactly one 'probs'",
    ),
    "static parameter gone": ("mixture", set_("!dist.ImproperUniform", "attrs", "static", to=[]), "needs exactly one"),
    "event shapes that do not fit": (
        "mixture",
        set_("@scale", "attrs", "init", to=1.0),
        "init: the initial value has another",
    ),
    "array of another length": (
        "hidden_markov",
        set_("!const", "attrs", "value", "shape", to=[3, 4]),
        "the shape does not fit",
    ),
    "array of another dtype": ("hidden_markov", set_("!const", "attrs", "value", "dtype", to="object"), "is no dtype"),
    "array of strings": (
        "hidden_markov",
        set_("!const", "attrs", "value", "values", to=["a"] * 9),
        "holds other values",
    ),
    "array of a negative shape": (
        "hidden_markov",
        set_("!const", "attrs", "value", "shape", to=[-3, -3]),
        "is no shape",
    ),
    "array in two ways": ("hidden_markov", set_("!const", "attrs", "value", "base64", to=""), "values or base64"),
    "reference to a later node": (
        "markov",
        set_("@y", "attrs", "type", "support", "lower", to={"class": "Ref", "node": 99}),
        "refers to a later node",
    ),
    "step without its inputs": (
        "scanned",
        set_("!scan", "attrs", "step", "inputs", to=[0]),
        "inputs are its input nodes",
    ),
    "step's output": ("scanned", set_("!scan", "attrs", "step", "outputs", to=[99, 0]), "is no node of the step"),
    "another number of carries": (
        "scanned",
        set_("!scan", "attrs", "carries", to=3),
        "does not run over|does not fit|too few",
    ),
    "a scan over another plate": ("scanned", set_("!scan", "attrs", "length", to="t"), "a sequence does not run over"),
    "a result that a scan has not": ("scanned", set_("!item", "attrs", "at", to=7), "item cannot be typed"),
    "a site in a step": ("scanned", set_("!scan", "attrs", "step", "nodes", 1, "name", to="x"), "cannot stand here"),
    "a network's name": ("networks", set_("!network", "attrs", "network", to="f()"), "network: is no such attribute"),
    "a network's name twice": ("networks", set_("!network", "attrs", "network", to="z"), "the name is taken"),
    "two networks of one name": (
        "networks",
        set_("!network", "attrs", "network", to="denoiser"),
        "two networks are named|event shapes",
    ),
    "a network of another class": (
        "networks",
        set_("!network", "attrs", "spec", to=REAL),
        "spec: is no such attribute",
    ),
    "a network without a field": ("networks", set_("!network", "attrs", "spec", "out", to=...), "has other fields"),
    "a network with another field": ("networks", set_("!network", "attrs", "spec", "norm", to=1), "has other fields"),
    "a network's widths": (
        "networks",
        set_("!network", "attrs", "spec", "hidden", to=[0]),
        r"spec: MLP: hidden are positive integers",
    ),
    "a network's order": (
        "networks",
        set_(
            "!network",
            "attrs",
            "spec",
            to={
                "class": "MaskedMLP",
                "outputs": 2,
                "hidden": [],
                "time": None,
                "order": [0, "a"],
                "activation": {"class": "Activation", "value": "silu"},
            },
        ),
        r"spec: MaskedMLP: the order has each element once",
    ),
    "a network's activation": (
        "networks",
        set_("!network", "attrs", "spec", "activation", "value", to="eval"),
        "is no Activation",
    ),
    "a network's activation as text": (
        "networks",
        set_("!network", "attrs", "spec", "activation", to="tanh"),
        "activation is a gd.Activation",
    ),
    "a network that cannot take the event": (
        "networks",
        set_(
            "!network",
            "attrs",
            "spec",
            to={
                "class": "MaskedMLP",
                "outputs": 2,
                "hidden": [],
                "time": None,
                "order": None,
                "activation": {"class": "Activation", "value": "silu"},
            },
        ),
        "the input has 3 event axes",
    ),
    "a network without its time": (
        "networks",
        set_("!network", "args", to=[0, 1]),
        "a time is given to a network that takes none",
    ),
    "a network of three values": ("networks", set_("!network", "args", to=[0, 0, 0]), "network has 3 arguments"),
    "an input outside a step": (
        "eight_schools",
        set_(
            "nodes",
            1,
            to={
                "id": 1,
                "op": "input",
                "attrs": {"type": {"class": "ArrayType", "dims": [], "event": [], "dtype": FLOAT, "support": REAL}},
            },
        ),
        "input cannot stand here",
    ),
    "derived from nothing": (
        "imputed",
        set_("@y_observed", "attrs", "derived", to=["observed", "z"]),
        "derived from no data",
    ),
    "a float of another kind": (
        "eight_schools",
        set_("nodes", 1, "attrs", "value", to={"class": "Float", "value": "1e9"}),
        "is no Float",
    ),
}


@pytest.mark.parametrize("what", FORGED)
def test_forged_content(what: str) -> None:
    name, change, problem = FORGED[what]
    content = json.loads(TEXT[name])
    assert loads(signed(content)) == MODELS[name]().graph
    change(content)
    with pytest.raises(FormatError, match=problem):
        loads(signed(content))


def test_the_message_says_what_where_and_how() -> None:
    content = json.loads(TEXT["eight_schools"])
    node(content, "theta")["attrs"]["dims"] = ["scool"]
    with pytest.raises(FormatError) as e:
        loads(signed(content))
    assert str(e.value) == (
        "node 'theta': nodes[9].attrs.dims: is no such attribute\n  given:  ('scool',)\n  needed: distinct plates"
    )


def test_a_network_may_lack_a_field_that_a_later_version_added() -> None:
    content = json.loads(TEXT["networks"])
    del of(content, "network")["attrs"]["spec"]["time"]
    assert loads(signed(content)) == MODELS["networks"]().graph


# -- chance -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["eight_schools", "scanned", "alone"])
def test_every_cut_is_refused(name: str) -> None:
    text = TEXT[name].rstrip()
    for end in range(0, len(text), 7 if len(text) > 3000 else 1):
        with pytest.raises(FormatError):
            loads(text[:end])


@pytest.mark.parametrize("name", ["crossed", "markov", "hidden_markov"])
def test_every_flipped_bit_is_refused_or_harmless(name: str) -> None:
    graph, raw = MODELS[name]().graph, TEXT[name].encode("ascii")
    rng = random.Random(1)
    for _ in range(400):
        at = rng.randrange(len(raw))
        flipped = bytes([*raw[:at], raw[at] ^ 1 << rng.randrange(7), *raw[at + 1 :]]).decode("ascii")
        try:
            back = loads(flipped)
        except FormatError:
            continue
        assert back == graph, "only the layout may change unnoticed"


def test_forged_at_random_is_refused_or_consistent() -> None:
    """Whatever stands where, with a fitting checksum: a FormatError, or a graph that can be written again."""
    rng = random.Random(2)
    names = ["nested", "markov", "scanned", "equation", "mixture", "imputed", "networks"]
    odd = [
        None,
        True,
        -1,
        0,
        3,
        99,
        0.5,
        "x",
        "t",
        "add",
        "dist.Normal",
        [],
        [0],
        ["t"],
        {},
        {"class": "Ref", "node": 0},
    ]
    loaded = 0
    for _ in range(700):
        content = json.loads(TEXT[rng.choice(names)])
        places: list[tuple[Any, Any]] = []
        todo: list[Any] = [content["nodes"], content["plates"], content["axes"]]
        while todo:
            at = todo.pop()
            for k in at if isinstance(at, dict) else range(len(at)):
                places.append((at, k))
                if isinstance(at[k], (dict, list)):
                    todo.append(at[k])
        at, k = rng.choice(places)
        at[k] = rng.choice([*odd, rng.choice([a[b] for a, b in places])])
        try:
            graph = loads(signed(content))
        except FormatError:
            continue
        loaded += 1
        assert loads(dumps(graph)) == graph
        assert str(gd.Model.from_graph(graph))
    assert 0 < loaded < 300


def test_reading_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    text = TEXT["scanned"]
    loads(text)

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError(f"called with {args[:1]}")

    monkeypatch.setattr(builtins, "eval", refuse)
    monkeypatch.setattr(builtins, "exec", refuse)
    monkeypatch.setattr(importlib, "import_module", refuse)
    loads(text)
