"""Types of recurrences, differential equations, Markov chains, hidden Markov chains and Gaussian processes."""

from __future__ import annotations

import numpy as np
import pytest

import gendsl as gd
from gendsl.graph.node import Subgraph
from gendsl.graph.types import DType


@pytest.fixture
def m() -> gd.Model:
    m = gd.Model("m")
    t, i = m.plate("t"), m.plate("i")
    m.data("y", dims=t)
    m.data("panel", dims=(i, t), event=2)
    m.latent("phi", gd.Normal(0, 1))
    m.latent("a", gd.Normal(0, 1), dims=i)
    return m


# -- scan -------------------------------------------------------------------------------------------------------------
def test_scan_stacks_outputs_along_the_plate(m: gd.Model) -> None:
    last, out = gd.scan(lambda c, y: (m["phi"] * c + y, gd.stack([c, y])), 0.0, m["y"], dim="t")
    assert (last.dims, last.event) == ((), ())
    assert (out.dims, out.event) == (("t",), (2,))


def test_scan_carries_the_dims_that_its_step_brings(m: gd.Model) -> None:
    last, out = gd.scan(lambda c, y: (m["a"] * c + y, c), 0.0, m["y"], dim="t")
    assert last.dims == ("i",)
    assert set(out.dims) == {"i", "t"}


def test_scan_widens_a_scalar_start_to_the_event(m: gd.Model) -> None:
    last, out = gd.scan(lambda c, y: (c + y, c), 0.0, m["panel"], dim="t")
    assert (last.dims, last.event) == (("i",), (2,))
    assert (set(out.dims), out.event) == ({"i", "t"}, (2,))


def test_scan_of_several_carries_and_outputs(m: gd.Model) -> None:
    (c, d), (u, v) = gd.scan(lambda s, y: ((s[0] + y, s[1]), (s[0], y)), (0.0, 1.0), m["y"], dim="t")
    assert c.dims == d.dims == ()
    assert u.dims == v.dims == ("t",)


def test_scan_promotes_an_integer_start(m: gd.Model) -> None:
    last, _ = gd.scan(lambda c, y: (c + y, c), 0, m["y"], dim="t")
    assert last.dtype is DType.FLOAT


def test_scan_without_sequences(m: gd.Model) -> None:
    t = m.plate("s", size=4)
    last, out = gd.scan(lambda c: (m["phi"] * c, c), 1.0, dim=t)
    assert (last.dims, out.dims) == ((), ("s",))


def test_scan_over_two_lags(m: gd.Model) -> None:
    t = gd.Plate(m._builder, "t")
    late = t >= 2
    y = m["y"]
    _, out = gd.scan(
        lambda e, a, b, c: (a - b - c - e, e), 0.0, y[late], gd.lag(y, 1, late), gd.lag(y, 2, late), dim=late
    )
    assert out.dims == ("t_from_2",)


def test_the_step_captures_outer_values_once(m: gd.Model) -> None:
    gd.scan(lambda c, y: (m["phi"] * c + m["phi"] * y, c), 0.0, m["y"], dim="t")
    (node,) = [n for n in m.graph.nodes if n.op == "scan"]
    step = node.attr["step"]
    assert isinstance(step, Subgraph)
    assert len(step.inputs) == 3  # carry, element, phi
    assert [m.graph.nodes[a].name for a in node.args[2:]] == ["phi"]


def test_what_does_not_depend_on_the_carry_is_computed_outside(m: gd.Model) -> None:
    gd.scan(lambda c, y: (gd.exp(m["phi"]) * c, c), 0.0, m["y"], dim="t")
    (node,) = [n for n in m.graph.nodes if n.op == "scan"]
    assert "exp" not in [n.op for n in node.attr["step"].nodes]
    assert "exp" in [n.op for n in m.graph.nodes]


# -- odeint -----------------------------------------------------------------------------------------------------------
def test_odeint_along_a_plate(m: gd.Model) -> None:
    out = gd.odeint(lambda y, s: gd.stack([y[1], -m["phi"] * y[0]]), np.array([1.0, 0.0]), m["y"])
    assert (out.dims, out.event) == (("t",), (2,))


def test_odeint_at_fixed_times(m: gd.Model) -> None:
    out = gd.odeint(lambda y, s: -y, m["a"], [1.0, 2.0, 3.0])
    assert (out.dims, out.event) == (("i",), (3,))


