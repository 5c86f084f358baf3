"""Mistakes with networks: specs that cannot be, events and times that do not fit, names."""

from __future__ import annotations

import gendsl as gd
from gendsl import networks as nn
from tests.mistakes.table import mistake


# -- specs ------------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "MLP: hidden are positive integers", "hidden=0", "hidden=(64, 64)")
def no_hidden_units():
    nn.MLP(3, hidden=0)  # here


@mistake(gd.ModelError, "MLP: hidden are positive integers", "(64, -1)")
def negative_width():
    nn.MLP(3, hidden=(64, -1))  # here


@mistake(gd.ModelError, "gd.MLP has no argument 'hidden_sizes'", "did you mean 'hidden'?")
def name_of_another_library():
    nn.MLP(3, hidden_sizes=(64,))  # here


@mistake(gd.ModelError, "gd.MLP: missing a required argument: 'out'", "gd.MLP(out")
def network_without_a_result():
    nn.MLP(hidden=(64,))  # here


@mistake(gd.ModelError, "MLP: out is a positive integer, or an event shape", "(8, 0)")
def empty_result():
    nn.MLP((8, 0))  # here


@mistake(gd.ModelError, "MLP: activation is a gd.Activation", "'relu'", "activation=gd.Activation.RELU")
def activation_as_text():
    nn.MLP(3, activation="relu")  # here


@mistake(gd.ModelError, "MLP: activation is a gd.Activation", "Activation.TANH", "for example activation=")
def activation_as_a_function():
    nn.MLP(3, activation=abs)  # here


@mistake(gd.ModelError, "MLP: time says how a network sees time", "time=True", "time=gd.Sinusoidal()")
def time_as_a_flag():
    nn.MLP(3, time=True)  # here


@mistake(gd.ModelError, "MLP: time says how a network sees time", "the class Sinusoidal", "time=gd.Sinusoidal()")
def time_as_a_class():
    nn.MLP(3, time=nn.Sinusoidal)  # here


@mistake(gd.ModelError, "MLP: a time acts on hidden layers", "hidden=(64,)")
def time_without_hidden_layers():
    nn.MLP(3, hidden=(), time=nn.Sinusoidal())  # here


@mistake(gd.ModelError, "Sinusoidal: size is even", "size=63")
def odd_features():
    nn.Sinusoidal(size=63)  # here


@mistake(gd.ModelError, "Fourier: scale is a positive number", "scale=0")
def frequencies_of_no_width():
    nn.Fourier(scale=0)  # here


@mistake(gd.ModelError, "ConvNet: groups divide the channels", "groups=8", "(30, 64)", "groups=2")
def groups_that_do_not_divide():
    nn.ConvNet(1, channels=(30, 64))  # here


@mistake(gd.ModelError, "ConvNet: a kernel has an odd size", "kernel=4", "kernel=3")
def even_kernel():
    nn.ConvNet(1, kernel=4)  # here


@mistake(gd.ModelError, "ConvNet: channels are positive integers, at least 1", "channels=()")
def no_channels():
    nn.ConvNet(1, channels=())  # here


@mistake(gd.ModelError, "ConvDecoder: 2 stages make an image", "multiples of 4", "(9, 8, 1)")
def image_of_a_size_that_stages_do_not_make():
    nn.ConvDecoder((9, 8, 1))  # here


@mistake(gd.ModelError, "UNet: heads divide the last level's channels", "heads=5")
def heads_that_do_not_divide_channels():
    nn.UNet(channels=(32, 64), attention=True, heads=5)  # here


@mistake(gd.ModelError, "Transformer: heads divide the width", "heads=3, width=64")
def heads_that_do_not_divide_the_width():
    nn.Transformer(3, heads=3)  # here


@mistake(gd.ModelError, "Transformer: causal is True or False", "causal='yes'")
def flag_as_text():
    nn.Transformer(3, causal="yes")  # here


@mistake(gd.ModelError, "MaskedMLP: the order has each element once", "order=(1, 2, 3)", "0, 1, ..., n - 1")
def order_that_starts_at_one():
    nn.MaskedMLP(2, order=(1, 2, 3))  # here


