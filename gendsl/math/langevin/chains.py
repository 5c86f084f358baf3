"""Chains of ULA and MALA over `ops.scan`: all noise is given, iterations along its first axis."""

from __future__ import annotations

from typing import Any, NamedTuple

from gendsl.math.langevin.preconditioner import Identity, Preconditioner
from gendsl.math.langevin.steps import Move, Point, Target, mala, ula

__all__ = ["Trace", "mala_chain", "ula_chain"]

Array = Any


class Trace(NamedTuple):
    """What chains went through.

    Attributes:
        position: after each iteration, (n, *batch, *event).
        log_density: (n, *batch).
        acceptance: probability with which each proposal was accepted, (n, *batch); None where all are taken.
    """

    position: Array
    log_density: Array
    acceptance: Array | None = None


def ula_chain(
    ops: Any, target: Target, start: Point, step: Array, noise: Array, preconditioner: Preconditioner = Identity()
) -> tuple[Point, Trace]:
    """A chain of unadjusted steps for each row.

    Args:
        ops: array functions.
        target: log-density and gradient.
        start: where the chains begin, (*batch, *event).
        step: h, a number or one for each chain, (*batch).
        noise: standard normal, (n, *batch, *event).
        preconditioner: L.

    Returns:
        The last point, and the way there.
    """

    def one(at: Point, xi: Array) -> tuple[Point, tuple[Array, Array]]:
        at = ula(ops, target, at, step, xi, preconditioner)
        return at, (at.position, at.log_density)

    last, (position, log_density) = ops.scan(one, start, noise)
    return last, Trace(position, log_density)


def mala_chain(
    ops: Any,
    target: Target,
    start: Point,
    step: Array,
    noise: Array,
    uniform: Array,
    preconditioner: Preconditioner = Identity(),
) -> tuple[Point, Trace]:
    """A chain of accepted or rejected steps for each row; see `ula_chain`.

    Args:
        ops: array functions.
        target: log-density and gradient.
        start: where the chains begin, (*batch, *event).
        step: h, a number or one for each chain, (*batch).
        noise: standard normal, (n, *batch, *event).
        uniform: uniform on [0, 1), (n, *batch).
        preconditioner: L.
    """

    def one(at: Point, draw: tuple[Array, Array]) -> tuple[Point, tuple[Array, Array, Array]]:
        move: Move
        at, move = mala(ops, target, at, step, *draw, preconditioner)
        return at, (at.position, at.log_density, move.acceptance)

    last, out = ops.scan(one, start, (noise, uniform))
    return last, Trace(*out)
