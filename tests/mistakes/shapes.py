"""Mistakes in reductions, shapes and linear algebra."""

from __future__ import annotations

import numpy as np

import gendsl as gd
from tests.mistakes.table import mistake


@mistake(gd.ModelError, "node 'x'", "no event axes to reduce", ".sum(dim='i')")
def sum_over_nothing():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i")).sum()  # here


@mistake(gd.ModelError, "no dim 'j' to reduce over", "dims (i)")
def sum_over_another_plate():
    m = gd.Model("m")
    i, j = m.plate("i"), m.plate("j")
    m.data("x", dims=i).sum(dim=j)  # here


@mistake(gd.ModelError, "there is no event axis", "dim=plate")
def sum_over_axis_of_a_plate():
    m = gd.Model("m")
    np.sum(m.data("x", dims=m.plate("i")), axis=0)  # here


@mistake(gd.ModelError, "axis counts event axes", "<plate i>", "dim=")
def plate_as_axis():
    m = gd.Model("m")
    i = m.plate("i")
    m.data("x", dims=i).sum(i)  # here


@mistake(gd.ModelError, "an axis is given twice", "axis=(0, -2)")
def axis_twice():
    m = gd.Model("m")
    m.data("x", event=(3, 2)).sum(axis=(0, -2))  # here


@mistake(gd.ModelError, "all needs a boolean")
def all_of_numbers():
    m = gd.Model("m")
    m.data("x", event=3).all()  # here


@mistake(gd.ModelError, "@ needs event axes", "in 'a', 'b'", "(a * b).sum(dim=plate)")
def product_over_a_plate():
    m = gd.Model("m")
    i = m.plate("i")
    m.data("a", dims=i) @ m.data("b", dims=i)  # here


@mistake(gd.ModelError, "inner sizes of @ differ", "3 and 2", "in 'x', 'b'")
def product_of_two_sizes():
    m = gd.Model("m")
    x, b = m.data("x", event=3), m.latent("b", gd.Normal(0, 1).expand(2))
    x @ b  # here


@mistake(gd.ModelError, "reshape keeps the number of elements", "(3,)", "(2, 2)")
def reshape_to_more():
    m = gd.Model("m")
    m.data("x", event=3).reshape(2, 2)  # here


@mistake(gd.ModelError, "no two event axes to exchange", "align by name")
def transpose_of_a_vector():
    m = gd.Model("m")
    return m.data("x", event=3).T  # here


@mistake(gd.ModelError, "stack needs equal event shapes", "(3,), (2,)", "in 'a', 'b'")
def stack_of_two_lengths():
    m = gd.Model("m")
    a, b = m.data("a", event=3), m.data("b", event=2)
    gd.stack([a, b])  # here


@mistake(gd.ModelError, "stack needs at least one value", "empty")
def stack_of_nothing():
    gd.stack([])  # here


@mistake(gd.ModelError, "no such axis", "axis=5")
def stack_on_an_axis_that_is_not():
    m = gd.Model("m")
    x = m.data("x")
    gd.stack([x, x], axis=5)  # here


@mistake(gd.ModelError, "does not split into 2 equal parts", "axis of length 3")
def split_into_unequal_parts():
    m = gd.Model("m")
    gd.split(m.data("x", event=3), 2)  # here


@mistake(gd.ModelError, "a shape is made of lengths", "<plate i>", "by themselves")
def broadcast_over_a_plate():
    m = gd.Model("m")
    gd.broadcast_to(m.data("x"), m.plate("i"))  # here


@mistake(gd.ModelError, "cumsum runs along one dim", "('i', 'j')")
def cumsum_along_two_plates():
    m = gd.Model("m")
    i, j = m.plate("i"), m.plate("j")
    gd.cumsum(m.data("x", dims=(i, j)), dim=(i, j))  # here


@mistake(gd.ModelError, "softmax needs an expression", "list", "gd.stack")
def softmax_of_a_list():
    m = gd.Model("m")
    x = m.data("x")
    gd.softmax([x, x])  # here


@mistake(gd.ModelError, "cholesky needs a square matrix", "event (3, 2)")
def cholesky_of_a_rectangle():
    m = gd.Model("m")
    gd.cholesky(m.data("x", event=(3, 2)))  # here


@mistake(gd.ModelError, "another event shape than the distribution", "event (3,)")
def log_prob_of_another_shape():
    m = gd.Model("m")
    gd.Normal(0, 1).log_prob(m.data("x", event=3))  # here


@mistake(gd.ModelError, "log_prob has no expression", "Normal(loc=0, scale=1) and 3.0")
def log_prob_of_numbers():
    gd.Normal(0, 1).log_prob(3.0)  # here
