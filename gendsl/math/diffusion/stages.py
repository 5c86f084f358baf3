"""Tables of Runge-Kutta methods: Heun's method on the probability-flow ODE.

In y = x / alpha and r = sigma / alpha the ODE has no linear part, dy/dr = (y - D) / r, whatever the process. A step:

    y' = y + (r_s - r_t) k,   k = (y - D) / r_t,   y_s = y + (r_s - r_t) (k + k') / 2,   k' = (y' - D') / r_s,

with D' evaluated at y'. A step that ends where sigma_s = 0 is Euler's, with one evaluation.

Reference:
    Elucidating the Design Space of Diffusion-Based Generative Models (Karras et al., 2022) |
    https://arxiv.org/abs/2206.00364
"""

from __future__ import annotations

import numpy as np

from gendsl.math.diffusion.table import Table

__all__ = ["heun"]


def heun(times: np.ndarray, alpha: np.ndarray, sigma: np.ndarray) -> Table:
    """Heun's method on a grid (n + 1,) on which alpha > 0; two rows a step."""
    r = sigma / alpha
    rows = []
    for i in range(len(times) - 1):
        a, b, ratio = alpha[i], alpha[i + 1], r[i + 1] / r[i]
        step = 1.0 - ratio  # y' = ratio y + step D
        if r[i + 1] == 0.0:
            rows.append((times[i], [[ratio * b / a, 0.0], [0.0, 0.0]], [step * b, 0.0], [0.0, 0.0]))
            continue
        half, back = -0.5 * step, 0.5 * (1.0 - 1.0 / ratio)  # (r_s - r_t) / 2, over r_t and over r_s
        begin = [[ratio * b / a, 0.0], [(1.0 + half) * b / a, 0.0]]
        rows.append((times[i], begin, [step * b, -half * b], [0.0, 0.0]))
        rows.append((times[i + 1], [[back, 1.0], [0.0, 0.0]], [-back * b, 0.0], [0.0, 0.0]))
    return Table.of(rows)
