"""Mistakes in indices, slices, conditions on plates, lags and copies."""

from __future__ import annotations

import numpy as np

import gendsl as gd
from tests.mistakes.table import mistake


@mistake(
    gd.ModelError,
    "node 'k'",
    "an index must be an integer",
    "float, dims (obs)",
    'm.data("k", dims=obs, indexes=county)',
)
def index_of_floats():
    m = gd.Model("m")
    county, obs = m.plate("county"), m.plate("obs")
    theta, k = m.latent("theta", gd.Normal(0, 1), dims=county), m.data("k", dims=obs)
    theta[k]  # here


@mistake(gd.ModelError, "node 'k'", "an index must be an integer", "m.data(..., dtype=int)")
def index_of_floats_into_an_event_axis():
    m = gd.Model("m")
    obs = m.plate("obs")
    theta, k = m.latent("theta", gd.Normal(0, 1).expand(3)), m.data("k", dims=obs)
    theta[k]  # here


@mistake(gd.ModelError, "node 'k'", "an index must be an integer", "gd.where")
def index_of_booleans():
    m = gd.Model("m")
    county = m.plate("county")
    theta, k = m.latent("theta", gd.Normal(0, 1), dims=county), m.data("k", dims=county, dtype=bool)
    theta[k]  # here


@mistake(gd.ModelError, "'k' indexes plate 'county', not 'state'", 'indexes="state"')
def index_of_another_plate():
    m = gd.Model("m")
    county, state, obs = m.plate("county"), m.plate("state"), m.plate("obs")
    k = m.data("k", dims=obs, indexes=county)
    m.latent("theta", gd.Normal(0, 1), dims=state)[k]  # here


@mistake(gd.ModelError, "cannot index a value", "str: 'Anoka'")
def index_by_label():
    m = gd.Model("m")
    m.latent("theta", gd.Normal(0, 1), dims=m.plate("county"))["Anoka"]  # here


@mistake(gd.ModelError, "too many indices", "2 indices", "at most 1")
def too_many_indices():
    m = gd.Model("m")
    x = m.data("x", event=3)
    x[0, 1]  # here


@mistake(gd.ModelError, "index 3 is out of range", "length 3", "-3 to 2")
def index_past_the_end():
    m = gd.Model("m")
    m.data("x", event=3)[3]  # here


@mistake(gd.ModelError, "an index is out of range", "length 3", "0 to 2", "in 'x'")
def list_index_past_the_end():
    m = gd.Model("m")
    m.data("x", event=3)[[0, 3]]  # here


@mistake(gd.ModelError, "node 'x'", "index 100 is out of range", "plate 'p' of length 8", "0 to 7", "count from 0")
def index_past_the_declared_plate():
    m = gd.Model("m")
    m.data("x", dims=m.plate("p", size=8))[100]  # here


@mistake(gd.ModelError, "node 'x'", "index 100 is out of range", "plate 'p' of length 8", "0 to 7")
def array_index_past_the_declared_plate():
    m = gd.Model("m")
    m.latent("x", gd.Normal(0, 1), dims=m.plate("p", size=8))[np.array([0, 100])]  # here


@mistake(gd.ModelError, "index 7 is out of range", "plate 'p_from_1' of length 7", "0 to 6")
def index_past_the_part_of_a_plate():
    m = gd.Model("m")
    p = m.plate("p", size=8)
    late = m.data("x", dims=p)[p >= 1]
    late[7]  # here


@mistake(gd.ModelError, "an index is out of range", "length 2")
def category_past_the_end():
    m = gd.Model("m")
    z = m.latent("z", gd.Categorical([0.2, 0.3, 0.5]))
    m.data("x", event=2)[z]  # here


@mistake(gd.ModelError, "an index must be an integer", "[0, [1]]")
def ragged_index():
    m = gd.Model("m")
    m.data("x", event=3)[[0, [1]]]  # here


@mistake(gd.ModelError, "an index must be an integer", "True", "np.flatnonzero")
def numpy_mask_as_index():
    m = gd.Model("m")
    m.data("x", event=2)[np.array([True, False])]  # here


@mistake(gd.ModelError, "a slice of event axes needs fixed integers", "1.5")
def slice_by_a_float():
    m = gd.Model("m")
    m.data("x", event=3)[1.5:]  # here


@mistake(gd.ModelError, "a slice of event axes needs fixed integers", "<n: int", "gd.where")
def slice_by_a_value():
    m = gd.Model("m")
    n = m.data("n", dtype=int)
    m.data("x", event=3)[n:]  # here


@mistake(gd.ModelError, "a slice of event axes needs fixed integers", "other than 0")
def slice_with_step_zero():
    m = gd.Model("m")
    m.data("x", event=3)[::0]  # here


@mistake(gd.ModelError, "the slice is empty", "length 3")
def empty_slice():
    m = gd.Model("m")
    m.data("x", event=3)[3:]  # here


@mistake(gd.ModelError, "slice of dim 't' has no plate of its own", "t >= 2", "x[late]")
def slice_of_a_plate():
    m = gd.Model("m")
    m.data("x", dims=m.plate("t"))[2:]  # here


