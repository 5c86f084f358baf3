"""Networks against the libraries' own modules with the same numbers, and starts against their distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from gendsl.backend import get_backend
from gendsl.networks import MLP, Activation, ConvNet, Fourier, Init, Parameter, Sinusoidal, Transformer
from gendsl.networks.layers import attention
from gendsl.networks.parameter import attention as attention_parameters
from gendsl.networks.parameter import draw
from gendsl_numpyro.networks import LAYERS as JAX
from gendsl_pyro.networks import LAYERS as TORCH
from gendsl_pyro.networks import network

RNG = np.random.default_rng(0)


def tensors(params: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {k: torch.tensor(v) for k, v in params.items()}


def test_mlp_is_torch_sequential() -> None:
    spec = MLP(3, hidden=(5, 4), activation=Activation.GELU)
    params = tensors(spec.init((2,), 0))
    parts = [torch.nn.Linear(2, 5), torch.nn.GELU(), torch.nn.Linear(5, 4), torch.nn.GELU(), torch.nn.Linear(4, 3)]
    module = torch.nn.Sequential(*parts).double()
    names = {"0": "layers.0", "2": "layers.1", "4": "layers.2"}
    module.load_state_dict({k: params[f"{names[k[0]]}.{k[2:]}"] for k in module.state_dict()})
    x = torch.tensor(RNG.standard_normal((7, 2)))
    torch.testing.assert_close(
        network(spec, event=(2,), name="f")({f"f.{k}": v for k, v in params.items()}, x), module(x)
    )


def test_mlp_is_equinox_mlp() -> None:
    import equinox as eqx
    import jax

    from gendsl_numpyro.networks import network as place

    with jax.enable_x64(True):
        spec = MLP(3, hidden=(5, 5))
        params = spec.init((2,), 0, "f.")
        module = eqx.nn.MLP(2, 3, 5, 2, activation=jax.nn.silu, key=jax.random.key(0))
        flat = [params[f"f.layers.{k}.{part}"] for k in range(3) for part in ("weight", "bias")]
        places = lambda m: [getattr(layer, part) for layer in m.layers for part in ("weight", "bias")]  # noqa: E731
        module = eqx.tree_at(places, module, [jax.numpy.asarray(v) for v in flat])
        x = jax.numpy.asarray(RNG.standard_normal((7, 2)))
        ours = place(spec, event=(2,), name="f")({k: jax.numpy.asarray(v) for k, v in params.items()}, x)
        np.testing.assert_allclose(ours, jax.vmap(module)(x), rtol=1e-12)


@pytest.mark.parametrize("size", [4, 5])
def test_conv_net_is_torch_sequential(size: int) -> None:
    spec = ConvNet(2, channels=(4, 6), groups=2)
    params = tensors(spec.init((size, size, 3), 0))
    at = math.ceil(math.ceil(size / 2) / 2)
    module = torch.nn.Sequential(
        *(torch.nn.Conv2d(3, 4, 3, 2, 1), torch.nn.GroupNorm(2, 4), torch.nn.SiLU()),
        *(torch.nn.Conv2d(4, 6, 3, 2, 1), torch.nn.GroupNorm(2, 6), torch.nn.SiLU()),
    ).double()
    names = {"0": "stages.0.conv", "1": "stages.0.norm", "3": "stages.1.conv", "4": "stages.1.norm"}
    module.load_state_dict({k: params[f"{names[k[0]]}.{k[2:]}"] for k in module.state_dict()})
    x = torch.tensor(RNG.standard_normal((7, size, size, 3)))
    h = module(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).reshape(7, at * at * 6)
    y = h @ params["last.weight"].T + params["last.bias"]
    torch.testing.assert_close(spec.apply(TORCH, params, x), y)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_torch_multihead_attention(causal: bool) -> None:
    params = draw(attention_parameters("a", 8), 0)
    p = tensors(params)
    module = torch.nn.MultiheadAttention(8, 2, batch_first=True).double()
    module.load_state_dict(
        {
            "in_proj_weight": torch.cat([p[f"a.{k}.weight"] for k in ("query", "key", "value")]),
            "in_proj_bias": torch.cat([p["a.query.bias"], torch.zeros(8), p["a.value.bias"]]),
            "out_proj.weight": p["a.out.weight"],
            "out_proj.bias": p["a.out.bias"],
        }
    )
    x = torch.tensor(RNG.standard_normal((3, 5, 8)))
    mask = torch.nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64) if causal else None
    expected = module(x, x, x, attn_mask=mask, need_weights=False)[0]
    torch.testing.assert_close(attention(TORCH, p, "a", x, 2, causal), expected)


def test_layer_norm_and_embedding_are_torch_modules() -> None:
    p = {"n.weight": RNG.standard_normal(6), "n.bias": RNG.standard_normal(6), "e.weight": RNG.standard_normal((4, 6))}
    x, index = RNG.standard_normal((3, 6)), np.array([[3, 0], [1, 1]])
    norm = torch.nn.LayerNorm(6).double()
    norm.load_state_dict({k: torch.tensor(p[f"n.{k}"]) for k in ("weight", "bias")})
    b = get_backend("numpyro")
    with b.context("float64"):
        q = {k: b.array(v, "float64") for k, v in p.items()}
        np.testing.assert_allclose(JAX.layer_norm(q, "n", b.array(x, "float64")), norm(torch.tensor(x)).detach(), 1e-12)
        np.testing.assert_array_equal(JAX.embedding(q, "e", b.array(index, "float64")), p["e.weight"][index])


def test_a_transformer_without_positions_commutes_with_permutations() -> None:
    spec = Transformer(2, width=8, heads=2, blocks=1, positions=False)
    params, x = tensors(spec.init((5, 3), 0)), torch.tensor(RNG.standard_normal((5, 3)))
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(spec.apply(TORCH, params, x[order]), spec.apply(TORCH, params, x)[order])
    told = Transformer(2, width=8, heads=2, blocks=1)
    params = tensors(told.init((5, 3), 0))
    assert not torch.allclose(told.apply(TORCH, params, x[order]), told.apply(TORCH, params, x)[order])


# -- time -------------------------------------------------------------------------------------------------------------
def test_features_of_time() -> None:
    from scipy.stats import norm

    ops, t = TORCH.ops, torch.tensor([0.0, 0.3]).double()
    features = Sinusoidal(size=6, scale=100.0, period=1e4).features(ops, t)
    w = 100.0 * np.array([1.0, 1e-2, 1e-4])
    expected = np.concatenate([np.sin(np.outer(t, w)), np.cos(np.outer(t, w))], -1)
    np.testing.assert_allclose(features, expected, atol=1e-12)
    w = 2 * math.pi * 3.0 * norm.ppf(0.5 + (np.arange(4) + 0.5) / 8)
    expected = np.concatenate([np.sin(np.outer(t, w)), np.cos(np.outer(t, w))], -1)
    np.testing.assert_allclose(Fourier(size=8, scale=3.0).features(ops, t), expected, atol=1e-12)


def test_inner_products_of_fourier_features_are_a_gaussian_kernel() -> None:
    spec = Fourier(size=4000, scale=0.7)
    t = torch.tensor([0.0, 0.1, 0.5]).double()
    f = spec.features(TORCH.ops, t) / math.sqrt(2000)
    expected = torch.exp(-0.5 * (2 * math.pi * 0.7 * t) ** 2)
    torch.testing.assert_close(f @ f[0], expected, atol=1e-4, rtol=0.0)


# -- starts -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("parameter", "variance"),
    [
        (Parameter((200, 300), Init.UNIFORM, 0.2), 0.2**2 / 3),
        (Parameter((200, 300), Init.NORMAL, 0.3), 0.3**2),
    ],
)
def test_starts_have_their_distribution(parameter: Parameter, variance: float) -> None:
    x = parameter.draw(4, "w")
    count = x.size
    fourth = np.mean((x - x.mean()) ** 4)
    assert abs(x.mean()) < 4 * math.sqrt(variance / count)
    assert abs(x.var() - variance) < 4 * math.sqrt((fourth - variance**2) / count)
    other = [parameter.draw(4, "v"), parameter.draw(5, "w")]
    np.testing.assert_array_equal(x, parameter.draw(4, "w"))
    for y in other:
        assert abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) < 4 / math.sqrt(count)


def test_starts_have_the_bounds_of_torch() -> None:
    torch.manual_seed(0)
    start, module = MLP(40, hidden=(500,)).init((30,), 0), torch.nn.Linear(30, 500)
    for name, p in module.named_parameters():
        for x in (start[f"layers.0.{name}"], p.detach().numpy()):
            assert 0.97 < np.abs(x).max() * math.sqrt(30) <= 1.0


def test_a_start_depends_on_seed_and_full_name_alone() -> None:
    small, large = MLP(3, hidden=(5,)).init((2,), 7, "f."), MLP(4, hidden=(5, 6)).init((2,), 7, "f.")
    np.testing.assert_array_equal(small["f.layers.0.weight"], large["f.layers.0.weight"])
    assert np.any(small["f.layers.0.weight"] != MLP(3, hidden=(5,)).init((2,), 7, "g.")["g.layers.0.weight"])
