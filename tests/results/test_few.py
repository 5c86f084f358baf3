"""Fits of few draws: tables, checks, pages and LOO say so, without a word of numpy's or arviz's."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

import gendsl as gd
from gendsl.backend import Draws
from gendsl.diagnostics import summary
from gendsl.fit import Fit
from gendsl.results.check import check_draws
from tests.predict.exact import fit_of
from tests.results.test_check import table


def fit(chains: int, draws: int) -> Fit:
    m = gd.Model("few")
    mu = m.latent("mu", gd.Normal(0, 1))
    m.observe("y", gd.Normal(mu, 1), dims=m.plate("o"))
    rng = np.random.default_rng(3)
    out = fit_of(m, {"y": [1.0, 2.0, 0.5]}, "pyro", {"mu": 0.9 + 0.5 * rng.normal(size=(chains, draws))})
    energy = rng.normal(size=(chains, draws))
    out.raw = Draws({"mu": out.draws["mu"]}, {"energy": energy, "diverging": np.zeros((chains, draws), bool)})
    return out


@pytest.fixture
def arviz_says(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What arviz writes to its log, which is not among those of `logging`."""
    import arviz

    said: list[str] = []
    monkeypatch.setattr(arviz._log, "callHandlers", lambda record: said.append(record.getMessage()))
    return said


@pytest.mark.parametrize(("chains", "draws"), [(1, 1), (2, 1), (2, 3), (1, 7)])
def test_few_draws_are_a_problem_in_words(chains: int, draws: int, arviz_says: list[str]) -> None:
    """Warnings are errors here; arviz writes to its log."""
    f = fit(chains, draws)
    words, frame = str(f.check(prior=False)), f.summary()
    assert not arviz_says
    assert f"only {draws} draw{'s' * (draws > 1)} of {chains} chain{'s' * (chains > 1)}:" in words
    assert "nan" not in words
    assert "No problem" not in words
    assert list(frame.columns) == list(fit(2, 50).summary().columns)
    if draws < 4:
        assert frame["r_hat"].isna().all()
        assert frame["ess_bulk"].isna().all()
        assert frame["mean"].iloc[0] == pytest.approx(f.draws["mu"].mean(), abs=1e-3)


@pytest.mark.parametrize("chains", [1, 2])
def test_a_page_of_few_draws(tmp_path: Path, chains: int, arviz_says: list[str]) -> None:
    fit(chains, 3).report(tmp_path / "few.html")
    assert not arviz_says
    assert "Only 3 draws of" in (tmp_path / "few.html").read_text()


def test_enough_draws_are_none() -> None:
    for chains, draws in ((2, 4), (1, 8)):
        out = fit(chains, draws).check(prior=False)
        assert not any(p.startswith("only ") for p in out.problems)
        assert np.isfinite(out.figures["R-hat"])


def test_loo_of_few_draws() -> None:
    with pytest.raises(gd.FitError, match="too few draws for LOO") as caught:
        fit(1, 1).loo()
    assert "1 draw of 1 chain" in str(caught.value)
    with pytest.warns(gd.GendslWarning, match="rests on too few draws") as said:
        fit(1, 5).loo()
    assert said[0].filename == __file__


def test_loo_with_heavy_weights_says_for_how_many() -> None:
    f = fit(4, 200)
    f.draws["mu"][:] = 8 * np.random.default_rng(0).standard_t(1.5, size=(4, 200))
    with pytest.warns(gd.GendslWarning, match="is unreliable for 3 of 3 observations") as said:
        out = f.loo()
    assert len(said) == 1
    assert f"below {out.good_k:.2f}, the bound for 800 draws" in str(said[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(4, 300).loo()


def test_a_table_of_independent_draws_has_no_columns_of_chains() -> None:
    assert "r_hat" not in summary(fit(1, 3).idata, chains=False).columns


def test_a_small_rhat_may_be_noise() -> None:
    """Words fit the figure: 1.02 of 2 x 300 draws is not called chains that have not mixed."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(2, 300)) + np.array([[0.0], [0.25]])
    found = check_draws(table(x), {})
    (words,) = found.problems
    assert 1.01 < found.figures["R-hat"] < 1.05, found
    assert "of 2 chains of 300 draws" in words
    assert "may be noise as well as slow mixing; draw longer to tell" in words
    many = check_draws(table(rng.normal(size=(4, 1000)) + np.array([[0.0], [0.0], [0.3], [0.3]])), {})
    assert 1.01 < many.figures["R-hat"] < 1.05, many
    assert "the chains have not mixed" in many.problems[0]  # 1.01 is meant for as many
    apart = check_draws(table(x + np.array([[0.0], [0.8]])), {})
    assert "the chains have not mixed" in apart.problems[0]
    walk = np.cumsum(rng.normal(size=(2, 300)), axis=1)
    assert "the chains have not mixed" in check_draws(table(walk), {}).problems[0]


def test_one_is_singular() -> None:
    assert ": 1 chain of 1 draw, " in repr(fit(1, 1))
    assert ": 2 chains of 5 draws, " in repr(fit(2, 5))
    m = gd.Model("m")
    e = m.latent("e", gd.Normal(0, m.latent("s", gd.HalfNormal(1))), dims=m.plate("i", 3))
    m.observe("y", gd.Normal(e, 0.7), dims="i")
    assert "- 1 operation on constants computed\n" in str(m.explain())