@mistake(gd.ModelError, "Native: a factory is needed", "neither torch= nor jax=", "gd.Native(torch=lambda event")
def native_of_nothing():
    nn.Native(out=3)  # here


@mistake(gd.ModelError, "Native: torch is a function that makes a module", "torch=lambda event: module")
def native_without_a_function():
    nn.Native(torch="module", out=3)  # here


# -- declarations -----------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "node 'f'", "a network is a spec of gendsl", "the class MLP", "an instance: gd.MLP(...)")
def class_instead_of_a_network():
    m = gd.Model("m")
    m.network("f", nn.MLP)  # here


@mistake(gd.ModelError, "node 'f'", "a network is a spec of gendsl", "int: 64", "gd.MLP(64")
def number_instead_of_a_network():
    m = gd.Model("m")
    m.network("f", 64)  # here


@mistake(gd.ModelError, "node 'f'", "a network is a spec of gendsl", "gd.Native(torch=lambda event: module")
def module_instead_of_a_network():
    import torch

    m = gd.Model("m")
    m.network("f", torch.nn.Linear(2, 3))  # here


@mistake(gd.ModelError, "node 'g'", "<network f: MLP(2)>", "calls share its parameters")
def network_of_a_network():
    m = gd.Model("m")
    f = m.network("f", nn.MLP(2))
    m.network("g", f)  # here


@mistake(gd.ModelError, "node 'x'", "the name 'x' is taken", "x_2")
def network_with_the_name_of_data():
    m = gd.Model("m")
    m.data("x")
    m.network("x", nn.MLP(2))  # here


@mistake(gd.ModelError, "node 'f'", "the name 'f' is taken")
def latent_with_the_name_of_a_network():
    m = gd.Model("m")
    m.network("f", nn.MLP(2))
    m.latent("f", gd.Normal(0, 1))  # here


@mistake(gd.ModelError, "'f' is a network, not a value", 'm.networks["f"]')
def network_as_a_value_of_the_model():
    m = gd.Model("m")
    m.network("f", nn.MLP(2))
    m["f"]  # here


# -- calls ------------------------------------------------------------------------------------------------------------
@mistake(gd.ModelError, "node 'f'", "UNet: the input has 1 event axes", "event (64,)", "(in 'x')", "channels")
def vector_into_a_unet():
    m = gd.Model("m")
    f = m.network("f", nn.UNet())
    f(m.data("x", dims=m.plate("i"), event=64))  # here


@mistake(gd.ModelError, "node 'f'", "UNet: height and width are halved 2 times", "event (8, 6, 1)", "multiples of 4")
def image_that_cannot_be_halved():
    m = gd.Model("m")
    f = m.network("f", nn.UNet(channels=(8, 16, 32)))
    f(m.data("x", event=(8, 6, 1)))  # here


@mistake(gd.ModelError, "node 'f'", "MaskedMLP: the input has 2 event axes", "event (n,)")
def image_into_a_masked_mlp():
    m = gd.Model("m")
    f = m.network("f", nn.MaskedMLP(2))
    f(m.data("x", event=(8, 8)))  # here


@mistake(gd.ModelError, "node 'f'", "MaskedMLP: the order is of another length", "4 elements", "3 elements")
def order_of_another_length():
    m = gd.Model("m")
    f = m.network("f", nn.MaskedMLP(2, order=(2, 1, 0)))
    f(m.data("x", event=4))  # here


@mistake(gd.ModelError, "node 'f'", "a time is given to a network that takes none", "MLP(2)", "time=gd.Sinusoidal()")
def time_to_a_network_without():
    m = gd.Model("m")
    f, t = m.network("f", nn.MLP(2)), m.data("t")
    f(m.data("x", event=3), time=t)  # here


@mistake(gd.ModelError, "node 'f'", "a network that takes a time is given none", "f(x, time=t)")
def no_time_to_a_network_with():
    m = gd.Model("m")
    f = m.network("f", nn.MLP(2, time=nn.Sinusoidal()))
    f(m.data("x", event=3))  # here


