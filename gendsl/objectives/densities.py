"""What is known of the densities of learned distributions, and what objectives that add them up ask of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gendsl.densities import DiffusionDensity
from gendsl.errors import FitError
from gendsl.graph.learned import densities
from gendsl.graph.node import Graph
from gendsl.objectives.base import Refusal

if TYPE_CHECKING:
    from gendsl.elpd import Kind

__all__ = ["density_kind", "density_refusals"]


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


def density_kind(graph: Graph) -> Kind:
    """What a program's log-density of a graph without latents is: exact, known up to a constant, or an estimate.

    It is one where a diffusion has probes, which are fixed in a program, so that nothing tells how far they are off.

    Raises:
        FitError: if a distribution has draws and no density.
    """
    from gendsl.elpd import Kind

    kind = Kind.EXACT
    for used in densities(graph.nodes):
        if isinstance(used.spec, DiffusionDensity) and used.spec.flow.probes is not None and kind is Kind.EXACT:
            kind = Kind.ESTIMATE
        if "log_prob" not in used.spec.offers:
            kind = Kind.UNNORMALISED
        if not {"log_prob", "energy"} & set(used.spec.offers):
            raise FitError(
                f"'{used.name}' has draws and no density, so there is no log-probability",
                node=used.name,
                given=f"{used.spec!r}: {', '.join(used.spec.offers)}"[:160],
                needed="a distribution whose log-density is known",
                fix="compare fit.sample(...) with the data; or gd.Flow, which has a density",
                where=used.where,
            )
    return kind
