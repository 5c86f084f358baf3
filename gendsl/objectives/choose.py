"""Which objectives and methods apply to a graph, and which objective is meant where none is declared."""

from __future__ import annotations

from gendsl.errors import FitError
from gendsl.graph.node import Graph
from gendsl.objectives.base import OBJECTIVES, Objective
from gendsl.objectives.evidence import ELBO
from gendsl.objectives.likelihood import MaximumLikelihood

__all__ = ["applying", "default_objective"]

_METHODS = (
    ("NUTS", "draws of the posterior"),
    ("HMC", "draws of the posterior"),
    ("MALA", "draws of the posterior"),
    ("ULA", "draws near the posterior, with a bias"),
)


def default_objective(graph: Graph) -> Objective:
    """The likelihood of a graph without latents; for others the ELBO, with a guide of independent normals."""
    return ELBO() if graph.of("latent") else MaximumLikelihood()


def applying(graph: Graph) -> tuple[tuple[str, str, str], ...]:
    """Each method and objective, with the needs that it has by default: its name, its purpose, and why it does not
    apply, empty where it does."""
    from gendsl.run import check_nuts

    out = []
    for name, purpose in _METHODS:
        try:
            check_nuts(graph, name)
            out.append((name, purpose, ""))
        except FitError as e:
            out.append((name, purpose, e.problem))
    for name, kind in OBJECTIVES.items():
        refusals = kind.usual().refusals(graph)
        out.append((f"Train({name})", kind.purpose, refusals[0].problem if refusals else ""))
    return tuple(out)
