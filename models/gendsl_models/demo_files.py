"""What the demo writes of a model before it is fitted: its text, what the compiler did, diagrams, both programs."""

from __future__ import annotations

from pathlib import Path

import gendsl as gd

__all__ = ["BACKENDS", "declared"]

BACKENDS = ("numpyro", "pyro")


def declared(model: gd.Model, folder: Path) -> None:
    """Write a model's files into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.txt").write_text(f"{model}\n\n{model.explain()}\n")
    (folder / "model.json").write_text(model.to_json())
    (folder / "diagram.dot").write_text(model.dot())
    (folder / "diagram.mmd").write_text(model.mermaid())
    model.plot().savefig(folder / "diagram.png", dpi=150, bbox_inches="tight")
    for backend in BACKENDS:
        (folder / f"program_{backend}.py").write_text(model.compile(backend).source)
