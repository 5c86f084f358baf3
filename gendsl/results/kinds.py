"""The kinds of pictures of a fit."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Plot"]


class Plot(StrEnum):
    """What a picture of a fit shows.

    TRACE: densities and traces, a line a chain. RANK: where each chain's draws stand among all. PAIR: scalars against
    each other. ENERGY: the energy and how far a draw moves it. FOREST: intervals of many scalars. AUTOCORR: how long
    draws resemble each other. ESS: effective sample sizes as draws accumulate.
    """

    TRACE = "trace"
    RANK = "rank"
    PAIR = "pair"
    ENERGY = "energy"
    FOREST = "forest"
    AUTOCORR = "autocorr"
    ESS = "ess"
