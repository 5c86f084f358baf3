"""Pieces of a page: everything is inline, and every text is escaped where it enters."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["code", "details", "escape", "picture", "rows", "section", "table", "whole"]

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --dim: #5d646d; --back: #fcfcfb; --card: #f1f2f0; --line: #d9dbd8;
  --good: #1a7f4b; --bad: #b3261e; --bad-back: #fbeceb; --good-back: #e9f5ee; --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e7e9; --dim: #a2a9b1; --back: #17191c; --card: #212429;
  --line: #383d44; --good: #63c997; --bad: #ff9189; --bad-back: #3a2322; --good-back: #1d3328; --link: #7db8f5; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .7rem; }
p, ul { margin: .5rem 0; } .dim, figcaption { color: var(--dim); font-size: .9rem; } a { color: var(--link); }
nav a { margin-right: 1rem; white-space: nowrap; }
.verdict { border-left: .35rem solid; border-radius: .3rem; padding: .7rem 1rem; margin: 1.2rem 0; }
.verdict strong { display: block; } .verdict li { margin: .35rem 0; }
.good { border-color: var(--good); background: var(--good-back); } .good strong { color: var(--good); }
.bad { border-color: var(--bad); background: var(--bad-back); } .bad strong { color: var(--bad); }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .3rem; padding: .8rem 1rem;
  margin: .6rem 0; overflow-x: auto; font: .85rem/1.45 ui-monospace, monospace; }
figure { margin: 1rem 0 1.6rem; } figcaption { margin-top: .35rem; max-width: 60rem; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; border: 1px solid var(--line);
  border-radius: .3rem; padding: .6rem; }
.scroll { overflow-x: auto; max-height: 32rem; overflow-y: auto; border: 1px solid var(--line); border-radius: .3rem; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
.scroll table { width: 100%; } th, td { padding: .28rem .8rem; border-bottom: 1px solid var(--line); text-align: left; }
.scroll td:not(:first-child), .scroll th:not(:first-child) { text-align: right; }
.scroll thead th { position: sticky; top: 0; background: var(--card); }
td.off { color: var(--bad); font-weight: 600; }
summary { cursor: pointer; padding: .35rem 0; font-weight: 600; }
"""


def whole(title: str, body: Iterable[str]) -> str:
    """The page."""
    parts = "\n".join(body)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{parts}\n</main>\n</body>\n</html>\n"
    )


def section(name: str, body: Iterable[str]) -> str:
    """A section; its id is its name."""
    parts = "\n".join(body)
    return f'<section id="{escape(name.lower())}">\n<h2>{escape(name)}</h2>\n{parts}\n</section>'


def code(text: str) -> str:
    """Text as it stands."""
    return f"<pre>{escape(text)}</pre>"


def details(title: str, body: str) -> str:
    """Something that opens on a click."""
    return f"<details>\n<summary>{escape(title)}</summary>\n{body}\n</details>"


def rows(pairs: Iterable[tuple[str, object]]) -> str:
    """A table of names and values."""
    cells = "\n".join(f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in pairs)
    return f"<table>\n{cells}\n</table>"


def table(head: Sequence[str], body: Iterable[Sequence[tuple[str, bool]]]) -> str:
    """A table that scrolls.

    Args:
        head: names of the columns.
        body: rows of texts, each with whether it stands out.
    """
    top = "".join(f"<th>{escape(h)}</th>" for h in head)
    lines = "\n".join(
        "<tr>"
        + "".join(f'<td class="off">{escape(t)}</td>' if off else f"<td>{escape(t)}</td>" for t, off in row)
        + "</tr>"
        for row in body
    )
    return f'<div class="scroll"><table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table></div>'


def picture(figure: Figure, alt: str, caption: str, *, vector: bool = False) -> str:
    """A figure as an image inside the page.

    Args:
        figure: matplotlib's.
        alt: what it shows, for who cannot see it.
        caption: stands below.
        vector: as SVG; pictures of many points are smaller as PNG.
    """
    out = io.BytesIO()
    if vector:
        figure.savefig(out, format="svg", metadata={"Date": None})
    else:
        figure.savefig(out, format="png", dpi=110)
    kind = "svg+xml" if vector else "png"
    # The width that it was made for, so that letters have the size of the text around them.
    width = round(96 * figure.get_size_inches()[0])
    source = f"data:image/{kind};base64,{base64.b64encode(out.getvalue()).decode()}"
    note = f"\n<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure>\n<img width="{width}" alt="{escape(alt)}" src="{source}">{note}\n</figure>'
