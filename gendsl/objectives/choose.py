"""Which objectives and methods apply to a graph, and which objective is meant where none is declared."""

from __future__ import annotations

import re

from gendsl.densities import DiffusionDensity
from gendsl.errors import FitError, caller, warn
from gendsl.graph.learned import densities
from gendsl.graph.node import Graph
from gendsl.objectives.adversarial import WGAN
from gendsl.objectives.base import OBJECTIVES, Objective
from gendsl.objectives.diffusion import DenoisingScoreMatching
from gendsl.objectives.energy import SlicedScoreMatching
from gendsl.objectives.evidence import ELBO
from gendsl.objectives.likelihood import MaximumLikelihood

__all__ = ["METHODS", "applying", "default_objective", "default_words", "warn_of_solvers"]

METHODS = (
    ("NUTS", "draws of the posterior"),
    ("HMC", "draws of the posterior"),
    ("MALA", "draws of the posterior"),
    ("ULA", "draws near the posterior, with a bias"),
)
"""The methods that draw from posteriors, and what they give."""


_PUBLIC = re.compile(r"\b(?=[A-Z]\w*\()")


def default_objective(graph: Graph) -> Objective:
    """The objective that is meant where none is declared: of those that apply the one whose turn comes first.

    So diffusions are matched, likelihoods that are known maximised, energies matched by their score, and the evidence
    of models with latents bounded, with a guide of independent normals. A pushforward needs a critic, which is the
    user's.

    Raises:
        FitError: if none does, with those that apply, or why the usual one for such a model does not.
    """
    turns = sorted((t, name) for name, kind in OBJECTIVES.items() if (t := kind.turn(graph)) is not None)
    for _, name in turns:
        usual = OBJECTIVES[name].usual()
        if not usual.refusals(graph):
            return usual
    others = [kind.usual() for kind in OBJECTIVES.values() if not kind.usual().refusals(graph)]
    if not others:
        _nearest(graph).check(graph)
    raise FitError(
        f"model '{graph.name}' declares no objective, and those that apply have parts to be chosen",
        given="gd.Train() without m.objective(...)",
        needed=f"one of {', '.join(f'gd.{type(o).__name__}' for o in others)}",
        fix=f"m.objective({_PUBLIC.sub('gd.', repr(others[-1]))})",
        where=next((u.where for u in densities(graph.nodes) if u.where), None) or caller(),
    )


def warn_of_solvers(graph: Graph, chosen: Objective) -> None:
    """A GendslWarning where diffusions come to be learnt by their likelihood, an equation solved at every step."""
    if not isinstance(chosen, MaximumLikelihood):
        return
    for used in densities(graph.nodes):
        if isinstance(used.spec, DiffusionDensity):
            why = DenoisingScoreMatching().refusals(graph)[0]
            warn(
                f"'{used.name}' is learnt by its likelihood, which solves an equation at every step",
                node=used.name,
                given=f"no objective is declared, and gd.DenoisingScoreMatching does not apply: {why.problem}",
                needed="for a loss of one call of the network a step, what score matching needs",
                fix=f"{why.fix}; or declare m.objective(gd.MaximumLikelihood()), which is not warned of",
                where=used.where,
            )
            return


def default_words(graph: Graph) -> str:
    """What `gd.Train()` does with a graph that declares no objective, in words."""
    try:
        return f"{default_objective(graph)}, for no objective is declared"
    except FitError as e:
        return f"nothing: {e.problem}"


def _nearest(graph: Graph) -> Objective:
    """The usual objective for what a graph is of, whose refusal tells most; at least one does not apply."""
    offers = [u.spec.offers for u in densities(graph.nodes)]
    if graph.of("latent"):
        return ELBO()
    if any("energy" in o for o in offers):
        return SlicedScoreMatching()
    return WGAN.usual() if any("log_prob" not in o for o in offers) else MaximumLikelihood()


def applying(graph: Graph) -> tuple[tuple[str, str, str], ...]:
    """Each method and objective, with the needs that it has by default: its name, its purpose, and why it does not
    apply, empty where it does."""
    from gendsl.run import check_nuts

    out = []
    for name, purpose in METHODS:
        try:
            check_nuts(graph, name)
            out.append((name, purpose, ""))
        except FitError as e:
            out.append((name, purpose, e.problem))
    for name, kind in OBJECTIVES.items():
        refusals = kind.usual().refusals(graph)
        out.append((f"Train({name})", kind.purpose, refusals[0].problem if refusals else ""))
    return tuple(out)
