"""Pictures of fits: each chain and each divergence is there; few and many scalars are readable; no state is left."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import gendsl as gd
from gendsl.backend import Draws
from gendsl.fit import Fit
from gendsl.results.plots.chains import _autocorrelation, _ranks
from gendsl.results.plots.style import chain_colors
from gendsl.results.scalars import ks_distance, most_different, of_draws, scalars, split_rhat, unconstrained
from tests.predict.exact import fit_of, prior_fit


def many(size: int, chains: int = 4, draws: int = 60, diverging: int = 0, seed: int = 0) -> Fit:
    """`size` scalars in a vector and one beside, all independent normals, as if NUTS had drawn them."""
    rng = np.random.default_rng(seed)
    m = gd.Model("many")
    place = m.plate("place", size, coords=[f"p${k}" for k in range(size)])
    m.latent("s", gd.HalfNormal(1))
    m.latent("x", gd.Normal(0, 1), dims=place)
    x, s = rng.normal(size=(chains, draws, size)), np.abs(rng.normal(size=(chains, draws)))
    out = fit_of(m, {}, "pyro", {"s": s, "x": x})
    mark = np.zeros((chains, draws), bool)
    mark.ravel()[rng.choice(mark.size, diverging, replace=False)] = True
    out.raw = Draws({"s": np.log(s), "x": x}, {"diverging": mark, "energy": rng.normal(size=(chains, draws))})
    return out


def heads(figure: Figure) -> str:
    return figure.get_suptitle()


def legend(figure: Figure) -> list[str]:
    return [t.get_text() for box in figure.legends for t in box.get_texts()]


def marks(ax: Any) -> np.ndarray:
    return np.concatenate([np.zeros(0), *(line.get_xdata() for line in ax.lines if line.get_gid() == "divergences")])


@pytest.mark.parametrize("kind", list(gd.Plot))
@pytest.mark.parametrize("fit", [many(1, chains=1, draws=8), many(90, diverging=30)], ids=["one", "ninety"])
def test_every_kind_can_be_saved(kind: gd.Plot, fit: Fit) -> None:
    figure = fit.plot(kind)
    figure.savefig(io.BytesIO(), format="png", dpi=40)
    assert max(figure.get_size_inches()) < 25
    assert heads(figure).startswith("many: ")


def test_a_trace_has_a_line_a_chain_and_marks_divergences() -> None:
    fit = many(2, diverging=5)
    figure = fit.plot(names=["x"])
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["x[p$0]", "", "x[p$1]", ""]
    for k, (left, right) in enumerate(np.reshape(figure.axes, (2, 2))):
        lines = [line for line in right.lines if str(line.get_gid()).startswith("trace:")]
        assert [np.array_equal(line.get_ydata(), fit.draws["x"][c, :, k]) for c, line in enumerate(lines)] == [True] * 4
        assert len({line.get_color() for line in lines}) == 4
        assert sorted(marks(right)) == sorted(np.nonzero(fit.raw.stats["diverging"])[1])
        assert sorted(marks(left)) == sorted(fit.draws["x"][..., k][fit.raw.stats["diverging"]])
    assert legend(figure) == ["chain 0", "chain 1", "chain 2", "chain 3", "5 divergences"]
    assert legend(many(2).plot())[-1] == "chain 3"


def test_many_scalars_are_cut_to_those_whose_chains_differ_most() -> None:
    fit = many(90)
    fit.draws["x"][2, :, [5, 70]] += 3
    titles = [ax.get_title(loc="left") for ax in fit.plot().axes if ax.get_title(loc="left")]
    assert len(titles) == 16
    assert {"s", "x[p$5]", "x[p$70]"} <= set(titles)
    assert "16 of 91 scalars: those whose chains differ most; names=[...] shows others" in heads(fit.plot())
    assert heads(many(3).plot()) == "many: densities and traces"


def test_pairs_show_where_divergences_are() -> None:
    fit = many(9)
    fit.raw.stats["diverging"] = fit.draws["x"][..., 6] > 1.5
    figure = fit.plot(gd.Plot.PAIR)
    assert "6 of 10 scalars: those that divergent draws differ most in" in heads(figure)
    names = [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]
    assert len(names) == 6
    assert {"s", "x[p$6]"} <= set(names)
    at = names.index("x[p$6]")
    ax = figure.axes[at * 6]
    above = next(line for line in ax.lines if line.get_gid() == "divergences").get_ydata()
    assert len(above) == fit.raw.stats["diverging"].sum()
    assert above.min() > 1.5


def test_pairs_of_what_the_sampler_moves() -> None:
    fit = many(1)
    figure = fit.plot(gd.Plot.PAIR, ["s", "x"], unconstrained=True)
    below = figure.axes[2]
    assert (below.get_xlabel(), below.get_ylabel()) == ("unconstrained s", "unconstrained x[0]")
    assert np.array_equal(below.lines[0].get_xdata(), np.log(fit.draws["s"]).ravel())


def test_what_stands_for_a_latent_is_shown_under_its_name() -> None:
    """Non-centred, or drawn between bounds; and no other latent whose name begins alike."""
    m = gd.Model("moved")
    s = m.latent("s", gd.HalfNormal(1))
    m.latent("x_base", gd.Normal(0, 1))
    m.latent("x", gd.Normal(0, s))
    m.latent("y", gd.Uniform(0, s))
    fit = prior_fit(m, {}, "pyro", 40)
    for name, site in (("x", "x_base_2"), ("y", "y_unit"), ("s", "s"), ("x_base", "x_base")):
        found = unconstrained(fit, [name])
        assert found.labels == (f"unconstrained {site}",)
        assert np.array_equal(found.draws[0], fit.raw.unconstrained[site])


def test_a_scale_over_decades_has_a_logarithmic_axis() -> None:
    fit = many(1)
    assert fit.plot(gd.Plot.PAIR).axes[2].get_xscale() == "log"
    fit.draws["s"] += 1
    assert fit.plot(gd.Plot.PAIR).axes[2].get_xscale() == "linear"


def test_ranks_are_even_where_chains_agree() -> None:
    fit = many(1, draws=2000)
    fit.draws["s"][1] += 1
    one, other = fit.plot(gd.Plot.RANK).axes[:2]
    assert one.get_title(loc="left") == "s"
    share = [[np.asarray(p.get_data().values) for p in ax.patches if hasattr(p, "get_data")] for ax in (one, other)]
    assert [len(s) for s in share] == [4, 4]
    assert max(np.abs(s - 1).max() for s in share[1]) < 0.35
    assert np.ptp(share[0][1]) > 1
    assert np.allclose([s.mean() for s in share[0]], 1)


def test_intervals_are_quantiles_and_bad_mixing_is_red() -> None:
    fit = many(3, draws=400)
    fit.draws["x"][0, :, 1] += 2
    figure = fit.plot(gd.Plot.FOREST)
    left, right = figure.axes[2], figure.axes[3]
    assert [t.get_text() for t in left.get_yticklabels()] == ["x[p$0]", "x[p$1]", "x[p$2]"]
    wide = left.collections[0].get_segments()
    assert np.allclose(wide[2][:, 0], np.quantile(fit.draws["x"][..., 2], [0.03, 0.97]))
    assert right.lines[1].get_ydata().tolist() == [1]


def test_the_energy_needs_an_energy() -> None:
    fit = many(2, draws=500)
    left, right = fit.plot(gd.Plot.ENERGY).axes
    assert len(left.lines) == 2
    assert len(right.patches) == 4
    assert min(p.get_height() for p in right.patches) > 1  # independent energies: var(dE) = 2 var(E)


def test_chains_that_do_not_move_and_scalars_that_never_vary() -> None:
    fit = many(3)
    fit.draws["x"][1, :, 0] = 0.5
    fit.draws["x"][..., 2] = 1.0
    fit.draws["s"][0, 3] = np.inf
    figure = fit.plot()
    assert [ax.get_title(loc="left") for ax in figure.axes[::2]] == ["x[p$0]", "x[p$1]"]
    assert "left out: 2 that never vary or are not finite" in heads(figure)
    assert figure.axes[0].lines[1].get_xdata() == [0.5, 0.5]
    fit.draws["x"][:] = 0.0
    assert not fit.plot().axes


def test_pyplot_knows_nothing_of_the_figures() -> None:
    import matplotlib
    import matplotlib.pyplot as plt

    before, settings = plt.get_fignums(), dict(matplotlib.rcParams)
    for kind in gd.Plot:
        many(2, diverging=3).plot(kind).savefig(io.BytesIO(), dpi=30)
    assert plt.get_fignums() == before
    assert dict(matplotlib.rcParams) == settings


def test_a_run_has_all_kinds(fitted: Callable[[str, str], Fit], backend: str) -> None:
    for kind in gd.Plot:
        assert fitted("schools", backend).plot(kind).axes
    assert len(fitted("schools", backend).plot(gd.Plot.PAIR, ["theta"], unconstrained=True).axes) == 36


# -- parts ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("chains", [1, 2, 4, 7, 12])
def test_chains_are_told_apart(chains: int) -> None:
    colors = np.array([to_rgb(c) for c in chain_colors(chains)])
    assert len(colors) == chains
    if chains > 7:  # ever lighter
        assert (np.diff(colors @ [0.299, 0.587, 0.114]) > 0.02).all()
        return
    # Red and green as one channel, as the commonest colour blindness has them.
    seen = np.column_stack([0.6 * colors[:, 0] + 0.4 * colors[:, 1], colors[:, 2]])
    gaps = np.linalg.norm(seen[:, None] - seen, axis=-1)[~np.eye(chains, dtype=bool)]
    assert not gaps.size or gaps.min() > 0.12


def test_labels_are_those_of_the_summary() -> None:
    fit = many(3)
    assert list(scalars(fit).labels) == list(fit.summary().index)


def test_autocorrelations_and_ranks() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=50)
    c = x - x.mean()
    assert np.allclose(_autocorrelation(x)[:5], [(c[: 50 - k] * c[k:]).sum() / (c * c).sum() for k in range(5)])
    assert _ranks(np.array([[3.0, 1.0], [1.0, 9.0]])).tolist() == [[3.0, 1.5], [1.5, 4.0]]


def test_distances_between_marked_and_other_draws() -> None:
    x = np.array([[[0.0, 1.0, 2.0, 3.0]], [[0.0, 2.0, 1.0, 3.0]], [[5.0, 5.0, 5.0, 5.0]]])
    mark = np.array([[True, True, False, False]])
    assert ks_distance(x, mark).tolist() == [1.0, 0.5, 0.0]


def test_the_most_different_of_each_site_come_first() -> None:
    found = of_draws({"a": np.zeros((1, 2, 3)), "b": np.zeros((1, 2))}, {"a": [range(3)], "b": []})
    chosen, rest = most_different(found, 2, np.array([3.0, 9.0, 5.0, 1.0]))
    assert (chosen.labels, rest) == (("a[1]", "b"), 2)
    chosen, rest = most_different(found, 3, np.array([3.0, 9.0, 5.0, 1.0]))
    assert (chosen.labels, rest) == (("a[1]", "a[2]", "b"), 1)


def test_quick_rhat_is_arvizs() -> None:
    import arviz

    x = np.random.default_rng(0).normal(size=(3, 4, 100)) + np.arange(4)[:, None] * np.arange(3)[:, None, None]
    slow = [float(arviz.rhat(v, method="split")) for v in x]
    assert np.allclose(split_rhat(x), slow)
