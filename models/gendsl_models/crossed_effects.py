"""Crossed random effects: every student meets every item."""

import numpy as np

import gendsl as gd

__all__ = ["crossed_effects", "simulate"]


def crossed_effects() -> gd.Model:
    """Scores in a full table of students and items, with an effect of each.

        mu ~ Normal(0, 5); tau_student, tau_item, sigma ~ HalfNormal(2)
        a[s] ~ Normal(0, tau_student); b[i] ~ Normal(0, tau_item)
        score[s, i] ~ Normal(mu + a[s] + b[i], sigma)

    Data: score (student, item).

    Reference:
        Mixed-effects modeling with crossed random effects for subjects and items (Baayen, Davidson, Bates,
        2008) | https://doi.org/10.1016/j.jml.2007.12.005
    """
    m = gd.Model("crossed_effects")
    student, item = m.plate("student"), m.plate("item")
    mu = m.latent("mu", gd.Normal(0, 5))
    tau_student = m.latent("tau_student", gd.HalfNormal(2))
    tau_item = m.latent("tau_item", gd.HalfNormal(2))
    sigma = m.latent("sigma", gd.HalfNormal(2))
    a = m.latent("a", gd.Normal(0, tau_student), dims=student)
    b = m.latent("b", gd.Normal(0, tau_item), dims=item)
    m.observe("score", gd.Normal(mu + a + b, sigma), dims=(student, item))
    return m


def simulate(seed: int = 0) -> dict[str, np.ndarray]:
    """25 students and 12 items."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0, 1.0, 25), rng.normal(0, 0.6, 12)
    return {"score": 1.5 + a[:, None] + b + rng.normal(0, 0.5, (25, 12))}
