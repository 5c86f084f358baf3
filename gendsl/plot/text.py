"""The plate diagram as Graphviz DOT and as Mermaid text.

Both can nest groups but not let them overlap. So nested and separate plates are clusters (subgraphs), and a plate that
crosses another is written on its sites instead, as `[student, item]` behind the name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gendsl.graph.node import Graph
from gendsl.plot.scene import Scene, Site, scene

__all__ = ["dot", "mermaid"]

_Line = Callable[[int, Site, set[str]], str]
_Opened = Callable[[Scene, str | None], str]


def dot(graph: Graph) -> str:
    """The diagram as DOT: `dot -Tsvg model.dot`. Plates that cross another are written on their sites."""
    picture = scene(graph)
    crossing = _crossing(picture)
    out = [f"digraph {_quoted(picture.name)} {{", *_dot_head(picture, crossing)]
    for depth, line in _nested(picture, crossing, _dot_site, _dot_open):
        out.append("  " * (depth + 1) + line)
    out += [f"  s{a} -> s{b};" for a, b in picture.edges]
    return "\n".join([*out, "}"]) + "\n"


def mermaid(graph: Graph) -> str:
    """The diagram as a Mermaid flowchart. Plates that cross another are written on their sites."""
    picture = scene(graph)
    crossing = _crossing(picture)
    out = ["flowchart TD"]
    if crossing:
        out.append(f"  %% plates that cross are written on their sites: {', '.join(sorted(crossing))}")
    for depth, line in _nested(picture, crossing, _mermaid_site, _mermaid_open):
        out.append("  " * (depth + 1) + line)
    out += [f"  s{a} --> s{b}" for a, b in picture.edges]
    out += [f"  classDef {kind} {style};" for kind, style in _MERMAID_STYLES.items() if _any(picture, kind)]
    return "\n".join(out) + "\n"


def _any(picture: Scene, kind: str) -> bool:
    return any(s.kind == kind for s in picture.sites)


def _crossing(picture: Scene) -> set[str]:
    """Plates that share sites with another of which neither holds the other."""
    return {
        p for p, s in picture.plates.items() for t in picture.plates.values() if s & t and not s <= t and not t <= s
    }


def _label(site: Site, crossing: set[str]) -> list[str]:
    written = [p for p in site.plates if p in crossing]
    return [site.name + (f"[{', '.join(written)}]" if written else ""), *site.caption]


# -- groups -----------------------------------------------------------------------------------------------------------
def _nested(picture: Scene, crossing: set[str], site: _Line, opened: _Opened) -> Iterator[tuple[int, str]]:
    """Lines with their depth: plates that do not cross, the largest outside, and the sites in them."""
    order = {p: k for k, p in enumerate(picture.plates)}
    boxes = [p for p in picture.plates if p not in crossing]
    boxes.sort(key=lambda p: (-len(picture.plates[p]), order[p]))
    chain = {i: [p for p in boxes if i in picture.plates[p]] for i in range(len(picture.sites))}
    begun: list[str] = []
    first = {p: min(picture.plates[p]) for p in boxes}

    def key(i: int) -> list[tuple[int, str]]:
        """Sites of one plate stand together, in the place of the plate's first site."""
        return [*((first[p], p) for p in chain[i]), (i, "")]

    for i in sorted(range(len(picture.sites)), key=key):
        while begun and begun[-1] not in chain[i]:
            begun.pop()
            yield len(begun), opened(picture, None)
        for p in chain[i][len(begun) :]:
            yield len(begun), opened(picture, p)
            begun.append(p)
        yield len(begun), site(i, picture.sites[i], crossing)
    while begun:
        begun.pop()
        yield len(begun), opened(picture, None)


# -- DOT --------------------------------------------------------------------------------------------------------------
_DOT_STYLES = {
    "latent": "shape=ellipse",
    "observe": 'shape=ellipse, style=filled, fillcolor="#d4d4d4"',
    "let": "shape=ellipse, style=dashed",
    "data": "shape=box, style=rounded",
    "param": "shape=point, width=0.1, xlabel={label}",
    "network": "shape=box",
    "factor": 'shape=square, width=0.1, style=filled, fillcolor=black, label="", xlabel={label}',
}


def _dot_head(picture: Scene, crossing: set[str]) -> list[str]:
    out = ["  rankdir=TB; compound=true;", '  node [fontname="Helvetica", fontsize=11];']
    if crossing:
        out.insert(0, f"  // plates that cross are written on their sites: {', '.join(sorted(crossing))}")
    return out


def _dot_site(i: int, site: Site, crossing: set[str]) -> str:
    label = _quoted("\n".join(_label(site, crossing)))
    style = _DOT_STYLES[site.kind]
    return f"s{i} [{style.format(label=label) if '{label}' in style else f'label={label}, {style}'}];"


def _dot_open(picture: Scene, plate: str | None) -> str:
    if plate is None:
        return "}"
    return (
        f"subgraph cluster_{plate} {{ label={_quoted(picture.labels[plate])}; labeljust=r; labelloc=b; style=rounded;"
    )


def _quoted(text: str) -> str:
    """A string of DOT; line ends become its centred ones."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


# -- Mermaid ----------------------------------------------------------------------------------------------------------
_MERMAID_SHAPES = {
    "latent": ("((", "))"),
    "observe": ("((", "))"),
    "let": ("((", "))"),
    "data": ("(", ")"),
    "param": ("((", "))"),
    "network": ("[", "]"),
    "factor": ("[", "]"),
}
_MERMAID_STYLES = {
    "latent": "fill:#fff,stroke:#222",
    "observe": "fill:#d4d4d4,stroke:#222",
    "let": "fill:#fff,stroke:#222,stroke-dasharray:4 3",
    "data": "fill:#fff,stroke:#222",
    "param": "fill:#222,stroke:#222,color:#fff",
    "network": "fill:#fff,stroke:#222",
    "factor": "fill:#222,stroke:#222,color:#fff",
}


def _mermaid_site(i: int, site: Site, crossing: set[str]) -> str:
    left, right = _MERMAID_SHAPES[site.kind]
    text = "<br/>".join(map(_escaped, _label(site, crossing)))
    return f's{i}{left}"{text}"{right}:::{site.kind}'


def _mermaid_open(picture: Scene, plate: str | None) -> str:
    if plate is None:
        return "end"
    return f'subgraph plate{list(picture.plates).index(plate)}["{_escaped(picture.labels[plate])}"]'


def _escaped(text: str) -> str:
    """Mermaid's entities for what has a meaning in labels."""
    for sign, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("*", "#42;"), ("`", "#96;")):
        text = text.replace(sign, entity)
    return text
