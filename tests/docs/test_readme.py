"""The README's examples, run as they are printed."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gendsl as gd

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.S)
OUTPUTS = re.findall(r"```\n(node .*?)```", README, re.S)


def test_the_first_example_fits(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, Any] = {}
    exec(compile(BLOCKS[0], "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "mu" in printed
    assert "No problem found" in printed
    fit = names["fit"]
    mean = float(fit.idata["posterior"]["mu"].mean())
    sd = 3.31  # the reference's
    assert abs(mean - 4.41) < 0.15 * sd
    assert fit.idata["posterior"]["theta"].dims == ("chain", "draw", "school")
    monkeypatch.chdir(tmp_path)
    exec(compile(BLOCKS[1], "README.md", "exec"), names)
    assert names["replicated"].shape == (4, 1000, 8)
    assert names["ninth"].shape == (4, 1000, 1)
    spread = np.sqrt(12.0**2 + (fit.draws["tau"] ** 2).mean() + fit.draws["mu"].var())
    assert abs(names["ninth"].std() / spread - 1) < 0.1
    assert {"prior", "prior_predictive"} <= set(names["prior"].groups())
    assert {"posterior", "prior", "posterior_predictive", "log_likelihood"} <= set(names["more"].groups())
    assert (tmp_path / "predictive.png").stat().st_size > 10_000


def test_the_printed_program_is_the_emitted_one() -> None:
    names: dict[str, Any] = {}
    exec(compile(BLOCKS[0].split("data = {")[0], "README.md", "exec"), names)
    emitted = names["schools"].compile("pyro").source
    model = next(n for n in ast.parse(emitted).body if isinstance(n, ast.FunctionDef) and n.name == "model")
    model.body = model.body[1:]  # the README leaves the docstring out
    assert ast.dump(model) == ast.dump(ast.parse(BLOCKS[2]).body[0])


def test_the_printed_error_is_the_one_raised() -> None:
    schools = gd.Model("eight_schools")
    mu = schools.latent("mu", gd.Normal(0, 5))
    with pytest.raises(gd.ModelError) as e:
        schools.latent("z", gd.Normal(0, mu))
    ours, printed = str(e.value).splitlines(), OUTPUTS[0].splitlines()
    assert ours[0].split("): ")[1] == printed[0].split("): ")[1]
    assert ours[1:] == printed[1:]


def test_the_language_example_compiles_and_takes_names_and_gaps() -> None:
    names: dict[str, Any] = {"gd": gd}
    exec(compile(BLOCKS[3], "README.md", "exec"), names)
    rng = np.random.default_rng(0)
    y = rng.normal(size=6)
    y[2] = np.nan
    data = {"county_of": ["b", "a", "b", "c", "a", "a"], "x": rng.normal(size=(6, 3)), "y": y}
    for backend in ("pyro", "numpyro"):
        bound = names["m"].compile(backend).bind(data)
        assert list(bound.bound.coords["county"]) == ["a", "b", "c"]
        assert bound.shapes["effect_base"] == (3,)


def test_the_autoencoder_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A smoke test: two prototypes with noise, whose bound is above that of independent pixels."""
    rng = np.random.default_rng(0)
    prototypes = rng.uniform(size=(2, 64)) < 0.5
    x = np.where(rng.uniform(size=(300, 64)) < 0.05, 1.0, 0.0)
    x = np.abs(x - prototypes[rng.integers(0, 2, 300)])
    names: dict[str, Any] = {"gd": gd, "digits": x[:256], "held_out": x[256:]}
    monkeypatch.chdir(tmp_path)
    exec(compile(BLOCKS[4], "README.md", "exec"), names)
    assert names["there"].setting.backend.name == "pyro"
    assert names["codes"].shape == (1, 1000, 44, 8)
    assert names["bound"].kind == "lower bound"
    p = x[:256].mean(0).clip(1e-3, 1 - 1e-3)
    alone = (x[256:] * np.log(p) + (1 - x[256:]) * np.log(1 - p)).sum()
    assert float(names["bound"].value) > alone


