"""Mistakes in recurrences, differential equations, Markov chains, hidden Markov chains and Gaussian processes."""

from __future__ import annotations

import numpy as np

import gendsl as gd
from tests.mistakes.table import mistake


def series() -> tuple[gd.Model, gd.Plate, gd.Expr]:
    m = gd.Model("m")
    t = m.plate("t")
    return m, t, m.data("x", dims=t)


# -- scan -------------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "no plate 's' to scan along")
def scan_along_an_unknown_plate():
    _, _, x = series()
    gd.scan(lambda c, v: (c, c), 0.0, x, dim="s")  # here


@mistake(gd.ModelError, "a sequence does not vary along 't'", "<a: float, scalar, real>", "inside the step directly")
def scan_over_a_scalar():
    m, t, _ = series()
    gd.scan(lambda c, v: (c, c), 0.0, m.data("a"), dim=t)  # here


@mistake(gd.ModelError, "scan needs to know its model", "dim='t'", "the plate itself")
def scan_of_numbers_along_a_name():
    gd.scan(lambda c: (c, c), 0.0, dim="t")  # here


@mistake(gd.ModelError, "a step returns (carry, out)", "given:  <... + ...:", "a pair: the carry", "return x, x")
def step_without_an_output():
    _, t, x = series()
    gd.scan(lambda c, v: c + v, 0.0, x, dim=t)  # here


@mistake(gd.ModelError, "another number of carries", "2", "1")
def step_with_two_carries_for_one():
    _, t, x = series()
    gd.scan(lambda c, v: ((c, c), v), 0.0, x, dim=t)  # here


@mistake(gd.ModelError, "carry of another shape", "event (2,), returned float, event (3,)")
def carry_changes_its_length():
    _, t, x = series()
    gd.scan(lambda c, v: (gd.stack([c[0], c[1], v]), v), np.zeros(2), x, dim=t)  # here


@mistake(gd.ModelError, "a larger carry", "a carry of one shape", "as the output")
def carry_grows():
    _, t, x = series()
    gd.scan(lambda c, v: (gd.stack([c, v]), v), 0.0, x, dim=t)  # here


@mistake(gd.ModelError, "initial carry varies along 't'", "x[0]")
def carry_varies_along_the_plate():
    _, t, x = series()
    gd.scan(lambda c, v: (c, c), x, x, dim=t)  # here


@mistake(gd.ModelError, "varies along 't' is used inside a step", "'x' (float, dims (t))", "as a sequence")
def sequence_used_from_outside():
    _, t, x = series()
    gd.scan(lambda c, v: (c + x, c), 0.0, x, dim=t)  # here


@mistake(gd.ModelError, "function of other arguments", "(c)", "step(carry, *elements)", "2 arguments")
def step_of_one_argument():
    _, t, x = series()
    gd.scan(lambda c: (c, c), 0.0, x, dim=t)  # here


@mistake(gd.ModelError, "no truth value", "gd.where")
def step_with_an_if():
    _, t, x = series()

    def step(c, v):
        return (c, c) if v > 0 else (-c, c)  # here

    gd.scan(step, 0.0, x, dim=t)


@mistake(gd.ModelError, "inside a step is used outside", "return it from the step")
def value_leaves_its_step():
    m, t, x = series()
    kept = []

    def step(c, v):
        kept.append(c)
        return c + v, c

    gd.scan(step, 0.0, x, dim=t)
    m.let("y", kept[0] + 1)  # here


@mistake(gd.ModelError, "inside a step is used outside", "gd.Markov")
def latent_inside_a_step():
    m, t, x = series()

    def step(c, v):
        z = m.latent("z", gd.Normal(c, 1))  # here
        return z, z

    gd.scan(step, 0.0, x, dim=t)


@mistake(gd.ModelError, "needs a value, not a distribution")
def distribution_as_carry():
    _, t, x = series()
    gd.scan(lambda c, v: (gd.Normal(c, 1), c), 0.0, x, dim=t)  # here


@mistake(gd.ModelError, "does not vary along 't'", "dims (t_from_1)")
def sequence_over_the_cut_plate():
    _, t, x = series()
    gd.scan(lambda c, v: (c + v, c), 0.0, x[t >= 1], dim=t)  # here


# -- differential equations -------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "another shape than the state", "event (2,)", "scalar", "gd.stack([du, dv])")
def derivative_of_another_shape():
    _, _, x = series()
    gd.odeint(lambda y, s: gd.stack([y, y]), 1.0, x)  # here


@mistake(gd.ModelError, "list of expressions is not a value", "gd.stack")
def derivatives_as_a_list():
    _, _, x = series()
    gd.odeint(lambda y, s: [y[1], -y[0]], np.ones(2), x)  # here


@mistake(gd.ModelError, "odeint needs an expression", "numbers only", "data over a plate")
def equation_of_numbers():
    gd.odeint(lambda y, s: -y, 1.0, [1.0, 2.0])  # here


@mistake(gd.ModelError, "times lie along one plate or one event axis")
def one_time():
    m, _, _ = series()
    gd.odeint(lambda y, s: -y, 1.0, m.data("a"))  # here


@mistake(gd.ModelError, "times must increase", "[2.0, 1.0]", "strictly increasing")
def times_that_decrease():
    m, _, _ = series()
    gd.odeint(lambda y, s: -y, m.data("a"), [2.0, 1.0])  # here


@mistake(gd.ModelError, "function of other arguments", "f(y, t)")
def derivative_without_time():
    _, _, x = series()
    gd.odeint(lambda y: -y, 1.0, x)  # here


