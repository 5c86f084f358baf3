"""What `gd.Train()` trains for where a model declares no objective: by what its families offer, and at what cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gendsl as gd
from gendsl.objectives.choose import default_objective

H = (4,)


def _two() -> gd.Distribution:
    return gd.Normal(0, 1).expand(2)


def _diffusion(**options: Any) -> gd.Distribution:
    return gd.Diffusion(**({"process": gd.VP(), "network": gd.MLP(2, hidden=H), "event": 2} | options))


def _observes(*dists: gd.Distribution, **options: Any) -> gd.Model:
    m = gd.Model("observes")
    for k, d in enumerate(dists):
        m.observe(f"x{k}", d, dims=m.plate("row") if k == 0 else "row", **options)
    return m


def _velocity() -> gd.Distribution:
    return _diffusion(process=gd.Rectified(), predicts=gd.Predicts.VELOCITY)


def _latent() -> gd.Model:
    m = gd.Model("latent")
    m.observe("x", gd.Normal(m.latent("z", _diffusion()), 1.0), dims=m.plate("row"))
    return m


CASES = {
    "normal": (lambda: _observes(_two()), "MaximumLikelihood"),
    "flow": (lambda: _observes(gd.Flow(_two(), gd.flows.nsf(2))), "MaximumLikelihood"),
    "diffusion": (lambda: _observes(_diffusion()), "DenoisingScoreMatching"),
    "velocity": (lambda: _observes(_velocity(), _velocity()), "FlowMatching"),
    "both": (lambda: _observes(_diffusion(), _velocity()), "DenoisingScoreMatching"),
    "diffusion beside a normal": (lambda: _observes(_diffusion(), _two()), "MaximumLikelihood"),
    "diffusion with gaps": (lambda: _observes(_diffusion(), missing=gd.Missing.MASK), "MaximumLikelihood"),
    "energy": (lambda: _observes(gd.Energy(gd.MLP(1, hidden=H), 2)), "SlicedScoreMatching"),
    "latent": (_latent, "ELBO"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_one_that_is_meant(name: str) -> None:
    build, wanted = CASES[name]
    m = build()
    assert type(default_objective(m.graph)).__name__ == wanted
    assert f"gd.Train() trains for {default_objective(m.graph)}, for no objective is declared" in str(m.explain())


def test_a_declared_one_is_meant() -> None:
    m = _observes(_diffusion())
    m.objective(gd.MaximumLikelihood())
    assert "gd.Train() trains for MaximumLikelihood(), as declared" in str(m.explain())


def test_a_pushforward_asks_for_a_critic() -> None:
    m = _observes(gd.Pushforward(_two(), gd.MLP(2, hidden=H)))
    with pytest.raises(gd.FitError, match="those that apply have parts to be chosen") as e:
        m.fit({"x0": np.zeros((3, 2))}, gd.Train(steps=1), backend="pyro", progress=False)
    assert e.value.needed == "one of gd.GAN, gd.WGAN"
    assert e.value.fix == "m.objective(gd.WGAN(critic=gd.MLP(1)))"
    assert "trains for nothing: model 'observes' declares no objective" in str(m.explain())


def test_where_none_applies_the_nearest_says_why() -> None:
    pushed = gd.Pushforward(_two(), gd.MLP(2, hidden=H))
    for d, words in ((gd.Energy(gd.MLP(1, hidden=H), 2), "gd.SlicedScoreMatching learns"), (pushed, "gd.WGAN learns")):
        with pytest.raises(gd.FitError, match=f"{words} from whole rows"):
            default_objective(_observes(d, missing=gd.Missing.MASK).graph)


def test_the_fit_says_which(backend: str) -> None:
    fit = _observes(_velocity()).fit({"x0": np.zeros((3, 2))}, gd.Train(steps=1), backend=backend, progress=False)
    assert isinstance(fit.objective, gd.FlowMatching)
    assert "by FlowMatching on" in repr(fit)


def test_a_diffusion_that_comes_to_be_learnt_by_its_likelihood_is_warned_of() -> None:
    data = {"x0": np.array([[0.1, 0.2], [np.nan, np.nan]])}
    few = gd.ProbabilityFlow(steps=2, probes=1)
    made = _observes(_diffusion(flow=few), missing=gd.Missing.MASK)
    with pytest.warns(gd.GendslWarning, match="'x0' is learnt by its likelihood, which solves an equation") as found:
        fit = made.fit(data, gd.Train(steps=1), backend="pyro", progress=False)
    assert isinstance(fit.objective, gd.MaximumLikelihood)
    assert "gd.DenoisingScoreMatching does not apply" in str(found[0].message)
    made.objective(gd.MaximumLikelihood())
    made.fit(data, gd.Train(steps=1), backend="pyro", progress=False)  # as it was asked for
