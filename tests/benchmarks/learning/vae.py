"""A step of a VAE of the size of digits, against SVI of programs written by hand."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import numpyro
import numpyro.distributions as nd
import pyro
import pyro.distributions as pd
import torch
from pyro.infer import Trace_ELBO

import gendsl as gd
from tests.benchmarks.learning import svi
from tests.benchmarks.learning.turns import Against, bind, loss_of, same, train

__all__ = ["measure", "vae"]

PIXELS, HIDDEN, LATENT, BATCH, ROWS = 64, (128, 128), 8, 128, 1797
_GOAL = 1.03


def vae() -> gd.Model:
    """z ~ N(0, I), x ~ Bernoulli(decoder(z)), with an encoder as guide."""
    encoder = gd.Model("encoder")
    x = encoder.data("x", dims=encoder.plate("image"), event=(PIXELS,))
    h = encoder.network("encoder", gd.MLP(2 * LATENT, hidden=HIDDEN))(x)
    loc, raw = gd.split(h, 2)
    encoder.latent("z", gd.Normal(loc, gd.softplus(raw)), dims="image")
    m = gd.Model("vae")
    image = m.plate("image")
    decoder = m.network("decoder", gd.MLP(PIXELS, hidden=HIDDEN))
    z = m.latent("z", gd.Normal(0, 1).expand(LATENT), dims=image)
    m.observe("x", gd.Bernoulli(logits=decoder(z)), dims=image)
    m.objective(gd.ELBO(guide=encoder))
    return m


def measure() -> list[Against]:
    """On both backends."""
    data = {"x": np.random.default_rng(0).integers(0, 2, (ROWS, PIXELS)).astype(np.float32)}
    out = []
    for backend in ("pyro", "numpyro"):
        made = bind(vae(), data, backend, True)
        params = {k: np.asarray(v, np.float32) for k, v in made.game.initial_params(0).items()}
        eps = np.random.default_rng(1).normal(size=(BATCH, LATENT)).astype(np.float32)
        ours = loss_of(made, backend, params, {"z": eps[None]}, np.arange(BATCH))
        loops = (_pyro if backend == "pyro" else _numpyro)(data["x"], params, eps, ours)
        out += train(f"VAE step, {backend}", made, backend, loops, batch=BATCH)
    return out


# -- on Pyro --------------------------------------------------------------------------------------------------------
def _sequential(widths: tuple[int, ...], params: dict[str, np.ndarray], name: str) -> torch.nn.Sequential:
    layers: list[torch.nn.Module] = []
    for k, (a, b) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
        layers += [torch.nn.Linear(a, b), torch.nn.SiLU()]
        layers[-2].load_state_dict({p: torch.tensor(params[f"{name}.layers.{k}.{p}"]) for p in ("weight", "bias")})
    return torch.nn.Sequential(*layers[:-1])


def _pyro(data: np.ndarray, params: dict[str, np.ndarray], eps: np.ndarray, ours: float) -> Any:
    encoder = _sequential((PIXELS, *HIDDEN, 2 * LATENT), params, "encoder")
    decoder = _sequential((LATENT, *HIDDEN, PIXELS), params, "decoder")

    def model(x: torch.Tensor) -> None:
        pyro.module("decoder", decoder)
        with pyro.plate("image", x.shape[0]):
            z = pyro.sample("z", pd.Normal(x.new_zeros(LATENT), 1.0).expand([x.shape[0], LATENT]).to_event(1))
            pyro.sample("x", pd.Bernoulli(logits=decoder(z)).to_event(1), obs=x)

    def guide(x: torch.Tensor) -> None:
        pyro.module("encoder", encoder)
        with pyro.plate("image", x.shape[0]):
            loc, raw = encoder(x).chunk(2, -1)
            pyro.sample("z", pd.Normal(loc, torch.nn.functional.softplus(raw)).to_event(1))

    pyro.clear_param_store()
    rows = torch.tensor(data)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = torch.normal(torch.zeros(BATCH, LATENT), torch.ones(BATCH, LATENT))
        torch.manual_seed(0)
        theirs = Trace_ELBO().loss(model, guide, rows[:BATCH]) / BATCH
    made = bind(vae(), {"x": data}, "pyro", True)
    same("Pyro", loss_of(made, "pyro", params, {"z": drawn.numpy()[None]}, np.arange(BATCH)), theirs)
    return svi.pyro_loops(model, guide, (rows,), BATCH, _GOAL)


# -- on NumPyro -----------------------------------------------------------------------------------------------------
def _perceptron(layers: Any, x: Any) -> Any:
    for weight, bias in layers[:-1]:
        x = jax.nn.silu(x @ weight + bias)
    return x @ layers[-1][0] + layers[-1][1]


def _numpyro(data: np.ndarray, params: dict[str, np.ndarray], eps: np.ndarray, ours: float) -> Any:
    def first(name: str) -> Any:
        arrays = [(params[f"{name}.layers.{k}.weight"].T, params[f"{name}.layers.{k}.bias"]) for k in range(3)]
        return jax.tree.map(jax.numpy.asarray, arrays)

    encoder, decoder = first("encoder"), first("decoder")

    def posterior(x: Any, layers: Any) -> Any:
        loc, raw = jax.numpy.split(_perceptron(layers, x), 2, -1)
        return loc, jax.nn.softplus(raw)

    def model(x: Any) -> None:
        layers = numpyro.param("decoder", decoder)
        with numpyro.plate("image", x.shape[0]):
            z = numpyro.sample("z", nd.Normal(jax.numpy.zeros(LATENT), 1.0).to_event(1))
            numpyro.sample("x", nd.Bernoulli(logits=_perceptron(layers, z)).to_event(1), obs=x)

    def guide(x: Any) -> None:
        layers = numpyro.param("encoder", encoder)
        with numpyro.plate("image", x.shape[0]):
            numpyro.sample("z", nd.Normal(*posterior(x, layers)).to_event(1))

    x = data[:BATCH]
    loc, scale = posterior(x, encoder)
    given = numpyro.handlers.substitute(guide, {"z": loc + scale * eps})
    elbo = numpyro.infer.Trace_ELBO()
    same("NumPyro", ours, float(elbo.loss(jax.random.PRNGKey(0), {}, model, given, x)) / BATCH)
    return svi.numpyro_loops(model, guide, (data,), BATCH, _GOAL)
