"""Simulation-based calibration: its statistics on exact posteriors, its file, its processes; NUTS itself when slow."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

import gendsl as gd
from gendsl.backend import Draws
from gendsl.calibration.job import Job
from gendsl.calibration.result import ecdf_band, p_value
from gendsl_models.registry import ZOO

QUICK = gd.NUTS(chains=1, warmup=60, draws=40)
SIGMA = np.array([1.0, 2.0, 0.5, 1.0, 3.0])


def normal(scale: float = 1.0, shift: float = 0.0) -> gd.Model:
    """mu ~ N(shift, scale), y[i] ~ N(mu, sigma[i])."""
    m = gd.Model("normal")
    row = m.plate("row")
    sigma = m.data("sigma", dims=row, support=gd.positive)
    mu = m.latent("mu", gd.Normal(shift, scale))
    m.let("twice", 2 * mu)
    m.observe("y", gd.Normal(mu, sigma), dims=row)
    return m


Exact = Callable[..., None]


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> Exact:
    """In place of NUTS: independent draws of the posterior of `normal()`, or of a distorted one."""

    def use(width: float = 1.0, move: float = 0.0, ignore: bool = False) -> None:
        from gendsl_pyro.mcmc import PyroEngine

        def nuts(self: Any, program: Any, method: gd.NUTS, seed: int, progress: Any, state: Any = None) -> Draws:
            y, sigma = (program.bound.arrays[k] for k in ("y", "sigma"))
            precision = 1.0 + 0.0 if ignore else 1.0 + (sigma**-2.0).sum()
            mean = 0.0 if ignore else (y * sigma**-2.0).sum() / precision
            shape = (method.chains, method.draws)
            z = np.random.default_rng(seed).normal(size=shape)
            return Draws({"mu": mean + (width * z + move) / np.sqrt(precision)}, {"diverging": np.zeros(shape, bool)})

        monkeypatch.setattr(PyroEngine, "mcmc", nuts)

    return use


def run(model: gd.Model | None = None, count: int = 400, **options: Any) -> gd.Calibration:
    """A calibration in this process."""
    settings: dict[str, Any] = {"backend": "pyro", "simulations": count, "processes": 1, "progress": False, "seed": 3}
    method = options.pop("method", gd.NUTS(chains=1, warmup=0, draws=200))
    return gd.calibrate(model or normal(), {"sigma": SIGMA}, method, **settings | options)


def test_exact_draws_have_uniform_ranks(exact: Exact) -> None:
    exact()
    out = run()
    assert list(out.ranks) == ["mu", "twice", "log_likelihood"]
    assert out.ok
    assert out.p > 0.01
    assert out.verdict.startswith("The ranks of 3 scalars in 400 simulations are uniform")
    assert np.array_equal(out.ranks["mu"], out.ranks["twice"])
    assert out.ranks["mu"].min() >= 0
    assert out.ranks["mu"].max() <= 99


@pytest.mark.parametrize(
    ("distortion", "words", "scalar"),
    [
        ({"width": 0.6}, "too narrow", "mu"),
        ({"width": 1.8}, "too wide", "mu"),
        ({"move": 0.5}, "the draws lie too high (the truth has low ranks)", "mu"),
        ({"ignore": True}, "too low", "log_likelihood"),  # the prior has uniform ranks; the likelihood tells
    ],
)
def test_wrong_draws_are_found_and_described(exact: Exact, distortion: Any, words: str, scalar: str) -> None:
    exact(**distortion)
    out = run()
    assert not out.ok
    assert out.p_values[scalar] < 1e-4
    assert words in out.verdict
    assert f"- {scalar}: p = " in out.verdict
    if "ignore" in distortion:
        assert out.p_values["mu"] > 0.01


def test_another_simulator_is_a_wrong_model(exact: Exact) -> None:
    exact()
    out = run(simulator=normal(3.0))
    assert out.p_values["mu"] < 1e-4
    assert "too narrow" in out.verdict


def test_p_values_are_those_of_a_chi_square() -> None:
    ranks = np.repeat(np.arange(100), 4)
    assert p_value(ranks, 99) == pytest.approx(1.0)
    ranks[:8] = 99  # eight less in the first bin of five ranks, eight more in the last
    statistic = (8.0**2 + 8**2) / 20
    assert p_value(ranks, 99) == pytest.approx(chi2.sf(statistic, 19))
    draws = np.random.default_rng(0).integers(0, 100, (300, 200))
    small = np.mean([p_value(x, 99) < 0.1 for x in draws])
    assert abs(small - 0.1) < 4 * np.sqrt(0.09 / 300)


def test_the_band_holds_whole_functions_as_often_as_it_says() -> None:
    lower, upper = ecdf_band(150, 49, 0.9)
    rng = np.random.default_rng(5)
    counts = np.array([np.bincount(rng.integers(0, 50, 150), minlength=50) for _ in range(2000)])
    functions = counts.cumsum(1) / 150
    inside = ((functions >= lower) & (functions <= upper)).all(1).mean()
    assert abs(inside - 0.9) < 0.03


def test_the_plot_marks_what_is_not_uniform(exact: Exact) -> None:
    exact(width=0.5)
    figure = run().plot(["mu", "log_likelihood"])
    assert [ax.get_title(loc="left").partition(":")[0] for ax in figure.axes[::2]] == ["mu", "log_likelihood"]
    left, right = figure.axes[:2]
    assert sum(p.get_height() for p in left.patches if p.get_height() > 1.5) == pytest.approx(400, abs=60)
    assert len(right.lines) == 2
    with pytest.raises(gd.FitError, match="nothing named 'sigma' was ranked"):
        run(count=3).plot(["sigma"])


def test_a_file_goes_on_where_it_was_left(exact: Exact, tmp_path: Path) -> None:
    exact()
    whole = run(count=12)
    path = tmp_path / "deep" / "sbc.jsonl"
    run(count=5, path=path)
    text = path.read_bytes()
    assert len(text.splitlines()) == 6
    path.write_bytes(text[:-7])  # killed while it wrote
    run(count=5, path=path)
    assert path.read_bytes().splitlines()[:5] == text.splitlines()[:5]
    path.write_bytes(path.read_bytes() + b'{"k": 5, "ranks": ' + 999 * b"[")
    again = run(count=12, path=path)
    assert np.array_equal(again.ranks["mu"], whole.ranks["mu"])
    assert np.array_equal(again.ranks["log_likelihood"], whole.ranks["log_likelihood"])
    assert [json.loads(x)["k"] for x in path.read_bytes().splitlines()[1:]] == list(range(12))
    fewer = run(count=4, path=path)
    assert np.array_equal(fewer.ranks["mu"], whole.ranks["mu"][:4])


def test_a_file_of_another_calibration_is_left_alone(exact: Exact, tmp_path: Path) -> None:
    exact()
    path = tmp_path / "sbc.jsonl"
    run(count=2, path=path)
    before = path.read_bytes()
    for options, words in [
        ({"seed": 4}, "differing in seed"),
        ({"model": normal(2.0)}, "differing in model, simulator"),
        ({"draws": 49}, "differing in ranks"),
        ({"method": gd.NUTS(chains=1, warmup=0, draws=100)}, "differing in method"),
    ]:
        with pytest.raises(gd.FitError, match=words):
            run(count=2, path=path, **options)
    other = tmp_path / "notes.txt"
    other.write_text("not a calibration\n")
    with pytest.raises(gd.FormatError, match="'notes.txt' is not the file of a calibration"):
        run(count=2, path=other)
    assert path.read_bytes() == before
    assert other.read_text() == "not a calibration\n"


def test_an_interrupt_keeps_what_is_done(exact: Exact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exact()
    whole, calls = Job.run, []

    def interrupted(self: Job, k: int) -> Any:
        calls.append(k)
        if k == 3:
            raise KeyboardInterrupt
        return whole(self, k)

    monkeypatch.setattr(Job, "run", interrupted)
    out = run(count=6, path=tmp_path / "sbc.jsonl")
    assert not out.complete
    assert len(out.ess) == 3
    assert "interrupted: 3 of 6 simulations are done" in out.verdict
    assert "3 of 6" in repr(out)
    monkeypatch.setattr(Job, "run", whole)
    assert run(count=6, path=tmp_path / "sbc.jsonl").complete
    monkeypatch.setattr(Job, "run", interrupted)
    monkeypatch.setattr(Job, "run", lambda self, k: interrupted(self, 3))
    with pytest.raises(KeyboardInterrupt, match="before the first simulation"):
        run(count=6)


def test_simulations_that_cannot_be_fitted_are_counted(exact: Exact, monkeypatch: pytest.MonkeyPatch) -> None:
    exact()
    simulate = Job.simulate

    def wild(self: Job, k: int) -> Any:
        out = simulate(self, k)
        return out | {"y": out["y"] * np.inf} if k % 3 == 0 else out

    monkeypatch.setattr(Job, "simulate", wild)
    out = run(count=6)
    assert sorted(out.failures) == [0, 3]
    assert "2 simulations have no ranks" in out.verdict
    assert "simulated data are not finite: y" in out.verdict
    monkeypatch.setattr(Job, "simulate", lambda self, k: simulate(self, k) | {"y": np.array([np.nan] * 5)})
    with pytest.raises(gd.FitError, match="none of 2 simulations could be fitted"):
        run(count=2)


def test_missing_elements_stay_missing_and_groups_keep_their_order(exact: Exact) -> None:
    import pandas as pd

    m = gd.Model("gaps")
    group, row = m.plate("group"), m.plate("row")
    of = m.data("of", dims=row, indexes=group)
    u = m.latent("u", gd.Normal(0, 1), dims=group)
    m.observe("y", gd.Normal(u[of], 1), dims=row, missing=gd.Missing.IMPUTE)
    data = {"of": ["b", "a", "b"], "y": pd.Series([1.0, np.nan, 2.0], index=["p", "q", "r"])}
    out = gd.calibrate(m, data, QUICK, backend="pyro", simulations=2, draws=9, processes=1, progress=False)
    assert list(out.ranks) == ["u"]  # imputed elements have no truth in the fit, nor has their likelihood
    assert out.ranks["u"].shape == (2, 2)


def test_a_job_travels_as_json() -> None:
    from gendsl.calibration.calibrate import _job

    g = normal().graph
    job = _job(g, g, {"sigma": SIGMA}, QUICK, "pyro", 1, 9, None)
    back = Job.from_json(job.to_json())
    assert back.head() == job.head()
    assert back.method == QUICK
    first, second = job.run(0), back.run(0)
    assert first["ranks"] == second["ranks"]
    assert "\n" not in job.to_json()


def test_processes_rank_as_one_does(backend: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"count": 9, "draws": 19, "method": QUICK, "backend": backend}
    team = run(processes=2, **options)
    first = run(**options | {"count": 2})
    assert len(team.ess) == 9
    assert np.array_equal(team.ranks["mu"][:2], first.ranks["mu"])
    assert np.array_equal(team.ranks["log_likelihood"][:2], first.ranks["log_likelihood"])


SCRIPT = """
import sys
import gendsl as gd
from tests.predict.test_calibrate import QUICK, run
out = run(count=500, draws=19, method=QUICK, processes=2, path=sys.argv[1])
print("complete" if out.complete else "interrupted", len(out.ess))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_killed_team_leaves_its_file_and_no_process(tmp_path: Path, how: signal.Signals) -> None:
    path = tmp_path / "sbc.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (path.exists() and path.read_bytes().count(b"\n") >= 4):
        time.sleep(0.1)
        assert process.poll() is None
    workers = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
    assert len(workers) == 2
    process.send_signal(how)
    said, _ = process.communicate(timeout=60)
    if how is signal.SIGINT:
        assert said.startswith("interrupted ")
        assert int(said.split()[1]) >= 3
    while time.monotonic() < deadline and any(Path(f"/proc/{w}").exists() for w in workers):
        time.sleep(0.1)
    assert not [w for w in workers if Path(f"/proc/{w}").exists()]
    out = run(count=2, draws=19, method=QUICK, path=path)
    assert np.array_equal(out.ranks["mu"], run(count=2, draws=19, method=QUICK).ranks["mu"])


# -- NUTS itself -----------------------------------------------------------------------------------------------------
ZOO_CASES = ["eight_schools_noncentered", "coins", "robust_regression"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO_CASES)
def test_nuts_on_the_zoo(name: str) -> None:
    """p > 0.01 with 120 simulations."""
    model, data = ZOO[name].build(), ZOO[name].data()
    method = gd.NUTS(chains=1, warmup=300, draws=500)
    out = gd.calibrate(model, data, method, backend="numpyro", simulations=120, seed=1, progress=False)
    assert out.ok, str(out)


@pytest.mark.slow
def test_nuts_on_a_wrong_model() -> None:
    """A model with half the noise that the data have."""

    def build(noise: float) -> gd.Model:
        m = gd.Model("noise")
        mu = m.latent("mu", gd.Normal(0, 1))
        m.observe("y", gd.Normal(mu, noise), dims=m.plate("row", 10))
        return m

    method = gd.NUTS(chains=1, warmup=150, draws=200)
    out = gd.calibrate(
        build(0.5), {}, method, simulator=build(1.0), backend="numpyro", simulations=100, draws=49, progress=False
    )
    assert not out.ok
    assert "too narrow" in out.verdict