@mistake(gd.ModelError, "only one ellipsis", "(Ellipsis, Ellipsis)")
def two_ellipses():
    m = gd.Model("m")
    m.data("x", event=(2, 3))[..., ...]  # here


@mistake(gd.ModelError, "a new axis among the dims", "x[..., None]")
def new_axis_before_a_dim():
    m = gd.Model("m")
    m.data("x", dims=m.plate("t"))[None]  # here


# -- conditions on plates ---------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "'t < 3' would have a size of its own", "t[:-1]")
def plate_below_a_number():
    m = gd.Model("m")
    t = m.plate("t")
    x = m.data("x", dims=t)
    x[t < 3]  # here


@mistake(gd.ModelError, "an index must be an integer", "bool, dims (t)", "x[t >= 2]")
def condition_on_values():
    m = gd.Model("m")
    x = m.data("x", dims=m.plate("t"))
    x[x > 3]  # here


@mistake(gd.ModelError, "plate 's_from_1' is not part of a dim", "dims (t)")
def cut_of_another_plate():
    m = gd.Model("m")
    t, s = m.plate("t"), m.plate("s")
    x = m.data("x", dims=t)
    x[s >= 1]  # here


@mistake(gd.ModelError, "'t >= -1' needs a nonnegative number")
def plate_from_a_negative_number():
    m = gd.Model("m")
    _ = m.plate("t") >= -1  # here


@mistake(gd.ModelError, "'t >= 1.5' needs a nonnegative number", "float")
def plate_from_a_fraction():
    m = gd.Model("m")
    _ = m.plate("t") >= 1.5  # here


@mistake(gd.ModelError, "depends on the size", "t[:-1]")
def plate_cut_at_a_fixed_end():
    m = gd.Model("m")
    m.plate("t")[:5]  # here


@mistake(gd.ModelError, "cut with a slice of step 1", "slice(None, None, 2)", "t[2:]")
def every_second_of_a_plate():
    m = gd.Model("m")
    m.plate("t")[::2]  # here


@mistake(gd.ModelError, "node 't'", "too few elements", "'t' has 3, 5 are dropped")
def plate_cut_to_nothing():
    m = gd.Model("m")
    _ = m.plate("t", size=3) >= 5  # here


@mistake(gd.ModelError, "vary over 't'", "dims (t_from_1)")
def whole_and_cut_plate_mixed():
    m = gd.Model("m")
    t = m.plate("t")
    late = t >= 1
    x, y = m.data("x", dims=t), m.latent("y", gd.Normal(0, 1), dims=t)
    m.observe("z", gd.Normal(gd.lag(x, 1, late) + y, 1), dims=late)  # here


# -- lags and copies --------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "a lag of 3 reaches before the first element", "starts at 2", "(t >= 3)")
def lag_too_long():
    m = gd.Model("m")
    t = m.plate("t")
    gd.lag(m.data("x", dims=t), 3, t >= 2)  # here


@mistake(gd.ModelError, "a lag of -1 looks ahead", "0, 1, ...")
def lag_ahead():
    m = gd.Model("m")
    t = m.plate("t")
    gd.lag(m.data("x", dims=t), -1, t >= 2)  # here


@mistake(gd.ModelError, "lag needs a plate derived from a dim", "'t' is none", "t >= 1")
def lag_over_the_whole_plate():
    m = gd.Model("m")
    t = m.plate("t")
    gd.lag(m.data("x", dims=t), 1, t)  # here


@mistake(gd.ModelError, "lag takes a value, a number of steps, and a plate", "gd.lag(x, k, t >= k)")
def lag_arguments_swapped():
    m = gd.Model("m")
    t = m.plate("t")
    gd.lag(m.data("x", dims=t), t >= 1, 1)  # here


@mistake(gd.ModelError, "no dim 'j' to rename", "dims (i)")
def copy_of_another_plate():
    m = gd.Model("m")
    m.plate("j")
    m.data("x", dims=m.plate("i")).rename(j="j2")  # here


@mistake(gd.ModelError, "plate 'j' exists already and is not a copy of 'i'")
def copy_under_a_taken_name():
    m = gd.Model("m")
    m.plate("j")
    m.data("x", dims=m.plate("i")).rename(i="j")  # here


@mistake(gd.ModelError, "the name 'mu' is taken", "a new name")
def copy_under_the_name_of_a_latent():
    m = gd.Model("m")
    m.latent("mu", gd.Normal(0, 1))
    m.data("x", dims=m.plate("i")).rename(i="mu")  # here


@mistake(gd.ModelError, "'class' is not a name", "Python identifier")
def copy_under_a_keyword():
    m = gd.Model("m")
    m.data("x", dims=m.plate("i")).rename(i="class")  # here


@mistake(gd.ModelError, "varies over 'i2' already")
def copy_made_twice():
    m = gd.Model("m")
    x = m.data("x", dims=m.plate("i"))
    pairs = x * x.rename(i="i2")
    pairs.rename(i="i2")  # here