@pytest.mark.parametrize("backend", ["pyro", pytest.param("numpyro", marks=pytest.mark.slow)])
def test_the_diffusion_trains(backend: str) -> None:
    """A smoke test, for two steps; on the backend that need not compile it is quick."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(130, 8, 8, 1))
    names: dict[str, Any] = {"gd": gd, "images": images[:128], "held_out": images[128:]}
    text = next(b for b in BLOCKS if "gd.Diffusion(" in b)
    for printed, quick in (
        ("steps=20_000", "steps=2"),
        ('"numpyro"', f'"{backend}"'),
        ("probes=10", "probes=2, steps=4"),
    ):
        assert printed in text
        text = text.replace(printed, quick)
    exec(compile(text, "README.md", "exec"), names)
    assert names["drawn"].shape == (1, 1, 64, 8, 8, 1)
    density = names["density"]
    assert density.kind == "estimate"
    assert density.se > 0
    assert abs(density.value / (2 * 64) + 1.42) < 0.5  # as it starts, nearly the standard normal


def test_energies_and_pushforwards_train() -> None:
    """A smoke test, with fewer steps and shorter chains: two clumps."""
    rng = np.random.default_rng(0)
    cloud = rng.choice([-1.5, 1.5], (400, 1)) + 0.3 * rng.standard_normal((400, 2))
    names: dict[str, Any] = {"gd": gd, "cloud": cloud}
    text = BLOCKS[5].replace("2_000", "200").replace("chains=20", "chains=20, warmup=200, draws=100")
    made, drawn = text.split("energy = ")
    exec(compile(made, "README.md", "exec"), names)
    assert names["x"].shape == (1, 10, 400, 2)
    exec(compile(f"energy = {drawn}", "README.md", "exec"), names)
    assert names["x"].shape == (20, 100, 2)
    assert abs(np.abs(names["x"]).mean() - 1.5) < 0.5


def test_a_class_is_a_context() -> None:
    """Two classes with other means; fewer steps, on the backend that need not compile."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 2, 300)
    cloud = 4.0 * classes[:, None] - 2.0 + 0.3 * rng.standard_normal((300, 2))
    names: dict[str, Any] = {"gd": gd, "np": np, "cloud": cloud, "labels": np.eye(2)[classes]}
    text = next(b for b in BLOCKS if "context=label" in b)
    for printed, quick in (("1_000", "300, optimizer=gd.optim.Adam(0.01)"), ('"numpyro"', '"pyro"')):
        assert printed in text
        text = text.replace(printed, quick)
    exec(compile(text, "README.md", "exec"), names)
    assert names["x"].shape == (1, 1, 100, 2)
    assert abs(names["x"].mean() + 2.0) < 0.3


