"""What objectives that add up log-densities ask of learned distributions."""

from __future__ import annotations

from gendsl.graph.learned import densities
from gendsl.graph.node import Graph
from gendsl.objectives.base import Refusal

__all__ = ["density_refusals"]


def density_refusals(graph: Graph) -> list[Refusal]:
    """A refusal for each learned distribution without a normalised density."""
    out = []
    for used in densities(graph.nodes):
        if "log_prob" in used.spec.offers:
            continue
        energy = "energy" in used.spec.offers
        out.append(
            Refusal(
                f"the density of '{used.name}' is known up to a constant, which its parameters change"
                if energy
                else f"'{used.name}' has draws and no density",
                node=used.name,
                given=f"{used.spec!r}: {', '.join(used.spec.offers)}"[:160],
                needed="distributions whose log-density is known",
                fix="score matching or contrastive divergence, such as gd.SlicedScoreMatching()"
                if energy
                else "an adversarial objective, such as gd.WGAN(critic=...)",
                where=used.where,
            )
        )
    return out