@mistake(gd.ModelError, "node 'f'", "a time is one number for each element of its dims", "event (3,)")
def time_with_an_event():
    m = gd.Model("m")
    f = m.network("f", nn.MLP(2, time=nn.Sinusoidal()))
    f(m.data("x", event=3), time=m.data("t", event=3))  # here


@mistake(gd.ModelError, "f has no argument 't'", "did you mean 'time'?")
def time_under_another_name():
    m = gd.Model("m")
    f = m.network("f", nn.MLP(2, time=nn.Sinusoidal()))
    f(m.data("x", event=3), t=0.5)  # here


@mistake(gd.ModelError, "f: too many positional arguments", "f(x, time)")
def time_by_position():
    m = gd.Model("m")
    f = m.network("f", nn.MLP(2, time=nn.Sinusoidal()))
    f(m.data("x", event=3), 0.5)  # here


@mistake(gd.ModelError, "node 'f'", "network 'f' is called on two event shapes", "event (4,), after (3,)", "second")
def two_event_shapes():
    m = gd.Model("m")
    f = m.network("f", nn.MLP(2))
    f(m.data("x", event=3))
    f(m.data("y", event=4))  # here


@mistake(gd.ModelError, "node 'f'", "the network takes integers", "dtype=int")
def numbers_as_tokens():
    m = gd.Model("m")
    f = m.network("f", nn.Transformer(3, vocabulary=10))
    f(m.data("x", event=5))  # here


@mistake(gd.ModelError, "network needs a value, not a distribution", "m.latent")
def distribution_into_a_network():
    m = gd.Model("m")
    f = m.network("f", nn.MLP(2))
    f(gd.Normal(0, 1))  # here


@mistake(gd.ModelError, "node 'f'", "of model 'a' is applied to a value of model 'b'", "declare the network in that")
def network_of_another_model():
    a, b = gd.Model("a"), gd.Model("b")
    f = a.network("f", nn.MLP(2))
    f(b.data("x", event=3))  # here


@mistake(gd.ModelError, "node 'f'", "is applied to a value of a copy of it", 'model.networks["f"]')
def network_of_the_original():
    a = gd.Model("a")
    f, _ = a.network("f", nn.MLP(2)), a.data("x", event=3)
    f(a.copy()["x"])  # here


@mistake(gd.ModelError, "node 'x'", "the parameters vary over 'image'", "decoder(z)", "dims=(image)")
def observation_without_the_plate_of_a_result():
    m = gd.Model("m")
    decoder = m.network("decoder", nn.MLP(4))
    z = m.latent("z", gd.Normal(0, 1).expand(2), dims=m.plate("image"))
    m.observe("x", gd.Bernoulli(logits=decoder(z)))  # here


# -- use --------------------------------------------------------------------------------------------------------------
@mistake(gd.FitError, "NUTS", "the parameters of network 'f' have no prior", "gd.Train")
def nuts_on_networks():
    m = gd.Model("m")
    f, z = m.network("f", nn.MLP(1)), m.latent("z", gd.Normal(0, 1))
    y = f(z)  # here
    m.observe("y", gd.Normal(y, 1.0))
    m.fit({"y": [0.0]}, gd.NUTS(), progress=False)


@mistake(gd.FormatError, "a user's own module cannot be written", "networks of gendsl", "keep the code")
def file_of_a_native_module():
    m = gd.Model("m")
    f = m.network("f", nn.Native(torch=lambda event: None, out=2))
    m.let("y", f(m.data("x", event=3)))
    m.to_json()


@mistake(gd.CompileError, "Native: there is no module for jax", "jax=", 'backend="pyro"')
def native_on_the_other_backend():
    m = gd.Model("m")
    f = m.network("f", nn.Native(torch=lambda event: None, out=2))
    m.observe("y", gd.Normal(f(m.latent("z", gd.Normal(0, 1).expand(3))), 1.0))
    m.compile("numpyro").network_parameters()