def test_a_guide_with_parameters_finds_the_posterior(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A linear regression, whose posterior is known; fewer steps, and then some more from the checkpoint."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3))
    y = 0.3 + x @ np.array([1.0, -2.0, 0.5]) + 0.7 * rng.standard_normal(100)
    names: dict[str, Any] = {"gd": gd, "np": np, "x": x, "y": y}
    first = next(k for k, b in enumerate(BLOCKS) if "guide.param(" in b)
    text = BLOCKS[first]
    for printed, quick in (("2_000", "400"), ("Adam(0.01)", "Adam(0.03)"), ('"numpyro"', f'"{backend}"')):
        assert printed in text
        text = text.replace(printed, quick)
    exec(compile(text, "README.md", "exec"), names)
    assert "b[2]" in capsys.readouterr().out
    params = names["fit"].params
    assert set(params) == {"a_loc", "a_scale", "b_loc", "b_scale"}
    design = np.column_stack([np.ones(100), x])
    precision = np.eye(4) + design.T @ design / 0.49
    mean, sd = np.linalg.solve(precision, design.T @ y / 0.49), np.diag(precision) ** -0.5
    got = np.array([params["a_loc"], *params["b_loc"]])
    assert np.abs((got - mean) / sd).max() < 1.0
    assert np.abs(np.array([params["a_scale"], *params["b_scale"]]) / sd - 1).max() < 0.3
    monkeypatch.chdir(tmp_path)
    text = BLOCKS[first + 1]
    for printed, quick in (("2_000", "4"), ("3_000", "6"), ("every=500", "every=2"), ('"numpyro"', f'"{backend}"')):
        assert printed in text
        text = text.replace(printed, quick)
    exec(compile(text, "README.md", "exec"), names)
    assert names["fit"].history.steps[-1] == 6
    assert len(list((tmp_path / "run").glob("step-*.safetensors"))) == 2


def test_what_the_table_of_training_says_can_be_written() -> None:
    """Every expression of it, with a network that gives three numbers."""
    table = README.split("## Training")[1]
    guide = gd.Model("guide")
    for text in ("gd.ELBO(guide=guide, particles=8)", "gd.MLP(())"):
        assert f"`{text}`" in table
        eval(text, {"gd": gd, "guide": guide})
    torch = pytest.importorskip("torch")
    for start in ("gd.ELBO(guide=guide, gradient", "gd.Native(torch"):
        text = next(t for t in re.findall(r"`([^`\n]+)`", table) if t.startswith(start))
        made = eval(text, {"gd": gd, "guide": guide, "torch": torch})
    assert made.torch((5,)).weight.shape == (made.out, 5)


def test_the_autoencoder_trains_on_the_other_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).integers(0, 2, (200, 64)).astype(float)
    names: dict[str, Any] = {"gd": gd, "digits": x[:150], "held_out": x[150:]}
    monkeypatch.chdir(tmp_path)
    text = BLOCKS[4].replace('to("pyro")', 'to("numpyro")').replace('"numpyro")\nbound', '"pyro")\nbound')
    assert 'backend="pyro"' in text
    exec(compile(text.replace("steps=500", "steps=2"), "README.md", "exec"), names)
    assert names["bound"].kind == "lower bound"
    assert names["there"].setting.backend.name == "numpyro"


def test_what_the_table_says_can_be_written() -> None:
    """Every expression of the table declares and obeys its words."""
    m = gd.Model("table")
    t = m.plate("t")
    y, x = m.data("y", dims=t), m.data("x", dims=t)
    times = m.data("times", dims=t)
    mu = m.latent("mu", gd.Normal(0, 2).expand(2), constraint=gd.ordered)
    alpha = m.latent("alpha", gd.Uniform(0, 1))
    s = m.latent("s", gd.Uniform(0, 1 - alpha))
    w = m.latent("w", gd.Dirichlet(np.ones(2)))
    A = m.latent("A", gd.Dirichlet(np.ones((2, 2))))
    late = t >= 2
    assert y[late].dims == gd.lag(y, 1, late).dims == (late.name,)
    assert x.rename(t="t2").dims == ("t2",)
    _, out = gd.scan(lambda c, v: (c + v * s, c), 0.0, y, dim=t)
    assert out.dims == ("t",)
    assert gd.odeint(lambda v, _: -s * v, 1.0, times).dims == ("t",)
    m.observe("a", gd.Markov(gd.Normal(0, 1), lambda v: gd.Normal(v, s + 0.1), dim=t), dims=t)
    m.observe("b", gd.HiddenMarkov(w, A, gd.Normal(mu, 1.0), dim=t), dims=t)
    m.observe("c", gd.GaussianProcess(gd.kernel.Matern(nu=1.5, length=s), x, noise=s), dims=t)
    m.observe("d", gd.Mixture(w, gd.Normal(mu, 1.0)), dims=t)
    m.observe("e", gd.Mixture(w, [gd.Normal(0, 1), gd.StudentT(3)]), dims=t)
    assert gd.Model.from_json(m.to_json()) == m
