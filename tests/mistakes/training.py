"""Mistakes in training: guides that do not fit, objectives that do not apply, batches of what cannot be cut."""

from __future__ import annotations

from typing import Any

import numpy as np

import gendsl as gd
from gendsl import guide
from gendsl.methods import Train, Validation
from gendsl.objectives import ELBO, IWAE, Baseline, Gradient, MaximumLikelihood
from tests.mistakes.table import mistake

DATA = {"y": np.zeros(6)}


def _model() -> gd.Model:
    m = gd.Model("shifted")
    n = m.plate("row")
    z = m.latent("z", gd.Normal(0, 1), dims=n)
    m.observe("y", gd.Normal(z, 1.0), dims=n)
    return m


def _mean() -> gd.Model:
    m = gd.Model("mean")
    n = m.plate("row")
    m.observe("y", gd.Normal(m.latent("mu", gd.Normal(0, 1)), 1.0), dims=n)
    return m


def _guide(name: str = "encoder") -> gd.Model:
    g = gd.Model(name)
    g.data("y", dims=g.plate("row"))
    return g


def _fit(m: gd.Model, objective: Any = None, data: Any = DATA, **options: Any) -> None:
    if objective is not None:
        m.objective(objective)
    m.fit(data, Train(steps=2, **options), backend="pyro", progress=False)


# -- what is declared -------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "an objective is one of gendsl's", "gd.ELBO(...)")
def objective_that_is_none():
    _model().objective("elbo")  # here


@mistake(gd.ModelError, "the class ELBO", "an instance: gd.ELBO()")
def objective_that_is_a_class():
    _model().objective(ELBO)  # here


@mistake(gd.ModelError, "gd.ELBO: a guide is one of gd.guide, or a model", "gd.guide.FullRank()")
def guide_by_its_name():
    ELBO(guide="full_rank")  # here


@mistake(gd.ModelError, "gd.ELBO: a guide is one of gd.guide, or a model", "an instance: gd.guide.MeanField()")
def guide_that_is_a_class():
    ELBO(guide=guide.MeanField)  # here


@mistake(gd.ModelError, "gd.ELBO: particles is a positive integer", "given:  0")
def no_particles():
    ELBO(particles=0)  # here


@mistake(gd.ModelError, "gd.ELBO has no argument 'num_particles'", "did you mean 'particles'?")
def particles_by_another_name():
    ELBO(num_particles=3)  # here


@mistake(gd.ModelError, "gd.ELBO: unknown gradient", "gd.Gradient.SCORE")
def gradient_by_a_word():
    ELBO(gradient="score")  # here


@mistake(gd.ModelError, "gd.ELBO: unknown baseline", "gd.Baseline()")
def baseline_by_its_decay():
    ELBO(gradient=Gradient.SCORE, baseline=0.9)  # here


@mistake(gd.FitError, "baselines by site", "draws all latents at once", "fix:    baseline=gd.Baseline()")
def baselines_by_site_beside_a_guide_without_sites():
    _fit(_model(), ELBO(gradient=Gradient.SCORE, baseline={"z": Baseline()}))


@mistake(gd.ModelError, "gd.Baseline: decay is a share in [0, 1)", "decay=0.9")
def baseline_that_never_moves():
    Baseline(decay=1.0)  # here


@mistake(gd.ModelError, "gd.ELBO: analytic_kl needs the model's own sites in the guide", "a model as guide")
def closed_form_in_unconstrained_space():
    ELBO(guide=guide.MeanField(), analytic_kl=True)  # here


@mistake(gd.ModelError, "gd.guide.LowRank: rank is a positive integer", "2.5")
def fractional_rank():
    guide.LowRank(rank=2.5)  # here


@mistake(gd.ModelError, "gd.guide.MeanField: scale is a positive number", "-1")
def negative_scale():
    guide.MeanField(scale=-1)  # here


# -- guides that do not fit -------------------------------------------------------------------------------------------
@mistake(gd.FitError, "node 'z'", "guide 'encoder' misses latent 'z'", 'guide.latent("z", ...)')
def guide_without_a_latent():
    _fit(_model(), ELBO(guide=_guide()))


@mistake(gd.FitError, "'w'", "draws 'w', which is no latent of model 'shifted'", "only 'z'")
def guide_with_another_latent():
    g = _guide()
    g.latent("z", gd.Normal(g["y"], 1), dims="row")
    g.latent("w", gd.Normal(0, 1))  # here
    _fit(_model(), ELBO(guide=g))


@mistake(gd.FitError, "'z'", "another shape", "scalar", "dims (row)")
def guide_without_the_plate():
    g = _guide()
    g.latent("z", gd.Normal(0, 1))  # here
    _fit(_model(), ELBO(guide=g))


