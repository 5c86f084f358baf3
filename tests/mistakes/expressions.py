"""Mistakes in expressions: truth values, numbers, numpy, shapes, models mixed up."""

from __future__ import annotations

import math

import numpy as np

import gendsl as gd
from tests.mistakes.table import mistake


# -- what a symbolic value is not -------------------------------------------------------------------------------------
@mistake(gd.ModelError, "no truth value", "gd.where", "gd.same")
def condition_in_an_if():
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    return 1 if x > 0 else 2  # here


@mistake(gd.ModelError, "no truth value", "gd.where")
def chained_comparison():
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    return 0 < x < 1  # here


@mistake(gd.ModelError, "no truth value", "for `and`", "(a < x) & (x < b)", "gd.logical_and")
def and_of_two_conditions():
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    return (x > 0) and (x < 1)  # here


@mistake(gd.ModelError, "no truth value")
def python_max():
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    return max(x, 0)  # here


@mistake(gd.ModelError, "no number", "instead of math's")
def math_exp():
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    math.exp(x)  # here


@mistake(gd.ModelError, "no number")
def range_of_data():
    m = gd.Model("m")
    n = m.data("n", dtype=int)
    range(n)  # here


@mistake(gd.ModelError, "has a length", "scalar")
def length_of_a_scalar():
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    len(x)  # here


@mistake(gd.ModelError, "only event axes can be unpacked", "dims (i)", "without a loop")
def loop_over_a_plate_of_values():
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1), dims=m.plate("i"))
    return list(x)  # here


@mistake(gd.ModelError, "not an array", "gd.stack")
def numpy_array_of_expressions():
    m = gd.Model("m")
    x = m.latent("x", gd.Normal(0, 1))
    np.array([x, x])  # here


@mistake(gd.ModelError, "not changed in place", "gd.where")
def assignment_to_an_element():
    m = gd.Model("m")
    x = m.data("x", event=3)
    x[0] = 1.0  # here


@mistake(gd.ModelError, "no attribute 'shape'", ".dims and .event")
def shape_of_an_expression():
    m = gd.Model("m")
    x = m.data("x", event=3)
    return x.shape  # here


@mistake(gd.ModelError, "the length of plate 'i'", "i.size")
def length_of_a_plate():
    m = gd.Model("m")
    i = m.plate("i")
    range(len(i))  # here


@mistake(gd.ModelError, "no loop over plate 'i'", "dims=i")
def loop_over_a_plate():
    m = gd.Model("m")
    for _ in m.plate("i"):  # here
        pass


@mistake(gd.ModelError, "plate 'i' is not a value", "i.index", "i.size")
def plate_plus_one():
    m = gd.Model("m")
    m.plate("i") + 1  # here


@mistake(gd.ModelError, "mul needs a value, not a plate", "i.index")
def value_times_plate():
    m = gd.Model("m")
    i = m.plate("i")
    m.data("x", dims=i) * i  # here


# -- operands ---------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "must be a number", "str: 'a'")
def plus_text():
    m = gd.Model("m")
    m.data("x") + "a"  # here


@mistake(gd.ModelError, "list of expressions is not a value", "gd.stack([...])")
def plus_list_of_expressions():
    m = gd.Model("m")
    x = m.data("x")
    x + [x, x]  # here


@mistake(gd.ModelError, "logical and need booleans", "in parentheses")
def and_of_numbers():
    m = gd.Model("m")
    x, y = m.data("x"), m.data("y", dtype=int)
    return x > 0 & y  # here


@mistake(gd.ModelError, "event shapes do not broadcast", "(3,) and (2,)", "in 'a', 'b'", "as a plate")
def shapes_that_do_not_broadcast():
    m = gd.Model("m")
    a, b = m.data("a", event=3), m.data("b", event=2)
    a + b  # here


@mistake(gd.ModelError, "model 'm' is used in model 'other'", "'x' (float, scalar)", "expressions of one model")
def expression_of_another_model():
    x = gd.Model("m").data("x")
    other = gd.Model("other")
    other.latent("mu", gd.Normal(x, 1))  # here


@mistake(gd.ModelError, "used in a copy of it", 'model["x"]')
def expression_of_the_original_in_a_copy():
    m = gd.Model("m")
    x = m.data("x")
    m.copy().latent("mu", gd.Normal(x, 1))  # here


@mistake(gd.ModelError, "has no expression among its arguments", "float", "numpy for plain numbers")
def exponential_of_a_number():
    gd.exp(1.0)  # here


@mistake(gd.ModelError, "where needs a condition", "x > 0")
def where_without_a_condition():
    m = gd.Model("m")
    x = m.data("x")
    gd.where(x, 1.0, 0.0)  # here


# -- numpy ------------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "numpy.median is not available")
def numpy_median():
    m = gd.Model("m")
    np.median(m.data("x", event=3))  # here


@mistake(gd.ModelError, "numpy.add.reduce is not available")
def numpy_ufunc_method():
    m = gd.Model("m")
    np.add.reduce(m.data("x", event=3))  # here


@mistake(gd.ModelError, "numpy.sum is not available", "keepdims=True", "no such option")
def numpy_option():
    m = gd.Model("m")
    np.sum(m.data("x", event=3), keepdims=True)  # here


@mistake(gd.ModelError, "numpy.add is not available", "out=")
def added_into_an_array():
    m = gd.Model("m")
    total = np.zeros(3)
    total += m.data("x")  # here


# -- arguments of another kind ----------------------------------------------------------------------------------------
@mistake(gd.ModelError, "an integer is too large", "9223372036854775808", "as a float")
def integer_beyond_64_bits():
    m = gd.Model("m")
    m.data("x") + 2**63  # here


@mistake(gd.ModelError, "a shape is made of lengths", "('a', 3)", "positive integers")
def shape_of_an_unknown_plate():
    m = gd.Model("m")
    gd.broadcast_to(m.data("x"), ("a", 3))  # here


@mistake(gd.ModelError, "a shape is made of lengths", "(-1, 3)", "positive integers")
def shape_with_a_negative_length():
    m = gd.Model("m")
    gd.broadcast_to(m.data("x"), (-1, 3))  # here


@mistake(gd.ModelError, "a shape is made of lengths", "(-1, -1)", "one of which may be -1")
def shape_with_two_unknown_lengths():
    m = gd.Model("m")
    gd.reshape(m.data("x"), (-1, -1))  # here


@mistake(gd.ModelError, "transpose takes every event axis once", "0", "(1, 0)", "gd.swap")
def transpose_by_one_axis():
    m = gd.Model("m")
    gd.transpose(m.data("x", event=(2, 3)), 0)  # here


@mistake(gd.ModelError, "log_prob takes a distribution and a value", "'Normal'", "gd.Normal(0, 1)")
def log_prob_of_a_name():
    m = gd.Model("m")
    gd.log_prob("Normal", m.data("x"))  # here


@mistake(gd.ModelError, "bounds of an interval are numbers", "str: 'a'", "gd.Uniform")
def interval_from_a_string():
    gd.Interval("a", 1)  # here


@mistake(gd.ModelError, "dense is True, False or None", "array([1., 1.])")
def dense_of_an_array():
    gd.NUTS(dense=np.ones(2))  # here