def test_odeint_takes_dims_from_the_right_hand_side(m: gd.Model) -> None:
    assert set(gd.odeint(lambda y, s: -m["a"] * y, 1.0, m["y"]).dims) == {"i", "t"}


# -- distributions over a plate ---------------------------------------------------------------------------------------
def test_markov_is_joint_over_its_plate(m: gd.Model) -> None:
    t = gd.Plate(m._builder, "t")
    d = gd.Markov(gd.Normal(0, 1), lambda x: gd.Normal(m["phi"] * x, 1), dim=t)
    assert (d.type.joint, d.type.dims, d.type.event) == (("t",), (), ("t",))
    z = m.latent("z", d, dims=t)
    assert (z.dims, z.event, z.support) == (("t",), (), gd.real)


def test_markov_of_vectors_over_another_plate(m: gd.Model) -> None:
    t = gd.Plate(m._builder, "t")
    d = gd.Markov(gd.Normal(0, 1).expand(2), lambda x: gd.Normal(m["a"] * x, 1), dim=t)
    z = m.latent("z", d, dims=("i", "t"))
    assert (set(z.dims), z.event) == ({"i", "t"}, (2,))


def test_markov_keeps_the_support(m: gd.Model) -> None:
    t = gd.Plate(m._builder, "t")
    z = m.latent("z", gd.Markov(gd.LogNormal(0, 1), lambda x: gd.LogNormal(gd.log(x), 1), dim=t), dims=t)
    assert z.support == gd.positive
    m.latent("w", gd.Normal(0, z), dims=t)  # so it may be a scale


def test_markov_inputs_are_elements(m: gd.Model) -> None:
    t = gd.Plate(m._builder, "t")
    seen = []

    def step(x, u):
        seen.append(u.dims)
        return gd.Normal(x + u, 1)

    one = gd.Markov(gd.Normal(0, 1), step, dim=t, inputs=[m["y"]])
    assert seen == [()]
    assert gd.Markov(gd.Normal(0, 1), step, dim=t, inputs=m["y"]).type == one.type


def test_hidden_markov_draws_one_observation_an_element(m: gd.Model) -> None:
    t = gd.Plate(m._builder, "t")
    d = gd.HiddenMarkov([0.5, 0.5], np.full((2, 2), 0.5), gd.Normal([0.0, 1.0], 1.0), dim=t)
    assert (d.type.joint, d.type.event) == (("t",), ("t",))
    assert m.observe("o", d, dims=t).dims == ("t",)


def test_hidden_markov_with_emissions_that_vary(m: gd.Model) -> None:
    t = gd.Plate(m._builder, "t")
    mean = gd.stack([m["y"], -m["y"]])
    d = gd.HiddenMarkov([0.5, 0.5], np.full((2, 2), 0.5), gd.Normal(mean, 1.0), dim=t)
    assert (d.type.joint, d.type.dims, d.type.event) == (("t",), (), ("t",))


@pytest.mark.parametrize(
    "kernel",
    [
        gd.kernel.SquaredExponential(1.0, 2.0),
        gd.kernel.Matern(0.5),
        gd.kernel.Matern(2.5),
        gd.kernel.Periodic(),
        gd.kernel.Linear(),
        gd.kernel.SquaredExponential() + gd.kernel.White(0.1),
        gd.kernel.SquaredExponential() * gd.kernel.Periodic(),
    ],
)
def test_kernels_make_a_square_over_the_plate(m: gd.Model, kernel) -> None:
    x = m["y"]
    k = kernel(x, x.rename(t="t2"))
    assert (k.dims, k.event) == (("t", "t2"), ())
    f = m.latent("f", gd.GaussianProcess(kernel, x, noise=0.1), dims="t")
    assert (f.dims, f.event) == (("t",), ())


def test_gaussian_process_of_vectors_with_parameters_over_a_plate(m: gd.Model) -> None:
    x = m.data("x2", dims="t", event=2)
    s = m.latent("s", gd.HalfNormal(1), dims="i")
    d = gd.GaussianProcess(gd.kernel.SquaredExponential(s, 1.0), x)
    assert (d.type.dims, d.type.joint) == (("i",), ("t",))
    assert set(m.latent("f", d, dims=("i", "t")).dims) == {"i", "t"}
