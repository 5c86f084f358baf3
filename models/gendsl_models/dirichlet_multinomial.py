"""Overdispersed counts of categories: the Dirichlet-multinomial."""

import numpy as np

import gendsl as gd

__all__ = ["dirichlet_multinomial", "simulate"]


def dirichlet_multinomial(categories: int = 4) -> gd.Model:
    """Counts of K categories in samples whose proportions vary around common ones.

        share ~ Dirichlet(1, ..., 1); precision ~ Gamma(2, 0.05)
        count[n] ~ DirichletMultinomial(precision share, total[n])

    Data: total (sample), the size of each sample; count (sample), event (K,), rows that sum to total.

    Args:
        categories: K.

    Reference:
        On the Compound Multinomial Distribution, the Multivariate beta-Distribution, and Correlations Among
        Proportions (Mosimann, 1962) | https://doi.org/10.1093/biomet/49.1-2.65
    """
    m = gd.Model("dirichlet_multinomial")
    sample = m.plate("sample")
    total = m.data("total", dims=sample, dtype=int)
    share = m.latent("share", gd.Dirichlet(np.ones(categories)))
    precision = m.latent("precision", gd.Gamma(2, 0.05))
    m.observe("count", gd.DirichletMultinomial(precision * share, total), dims=sample)
    return m


def simulate(seed: int = 0) -> dict[str, np.ndarray]:
    """30 samples of 20 to 60 draws from four categories."""
    rng = np.random.default_rng(seed)
    total = rng.integers(20, 61, 30)
    shares = rng.dirichlet(25.0 * np.array([0.4, 0.3, 0.2, 0.1]), 30)
    count = [rng.multinomial(n, p) for n, p in zip(total, shares, strict=True)]
    return {"total": total, "count": np.stack(count)}