@mistake(gd.FitError, "'z'", "another shape", "2")
def guide_of_another_event():
    g = _guide()
    g.latent("z", gd.Normal(0, 1).expand(2), dims="row")  # here
    _fit(_model(), ELBO(guide=g))


@mistake(gd.FitError, "'s'", "values outside its support", "real")
def guide_outside_the_support():
    m = gd.Model("scaled")
    n = m.plate("row")
    m.observe("y", gd.Normal(0, m.latent("s", gd.HalfNormal(1))), dims=n)
    g = _guide()
    g.latent("s", gd.Normal(0, 1))  # here
    _fit(m, ELBO(guide=g))


@mistake(gd.FitError, "'x'", "reads 'x', which is neither data nor an observation", "some of y")
def guide_of_other_data():
    g = gd.Model("encoder")
    n = g.plate("row")
    x = g.data("x", dims=n)  # here
    g.latent("z", gd.Normal(x, 1), dims=n)
    _fit(_model(), ELBO(guide=g))


@mistake(gd.FitError, "'y'", "reads 'y' in another shape", "event (2,)")
def guide_of_data_in_another_shape():
    g = gd.Model("encoder")
    n = g.plate("row")
    y = g.data("y", dims=n, event=(2,))  # here
    g.latent("z", gd.Normal(y[..., 0], 1), dims=n)
    _fit(_model(), ELBO(guide=g))


@mistake(gd.FitError, "'y'", "guide 'encoder' observes 'y', and a guide only draws", 'm.data("y", ...)')
def guide_that_observes():
    g = gd.Model("encoder")
    n = g.plate("row")
    z = g.latent("z", gd.Normal(0, 1), dims=n)
    g.observe("y", gd.Normal(z, 1), dims=n)  # here
    _fit(_model(), ELBO(guide=g))


@mistake(gd.FitError, "plate 'image' that the model does not have", "plates of the model: row")
def guide_over_another_plate():
    g = _guide()
    g.latent("z", gd.Normal(g["y"], 1), dims="row")
    g.plate("image", size=3)  # here
    _fit(_model(), ELBO(guide=g))


@mistake(gd.FitError, "the guide has no site 'w' whose gradient could be chosen", "some of z")
def gradient_of_an_unknown_site():
    g = _guide()
    g.latent("z", gd.Normal(g["y"], 1), dims="row")
    _fit(_model(), ELBO(guide=g, gradient={"w": Gradient.SCORE}))


@mistake(gd.FitError, "has a baseline, and no gradient is that of the score function", "gd.Gradient.SCORE")
def baseline_of_a_path():
    g = _guide()
    g.latent("z", gd.Normal(g["y"], 1), dims="row")
    _fit(_model(), ELBO(guide=g, baseline=Baseline()))


@mistake(gd.FitError, "differentiates draws along their paths, and 'z' by the score function", "leave analytic_kl out")
def closed_form_by_the_score_function():
    g = _guide()
    g.latent("z", gd.Normal(g["y"], 1), dims="row")
    _fit(_model(), ELBO(guide=g, gradient=Gradient.SCORE, analytic_kl=True))


@mistake(gd.FitError, "'w' is a parameter of the guide, and the model has a site of this name", "guide_w")
def parameter_in_both():
    m = _mean()
    m.factor("more", -(m.param("w", 1.0) ** 2))
    g = gd.Model("encoder")
    g.latent("mu", gd.Normal(g.param("w", 0.0), 1))
    _fit(m, ELBO(guide=g))


# -- objectives that do not apply -------------------------------------------------------------------------------------
@mistake(gd.FitError, "'z'", "the likelihood of 'shifted' is an integral over its latents", "gd.ELBO()")
def likelihood_with_latents():
    _fit(_model(), MaximumLikelihood())


@mistake(gd.FitError, "has no latents, so its likelihood needs no bound", "gd.MaximumLikelihood()")
def bound_without_latents():
    m = gd.Model("plain")
    m.observe("y", gd.Normal(m.param("w", 0.0), 1), dims=m.plate("row"))
    _fit(m, ELBO())


@mistake(gd.FitError, "'c'", "Delta is a guide of continuous latents, and 'c' is discrete", "gd.Mixture")
def mode_of_a_discrete_latent():
    m = gd.Model("coin")
    n = m.plate("row")
    c = m.latent("c", gd.Bernoulli(probs=0.5), dims=n)  # here
    m.observe("y", gd.Normal(2.0 * c, 1), dims=n)
    _fit(m, ELBO(guide=guide.Delta()))


@mistake(gd.FitError, "IWAE weighs draws of its guide", "Laplace", "gd.guide.FullRank()")
def weights_of_a_point():
    _fit(_mean(), IWAE(guide=guide.Laplace()))


