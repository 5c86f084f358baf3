"""`check` finds the fault of a fit that has one, says where it is and what to try, and is silent about a sound one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.backend import Draws
from gendsl.fit import Fit
from gendsl.results.conflict import conflicts, tails, thinness
from gendsl.results.divergences import hierarchies, regions
from gendsl.results.modes import lagging, modes, stuck
from gendsl.results.scalars import of_draws
from tests.fit.models import SCHOOLS, schools
from tests.predict.exact import fit_of, regression_fit


def with_stats(fit: Fit, **stats: np.ndarray) -> Fit:
    fit.raw = Draws({}, stats)
    return fit


def said(fit: Fit, word: str, prior: bool = False) -> str:
    """The one problem that has a word."""
    found = [p for p in fit.check(prior=prior).problems if word in p]
    assert len(found) == 1, fit.check(prior=prior)
    return found[0]


def table(x: np.ndarray, name: str = "x") -> Any:
    return of_draws({name: x}, {name: [range(n) for n in x.shape[2:]]})


RNG = np.random.default_rng(0)
GOOD = RNG.normal(size=(4, 400, 3))
EMPTY = gd.Model("m").graph


def test_a_sound_fit_has_no_problem() -> None:
    fit = regression_fit("pyro", 4000)
    fit.raw = Draws({}, {"diverging": np.zeros((4, 1000), bool), "energy": RNG.normal(size=(4, 1000))})
    out = fit.check()
    assert out.ok, out
    assert out.notes == ()


# -- divergences ---------------------------------------------------------------------------------------------------
def funnel(centered: bool | None) -> gd.Model:
    m = gd.Model("funnel")
    school = m.plate("school", 8)
    tau = m.latent("tau", gd.HalfNormal(5))
    mu = m.latent("mu", gd.Normal(0, 5))
    m.latent("theta", gd.Normal(mu, tau), dims=school, centered=centered)
    return m


def funnel_fit(centered: bool | None, where: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Fit:
    rng = np.random.default_rng(1)
    tau, mu = np.abs(5 * rng.normal(size=(4, 500))), rng.normal(size=(4, 500))
    draws = {"tau": tau, "mu": mu, "theta": mu[..., None] + tau[..., None] * rng.normal(size=(4, 500, 8))}
    return with_stats(fit_of(funnel(centered), {}, "pyro", draws), diverging=where(tau, rng.random((4, 500))))


def test_divergences_in_the_neck_are_placed_and_the_other_form_is_advised() -> None:
    words = said(funnel_fit(True, lambda tau, u: (tau < 0.5) & (u < 0.7)), "diverged")
    assert "They are where tau is below 0." in words
    assert "(100% of the divergent draws, " in words
    assert "'theta' is centred, as declared, with a random scale (tau" in words
    assert "leave centered=True out" in words
    assert "target_accept=0.975 in the place of 0.900" in words


def test_what_is_non_centred_already_is_not_advised_again() -> None:
    words = said(funnel_fit(None, lambda tau, u: (tau > 9) & (u < 0.9)), "diverged")
    assert "tau is above 9.0" in words
    assert "'theta' is non-centred already (scale: tau)" in words
    assert "centered=True is the better form" in words
    assert "leave centered=True out" not in words


def test_divergences_anywhere_are_placed_nowhere() -> None:
    assert "They are spread like the other draws" in said(funnel_fit(True, lambda tau, u: u < 0.03), "diverged")
    assert "They are too few to say where" in said(funnel_fit(True, lambda tau, u: u < np.sort(u.ravel())[2]), "diver")


def test_divergences_of_one_chain_are_told() -> None:
    words = said(funnel_fit(True, lambda tau, u: (u < 0.1) & (np.arange(4) == 2)[:, None]), "diverged")
    assert "100% of them in chain 2" in words


def test_without_divergences_nothing_is_said() -> None:
    assert not [p for p in funnel_fit(True, lambda tau, u: u < 0).check(prior=False).problems if "diverged" in p]


def test_which_latents_have_another_form() -> None:
    m = gd.Model("m")
    row = m.plate("row", 4)
    s, r = m.latent("s", gd.HalfNormal(1)), m.latent("r", gd.HalfNormal(1))
    m.latent("a", gd.Normal(s, gd.exp(r)), dims=row)  # moved
    m.latent("b", gd.Normal(s, 2.0), dims=row)  # its scale is fixed
    m.latent("c", gd.StudentT(3, 0.0, r * s), dims=row, centered=True)
    m.latent("g", gd.Gamma(2.0, r), dims=row)  # no other form
    found = {g.name: (g.by, g.centred, g.forms) for g in hierarchies(m.graph, m.compile("pyro").graph)}
    assert found == {
        "a": ({"r"}, False, True),
        "c": ({"r", "s"}, True, True),
        "g": ({"r"}, True, False),
    }
    draws = {"s": np.abs(GOOD[..., 0]), "r": np.abs(GOOD[..., 1])} | {k: np.ones((4, 400, 4)) for k in "abcg"}
    draws["g"] = np.abs(RNG.normal(size=(4, 400, 4)))
    fit = with_stats(fit_of(m, {}, "pyro", draws), diverging=draws["g"][..., 1] < 0.05)
    words = said(fit, "diverged")
    assert "where g[1] is below 0.0" in words
    assert "'g' (Gamma) depends on r and has no other form that a pass could take" in words


def test_the_neck_of_a_real_funnel() -> None:
    method = gd.NUTS(chains=2, warmup=300, draws=600, target_accept=0.8)
    fit = funnel(True).fit({}, method, backend="numpyro", seed=2, progress=False)
    assert fit.raw.stats["diverging"].sum() >= 5
    words = said(fit, "diverged")
    assert "tau is below" in words
    assert "leave centered=True out" in words


def test_regions_of_marked_draws() -> None:
    x = np.stack([np.arange(100.0), np.tile([0.0, 1.0], 50)])[None].transpose(0, 2, 1)
    mark = (np.arange(100) < 10)[None]
    (region,) = regions(table(x), mark)
    assert (region.label, region.below, region.bound, region.inside, region.others) == ("x[0]", True, 9.0, 1.0, 0.0)
    assert regions(table(x), mark & False) == []
    assert regions(table(x), mark | True) == []


# -- chains --------------------------------------------------------------------------------------------------------
def test_a_chain_that_stands_still_is_named() -> None:
    assert stuck(table(GOOD)) == []
    x = GOOD.copy()
    x[2] = x[2, :1]
    ((chain, words),) = stuck(table(x), {"step_size": np.full((4, 400), 0.25)})
    assert chain == 2
    assert words.startswith("chain 2 stands still: it leaves its place in 0% of its draws (step size 0.250)")
    x[2] = 7 + 1e-6 * GOOD[2]
    ((chain, words),) = stuck(table(x))
    assert words.startswith("chain 2 stands still: it varies at most 1")
    assert modes(EMPTY, table(x), [2]) == []  # and is not taken for a mode
    good = {"acceptance_rate": np.full((4, 400), 0.8), "step_size": np.full((4, 400), 0.5)}
    assert stuck(table(GOOD), good) == []
    rejected, small = good["acceptance_rate"].copy(), good["step_size"].copy()
    rejected[3], small[1] = 0.001, 1e-9
    ((chain, words),) = stuck(table(GOOD), good | {"acceptance_rate": rejected})
    assert (chain, "accepts hardly any proposal (acceptance 0.001" in words) == (3, True)
    ((chain, words),) = stuck(table(GOOD), good | {"step_size": small})
    assert (chain, "it creeps" in words) == (1, True)
    one = GOOD[:1].copy()
    one[:] = one[:, :1]
    assert [c for c, _ in stuck(table(one))] == [0]


def test_a_stuck_chain_of_a_fit() -> None:
    fit = regression_fit("pyro", 4000)
    fit.draws["w"][3] = fit.draws["w"][3, :1]
    fit.draws["first"][3] = fit.draws["w"][3, :, 0]
    assert "chain 3 stands still" in said(fit, "stands still")
    assert not [p for p in fit.check(prior=False).problems if "modes" in p]


def test_a_chain_that_lags_behind_is_named() -> None:
    lp = np.random.default_rng(0).normal(65, 1.5, size=(3, 100))
    assert lagging(lp, []) == []
    lp[1] = np.linspace(-400, -300, 100)
    (words,) = lagging(lp, [], np.array([[0.5], [0.002], [0.5]]).repeat(100, 1))
    assert words.startswith("chain 1 has not come to where chain ")
    assert "its log-density is -350 on average" in words
    assert "; step sizes are 0.002 and 0.500." in words
    assert lagging(lp, [1]) == []
    fit = regression_fit("pyro", 400)
    fit.raw = Draws({}, {"lp": np.where((np.arange(4) == 2)[:, None], -99.0, RNG.normal(size=(4, 100)))})
    assert "chain 2 has not come to where" in said(fit, "has not come")


def test_chains_on_different_modes_are_told_with_levels() -> None:
    x = GOOD.copy()
    x[[1, 3], :, 0] += 9
    x[[1, 3], :, 2] -= 6
    (words,) = modes(EMPTY, table(x), [], np.where(np.isin(np.arange(4), (1, 3))[:, None], -12.0, -20.0))
    assert "in chains 0 and 2 against chains 1 and 3, x[0] is near" in words
    levels = words.split("x[0] is near ")[1].split(";")[0].split(" and ")
    assert [round(float(v)) for v in levels] == [0, 9]
    assert "x[2] is near" in words
    assert "x[1]" not in words
    assert "The log-density is -20 and -12 there on average" in words
    assert "if a symmetry of the model" in words


def test_chains_that_overlap_or_wander_are_on_no_modes() -> None:
    assert modes(EMPTY, table(GOOD), []) == []
    assert modes(EMPTY, table(GOOD + np.arange(4)[:, None, None]), []) == []  # shifted by a standard deviation each
    walk = 0.3 * RNG.normal(size=(4, 400, 3)).cumsum(1) + 40 * np.arange(4)[:, None, None]
    assert modes(EMPTY, table(walk), []) == []


def mixture(ordered: bool) -> gd.Model:
    m = gd.Model("mixture")
    mu = m.latent("mu", gd.Normal(0, 10).expand(m.axis("component", 2)), constraint=gd.ordered if ordered else None)
    m.observe("y", gd.Mixture(np.array([0.5, 0.5]), gd.Normal(mu, 1.0)), dims=m.plate("row"))
    return m


@pytest.mark.parametrize("ordered", [False, True])
def test_swapped_components_of_a_real_mixture(ordered: bool) -> None:
    y = np.concatenate([RNG.normal(-5, 1, 40), RNG.normal(5, 1, 40)])
    method = gd.NUTS(chains=4, warmup=200, draws=200, dense=False)
    fit = mixture(ordered).fit({"y": y}, method, backend="numpyro", seed=1, progress=False)
    if ordered:
        assert not [p for p in fit.check(prior=False).problems if "modes" in p]
        return
    words = said(fit, "different modes")
    assert "mu[0] is near" in words
    assert 'Components of the mixture may have changed places: order them, m.latent("mu", ..., constraint=' in words


# -- priors --------------------------------------------------------------------------------------------------------
def normal(prior: float = 1.0) -> gd.Model:
    m = gd.Model("normal")
    mu = m.latent("mu", gd.Normal(0, prior))
    s = m.latent("s", gd.HalfNormal(10))
    m.observe("y", gd.Normal(mu, s), dims=m.plate("row"))
    return m


def at(model: gd.Model, backend: str = "pyro", **where: float) -> Fit:
    draws = {k: v + 0.01 * np.random.default_rng(0).random((2, 200)) for k, v in where.items()}
    return fit_of(model, {"y": [1.0, 2.0]}, backend, draws)


def test_a_posterior_far_out_in_its_prior_is_told(backend: str) -> None:
    words = said(at(normal(), backend, mu=8.0, s=1.0), "prior and data disagree", prior=True)
    assert "mu has its posterior median at 8.00" in words
    assert "(none of 4000 prior draws is further out)" in words
    assert "; s has" not in words
    again = at(normal(), backend, mu=8.0, s=1.0)
    assert said(again, "prior and data disagree", prior=True) == words  # the same draws of the prior each time


def test_a_posterior_within_its_prior_is_not() -> None:
    for where in ({"mu": 1.0, "s": 1.0}, {"mu": -2.0, "s": 18.0}, {"mu": 0.0, "s": 1e-4}):
        assert conflicts(at(normal(), **where)) == ([], ())
    assert conflicts(at(normal(10.0), mu=8.0, s=1.0)) == ([], ())
    assert conflicts(at(normal(), mu=8.0, s=1.0))[0]


def test_of_many_scalars_none_is_called_out_by_chance() -> None:
    m = gd.Model("many")
    m.latent("x", gd.Normal(0, 1), dims=m.plate("row", 400))
    x = np.random.default_rng(3).normal(size=400) + 1e-3 * RNG.normal(size=(1, 50, 400))
    assert np.abs(x).max() > 2.9
    assert conflicts(fit_of(m, {}, "pyro", {"x": x})) == ([], ())
    x[..., 7] += 9
    assert "x[7] has its posterior median" in conflicts(fit_of(m, {}, "pyro", {"x": x}))[0][0]


def test_improper_priors_are_left_out_and_named() -> None:
    m = gd.Model("flat")
    a = m.latent("a", gd.ImproperUniform(gd.real))
    b = m.latent("b", gd.Normal(0, 1))
    c = m.latent("c", gd.Normal(a, 1))
    m.observe("y", gd.Normal(b + c, 1), dims=m.plate("row"))
    fit = at(m, a=0.0, b=50.0, c=0.0)
    out = fit.check()
    assert "b has its posterior median at 50.0" in said(fit, "prior and data", prior=True)
    assert out.notes == ("not compared with a prior, which is improper: a and c",)
    assert str(out).endswith("a and c)")


def test_latents_that_a_factor_weights_are_not_called_improper() -> None:
    m = gd.Model("weighted")
    k, a, b = (m.latent(n, gd.Normal(0, 1)) for n in "kab")
    t = m.data("t", dims=m.plate("row"))
    m.factor("censored", -((t * gd.exp(a)) ** gd.exp(k)))
    m.observe("y", gd.Normal(b, 1), dims="row")
    fit = fit_of(m, {"y": [0.1, 0.2], "t": [1.0, 2.0]}, "pyro", {n: 0.1 * RNG.normal(size=(2, 100)) for n in "kab"})
    words, notes = conflicts(fit)
    assert words == []
    assert notes == (
        "not compared with a prior, for factor 'censored' weights them, whether as likelihood or as prior: k and a",
    )


def test_tails_and_thinness() -> None:
    prior = np.random.default_rng(0).normal(size=(1, 100_000))
    points = np.array([0.0, 1.0, -2.0])
    from scipy.stats import norm

    given = np.repeat(prior, 3, axis=0)
    assert np.allclose(tails(given, points), 2 * norm.sf(np.abs(points)), rtol=0.03)
    expected = norm.pdf(points) / (0.5 / (2 * norm.ppf(0.75)))
    many = np.array([thinness(given[:, k::10], points) for k in range(10)]).mean(0)  # 20 neighbours each: noisy
    assert np.allclose(many, expected, rtol=0.3)
    assert thinness(np.ones((1, 100)), np.ones(1)).tolist() == [1.0]


def test_a_run_is_checked_as_a_whole(fitted: Callable[[str, str], Fit], backend: str) -> None:
    out = fitted("regression", backend).check()
    assert out.ok, out
    assert set(out.figures) >= {"R-hat", "bulk ESS", "tail ESS", "divergences", "E-BFMI"}
    fit = schools().fit(SCHOOLS, gd.NUTS(chains=2, warmup=20, draws=20), backend=backend, progress=False)
    fit.raw.complete, fit.raw.note = False, "interrupted: 1 of 2 chains"
    assert fit.check(prior=False).problems[0] == "interrupted: 1 of 2 chains"
