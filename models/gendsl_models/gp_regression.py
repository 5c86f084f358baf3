"""Gaussian-process regression with the function integrated out."""

import gendsl as gd

__all__ = ["gp_regression"]


def gp_regression() -> gd.Model:
    """Regression with a squared-exponential kernel; sigma, not its square, stands on the diagonal.

        rho ~ Gamma(25, 4); alpha ~ HalfNormal(2); sigma ~ HalfNormal(1)
        y ~ MultivariateNormal(0, K + sigma I),  K[i, j] = alpha^2 exp(-(x[i] - x[j])^2 / (2 rho^2))

    Data: x (point), y (point).

    Reference:
        Gaussian Processes for Machine Learning (Rasmussen, Williams, 2006) | http://gaussianprocess.org/gpml/
    """
    m = gd.Model("gp_regression")
    point = m.plate("point")
    x = m.data("x", dims=point)
    rho = m.latent("rho", gd.Gamma(25, 4))
    alpha = m.latent("alpha", gd.HalfNormal(2))
    sigma = m.latent("sigma", gd.HalfNormal(1))
    kernel = gd.kernel.SquaredExponential(scale=alpha, length=rho)
    m.observe("y", gd.GaussianProcess(kernel, x, noise=sigma, jitter=0.0), dims=point)
    return m