@mistake(gd.FitError, "'c'", "no gradient passes along the path of a draw of 'c'", "gd.Gradient.SCORE")
def a_path_that_is_not_there():
    m, g = gd.Model("coin"), gd.Model("guide")
    n, k = m.plate("row"), g.plate("row")
    m.observe("y", gd.Normal(2.0 * m.latent("c", gd.Bernoulli(probs=0.5), dims=n), 1), dims=n)
    g.latent("c", gd.Bernoulli(logits=g.data("y", dims=k)), dims=k)  # here
    _fit(m, ELBO(guide=g, gradient=gd.Gradient.PATHWISE))


@mistake(gd.FitError, "'c'", "IWAE's gradients pass along the paths of draws, and 'c' has none", "gd.ELBO(guide=...)")
def iwae_without_a_path():
    m, g = gd.Model("coin"), _guide()
    n = m.plate("row")
    m.observe("y", gd.Normal(2.0 * m.latent("c", gd.Bernoulli(probs=0.5), dims=n), 1), dims=n)
    g.latent("c", gd.Bernoulli(logits=g["y"]), dims="row")  # here
    _fit(m, IWAE(guide=g))


@mistake(gd.FitError, "'p'", "begins at the edge of its set cannot move", "simplex", "begin inside the set")
def parameter_at_a_corner():
    m = gd.Model("mixed")
    p = m.param("p", [0.0, 1.0], constraint=gd.simplex)  # here
    m.observe("y", gd.Normal(p[0], 1), dims=m.plate("row"))
    _fit(m)


@mistake(gd.FitError, "'s'", "begins at the edge of its interval cannot move", "begin inside the interval")
def parameter_at_its_edge():
    m = gd.Model("edge")
    s = m.param("s", 0.0, constraint=gd.nonnegative)  # here
    m.observe("y", gd.Normal(s, 1), dims=m.plate("row"))
    _fit(m)


# -- batches ----------------------------------------------------------------------------------------------------------
@mistake(gd.DataError, "the batch is larger than the data", "6 rows", "batch_size=6")
def batch_larger_than_the_data():
    _fit(_mean(), batch_size=7)


@mistake(gd.FitError, "'z'", "has a value for each element of 'row', which come in batches", "a model as guide")
def free_latents_in_batches():
    _fit(_model(), batch_size=2)


@mistake(gd.FitError, "it is not clear of which plate a batch is a part", "subsample=128")
def batch_of_two_plates():
    m = gd.Model("table")
    a, b = m.plate("a"), m.plate("b")
    m.observe("y", gd.Normal(m.latent("mu", gd.Normal(0, 1)), 1), dims=(a, b))
    _fit(m, None, {"y": np.zeros((3, 4))}, batch_size=2)


@mistake(gd.FitError, "IWAE's logarithm is of all rows together", "leave batch_size out")
def iwae_of_a_batch():
    _fit(_mean(), IWAE(), batch_size=2)


@mistake(gd.FitError, "a batch of 'row' is not enough", "looks at all of its elements together")
def batch_of_what_is_summed():
    m = gd.Model("centred")
    n = m.plate("row")
    x = m.data("x", dims=n)
    mu = m.latent("mu", gd.Normal(0, 1))
    m.observe("y", gd.Normal(mu + x - x.mean(dim=n), 1), dims=n)
    _fit(m, None, {"x": np.zeros(6), **DATA}, batch_size=2)


@mistake(gd.FitError, "'w'", "has a value for each element of 'row', which come in batches")
def parameters_in_batches():
    m = gd.Model("each")
    n = m.plate("row")
    m.observe("y", gd.Normal(m.param("w", 0.0, dims=n), 1), dims=n)  # here
    _fit(m, batch_size=2)


@mistake(gd.FitError, "'row'", "batches of different sizes", "batch_size=2, subsample=3")
def two_sizes_of_batches():
    m = gd.Model("mean")
    n = m.plate("row", subsample=3)  # here
    m.observe("y", gd.Normal(m.latent("mu", gd.Normal(0, 1)), 1), dims=n)
    _fit(m, batch_size=2)


@mistake(gd.DataError, "'y'", "data are missing", "y")
def held_out_rows_of_other_names():
    _fit(_mean(), validation=Validation(data={"x": np.zeros(3)}, every=1))


# -- what the fit is asked --------------------------------------------------------------------------------------------
@mistake(gd.FitError, "NUTS does not resume a run", "fit.continue_()")
def resumed_sampling():
    _mean().fit(DATA, gd.NUTS(), backend="pyro", resume="runs/mean", progress=False)


@mistake(gd.FitError, "training computes in the precision of its method", "gd.Train(..., precision='float64')")
def precision_beside_training():
    _mean().fit(DATA, gd.Train(steps=1), backend="pyro", precision="float64", progress=False)


@mistake(gd.FitError, "there is nothing to train", "declare some")
def likelihood_without_parameters():
    m = gd.Model("fixed")
    m.observe("y", gd.Normal(0, 1), dims=m.plate("row"))
    _fit(m)
