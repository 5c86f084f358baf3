"""Layout of emitted lines: long calls are broken at their outermost commas."""

from __future__ import annotations

__all__ = ["wrap"]

_WIDTH = 100
_OPEN, _CLOSE = "([{", ")]}"


def wrap(line: str) -> list[str]:
    """A line as one or several, none much longer than 100 characters where it can be broken."""
    if len(line) <= _WIDTH or '"""' in line:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    span = _last_group(line)
    if span is None:
        return [line]
    start, end = span
    items = _split(line[start + 1 : end])
    if not items or items == [""]:
        return [line]
    inner = indent + "    "
    out = [line[: start + 1]]
    for item in items:
        out += wrap(f"{inner}{item},")
    if line[end] == ")" and len(items) == 1 and not line[start + 1 : end].rstrip().endswith(","):
        out[-1] = out[-1].removesuffix(",")  # a lone argument is no tuple
    out.append(indent + line[end:])
    return out


def _last_group(line: str) -> tuple[int, int] | None:
    """The bracket group that ends last and is not empty: where to break."""
    stack: list[int] = []
    best: tuple[int, int] | None = None
    quote = ""
    for k, c in enumerate(line):
        if quote:
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        elif c in _OPEN:
            stack.append(k)
        elif c in _CLOSE and stack:
            start = stack.pop()
            if not stack and k - start > 1 and line[start] == "(" and (best is None or k - start > best[1] - best[0]):
                best = (start, k)
    return best


def _split(text: str) -> list[str]:
    depth, start, out, quote = 0, 0, [], ""
    for k, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        elif c in _OPEN:
            depth += 1
        elif c in _CLOSE:
            depth -= 1
        elif c == "," and depth == 0:
            out.append(text[start:k].strip())
            start = k + 1
    tail = text[start:].strip()
    return [*out, tail] if tail else out
