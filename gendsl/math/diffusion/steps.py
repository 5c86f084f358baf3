"""Tables of one-step samplers, from alpha and sigma on a grid t_0 > t_1 > ... > t_n.

For a step from t to s, D = x0_hat(x_t, t), e = exp(gamma_s - gamma_t) and a = alpha_t / alpha_s:

    posterior (ancestral)  x_s = a (sigma_s / sigma_t)^2 x_t + alpha_s (1 - e) D + sigma_s sqrt(1 - e) z
    fixed large            the same mean, with the forward kernel's variance sigma_t^2 (1 - e)
    DDIM(eta)              x_s = alpha_s D + sqrt(sigma_s^2 - c^2) (x_t - alpha_t D) / sigma_t + c z,
                           c = eta sigma_s sqrt(1 - e)
    Euler-Maruyama         x_s = x_t - h (f x_t - g^2 s) + g sqrt(h) z,     s = (alpha D - x) / sigma^2, h = t - s

eta = 1 is the posterior, eta = 0 a first-order solver of the probability-flow ODE. A step may end where sigma_s = 0;
the posterior and DDIM may begin where alpha_t = 0.

References:
    Denoising Diffusion Probabilistic Models (Ho, Jain, Abbeel, 2020) | https://arxiv.org/abs/2006.11239
    Denoising Diffusion Implicit Models (Song, Meng, Ermon, 2021) | https://arxiv.org/abs/2010.02502
    Score-Based Generative Modeling through Stochastic Differential Equations (Song et al., 2021) |
    https://arxiv.org/abs/2011.13456
"""

from __future__ import annotations

import numpy as np

from gendsl.math.diffusion.table import Table

__all__ = ["ancestral", "ddim", "denoised", "euler_maruyama", "forgotten"]


def forgotten(alpha: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """1 - e of each step, (n,)."""
    with np.errstate(divide="ignore"):
        gamma = 2.0 * (np.log(sigma) - np.log(alpha))
    return np.asarray(-np.expm1(np.diff(gamma)))


def ddim(times: np.ndarray, alpha: np.ndarray, sigma: np.ndarray, eta: float = 0.0) -> Table:
    """DDIM; eta between 0 (an ODE) and 1 (the posterior)."""
    c = eta * sigma[1:] * np.sqrt(forgotten(alpha, sigma))
    keep = np.sqrt(sigma[1:] ** 2 - c**2) / sigma[:-1]
    return Table.of(list(zip(times[:-1], keep, alpha[1:] - keep * alpha[:-1], c, strict=True)))


def ancestral(times: np.ndarray, alpha: np.ndarray, sigma: np.ndarray, large: bool = False) -> Table:
    """The posterior q(x_s | x_t, x_0 = D), or its mean with the forward kernel's variance (`large`)."""
    forget = forgotten(alpha, sigma)
    keep = alpha[:-1] / alpha[1:] * (sigma[1:] / sigma[:-1]) ** 2
    noise = (sigma[:-1] if large else sigma[1:]) * np.sqrt(forget)
    return Table.of(list(zip(times[:-1], keep, alpha[1:] * forget, noise, strict=True)))


def euler_maruyama(times: np.ndarray, alpha: np.ndarray, sigma: np.ndarray, f: np.ndarray, g2: np.ndarray) -> Table:
    """Euler-Maruyama on the reverse SDE."""
    h, a, v = -np.diff(times), alpha[:-1], sigma[:-1] ** 2
    keep = 1.0 - h * (f[:-1] + g2[:-1] / v)
    return Table.of(list(zip(times[:-1], keep, h * g2[:-1] * a / v, np.sqrt(g2[:-1] * h), strict=True)))


def denoised(time: float) -> Table:
    """One more evaluation, whose posterior mean is the result."""
    return Table.of([(time, 0.0, 1.0, 0.0)])