@mistake(gd.ModelError, "tolerances and steps are positive", "rtol=-1")
def negative_tolerance():
    _, _, x = series()
    gd.odeint(lambda y, s: -y, 1.0, x, rtol=-1)  # here


# -- Markov chains ----------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "node 'Markov'", "initial distribution and a plate", "0.0")
def chain_from_a_number():
    _, t, _ = series()
    gd.Markov(0.0, lambda v: gd.Normal(v, 1), dim=t)  # here


@mistake(gd.ModelError, "step of a Markov chain returns a distribution", "Expr")
def chain_step_returns_a_value():
    _, t, _ = series()
    gd.Markov(gd.Normal(0, 1), lambda v: v + 1, dim=t)  # here


@mistake(gd.ModelError, "another shape than the initial distribution", "event (2,)")
def chain_step_of_another_shape():
    _, t, _ = series()
    gd.Markov(gd.Normal(0, 1), lambda v: gd.Normal(v, 1).expand(2), dim=t)  # here


@mistake(gd.ModelError, "another support", "init: nonnegative; step: real")
def chain_step_of_another_support():
    _, t, _ = series()
    gd.Markov(gd.HalfNormal(1), lambda v: gd.Normal(v, 1), dim=t)  # here


@mistake(gd.ModelError, "initial distribution varies along 't'", "inputs=[x]")
def chain_start_varies():
    _, t, x = series()
    gd.Markov(gd.Normal(x, 1), lambda v: gd.Normal(v, 1), dim=t)  # here


@mistake(gd.ModelError, "an input does not vary along 't'", "array")
def chain_input_of_numbers():
    _, t, _ = series()
    gd.Markov(gd.Normal(0, 1), lambda v, u: gd.Normal(v + u, 1), dim=t, inputs=[np.zeros(3)])  # here


@mistake(gd.ModelError, "node 'z'", "vary over 't'", "dims=(t)", "transition=<step>")
def chain_without_its_dim():
    m, t, _ = series()
    m.latent("z", gd.Markov(gd.Normal(0, 1), lambda v: gd.Normal(v, 1), dim=t))  # here


@mistake(gd.ModelError, "numbers of states differ", "initial 2, transition 3 x 3, emission 2")
def hidden_chain_of_two_or_three_states():
    _, t, _ = series()
    gd.HiddenMarkov([0.5, 0.5], np.eye(3), gd.Normal([0, 1], 1), dim=t)  # here


@mistake(gd.ModelError, "'transition' of HiddenMarkov", "on the simplex", "[[0.5, 0.6], [0.5, 0.5]]")
def transition_rows_that_do_not_sum_to_one():
    _, t, _ = series()
    gd.HiddenMarkov([0.5, 0.5], [[0.5, 0.6], [0.5, 0.5]], gd.Normal([0, 1], 1), dim=t)  # here


@mistake(gd.ModelError, "node 'HiddenMarkov'", "an emission distribution and a plate", "dim='t'")
def hidden_chain_along_a_name():
    gd.HiddenMarkov([0.5, 0.5], np.eye(2), gd.Normal([0, 1], 1), dim="t")  # here


@mistake(gd.ModelError, "one parameter value for each state", "scalar")
def emission_without_states():
    _, t, _ = series()
    gd.HiddenMarkov([0.5, 0.5], np.eye(2), gd.Normal(0, 1), dim=t)  # here


@mistake(gd.ModelError, "'transition' varies along 't'", "one for the whole chain")
def transition_varies():
    m, t, _ = series()
    a = m.data("a", dims=t, event=(2, 2), support=gd.simplex)
    gd.HiddenMarkov([0.5, 0.5], a, gd.Normal([0, 1], 1), dim=t)  # here


# -- Gaussian processes -----------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "inputs along one plate", "array")
def process_over_numbers():
    gd.GaussianProcess(gd.kernel.SquaredExponential(), np.zeros(3))  # here


@mistake(gd.ModelError, "inputs along one plate", "event (5,)")
def process_over_an_event_axis():
    m, _, _ = series()
    gd.GaussianProcess(gd.kernel.SquaredExponential(), m.data("a", event=5))  # here


@mistake(gd.ModelError, "needs a kernel", "'rbf'", "gd.kernel.SquaredExponential")
def kernel_as_text():
    _, _, x = series()
    gd.GaussianProcess("rbf", x)  # here


@mistake(gd.ModelError, "kernel does not depend on both inputs", "k(x, y)")
def kernel_of_one_input():
    class Trend(gd.kernel.Kernel):
        def __call__(self, x, y):
            return gd.exp(x)

    _, _, x = series()
    gd.GaussianProcess(Trend(), x)  # here


@mistake(gd.ModelError, "node 'f'", "vary over 't'", "dims=(t)")
def process_without_its_dim():
    m, _, x = series()
    m.latent("f", gd.GaussianProcess(gd.kernel.SquaredExponential(), x))  # here


@mistake(gd.ModelError, "node 'Matern'", "nu = 0.5, 1.5 and 2.5", "2.0")
def matern_of_another_order():
    gd.kernel.Matern(2.0)  # here


@mistake(gd.ModelError, "kernels add to and multiply kernels", "int: 2")
def kernel_times_a_number():
    2 * gd.kernel.SquaredExponential()  # here


@mistake(gd.ModelError, "noise of a Gaussian process is a variance", "noise=-1.0")
def negative_noise():
    _, _, x = series()
    gd.GaussianProcess(gd.kernel.SquaredExponential(), x, noise=-1.0)  # here
