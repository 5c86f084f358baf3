"""A masked MLP: y_i is a function of x_j for those j that come before i in an order, and of nothing else.

Inputs have degrees 1 ... n along the order; hidden units have degrees 1 ... n - 1 in turn, and 0 too where there is a
time or a context, on which the first element's results depend: the context's numbers have degree 0. A weight from a
unit of degree a to a hidden unit of degree b is kept where a <= b, and to the outputs of the input of degree b where
a < b. So dy_i/dx_j is exactly 0 unless x_j comes before x_i.

Reference:
    MADE: Masked Autoencoder for Distribution Estimation (Germain et al., 2015) | https://arxiv.org/abs/1502.03509
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import lru_cache

import numpy as np

from gendsl.networks.activation import Activation
from gendsl.networks.base import Event, Timed, shape_words
from gendsl.networks.layers import Array, Layers, Values
from gendsl.networks.parameter import Parameters, linear
from gendsl.networks.spec import whole
from gendsl.networks.time import condition, film, film_parameters, time_parameters

__all__ = ["MaskedMLP"]


@dataclass(frozen=True, repr=False)
class MaskedMLP(Timed):
    """A strictly autoregressive MLP on n elements: the results for element i see only the elements before i.

    Its input is one vector: the context, where there is one, then the elements, so many numbers each.

    Args:
        outputs: numbers for each element; the result's event is (n, outputs).
        inputs: numbers that an element is, such as the classes of one-hot coded categories.
        context: numbers at the input's front that all results see.
        hidden: widths of the hidden layers; () makes it linear.
        order: the elements from the first to the last, a permutation of 0 ... n - 1; left out, as they stand.
        activation: the function between layers.
        time: how it sees a time, where it takes one.

    Raises:
        ModelError: if a value is not what it should be.
    """

    outputs: int
    _: KW_ONLY
    inputs: int = 1
    context: int = 0
    hidden: tuple[int, ...] = (64, 64)
    order: tuple[int, ...] | None = None
    activation: Activation = Activation.SILU

    def __post_init__(self) -> None:
        self._count("outputs")
        self._count("inputs")
        self._count("context", 0)
        self._counts("hidden")
        self._member("activation", Activation)
        self._time()
        if self.timed and not self.hidden:
            self._refuse("a time acts on hidden layers", "hidden=()", "a hidden layer", "hidden=(64,)")
        if self.order is not None:
            order = tuple(self.order) if isinstance(self.order, (tuple, list, range, np.ndarray)) else ()
            if not order or not all(map(whole, order)) or sorted(order) != list(range(len(order))):
                needed = "a permutation of 0, 1, ..., n - 1"
                self._refuse("the order has each element once", f"order={self.order!r}", needed, "order=(2, 1, 0)")
            self._set("order", tuple(map(int, order)))

    def output(self, event: Event) -> Event:
        """(n, outputs)."""
        n, rest = divmod(self._event(event, 1, "event (n,)")[0] - self.context, self.inputs)
        if n < 1 or rest:
            needed = f"{self.context} + n {self.inputs} numbers" if self.context else f"a multiple of {self.inputs}"
            self._refuse("the input does not divide into elements", f"event {shape_words(event)}", needed)
        if self.order is not None and len(self.order) != n:
            self._refuse("the order is of another length", f"{n} elements", f"{len(self.order)} elements")
        return (n, self.outputs)

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """layers.0 ... layers.L; row i * outputs + k of the last is output k of element i."""
        n, outputs = self.output(event)
        widths = (*event, *self.hidden, n * outputs)
        out: Parameters = {}
        for k, (a, b) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            out |= linear(f"layers.{k}", a, b)
        out |= time_parameters(self.time, context)
        for k, width in enumerate(self.hidden):
            out |= film_parameters(f"films.{k}", self.time, width)
        return out

    def masks(self, event: Event) -> tuple[np.ndarray, ...]:
        """Which weights are kept, (out, in) each."""
        n, outputs = self.output(event)
        return _masks(n, self.inputs, self.context, self.hidden, outputs, self.order, self.timed)

    def forward(
        self, nn: Layers, params: Values, x: Array, time: Array | None, event: Event, context: Array | None = None
    ) -> Array:
        """(..., context + n inputs) -> (..., n, outputs)."""
        *inner, last = self.masks(event)
        h, c = x, condition(nn, params, self.time, time, context)
        for k, mask in enumerate(inner):
            h = film(nn, params, f"films.{k}", nn.masked_linear(params, f"layers.{k}", h, mask), c)
            h = self.activation(nn.ops, h)
        y = nn.masked_linear(params, f"layers.{len(self.hidden)}", h, last)
        return nn.ops.reshape(y, (*y.shape[:-1], *self.output(event)))


@lru_cache(maxsize=64)
def _masks(
    n: int,
    inputs: int,
    context: int,
    hidden: tuple[int, ...],
    outputs: int,
    order: tuple[int, ...] | None,
    timed: bool,
) -> tuple[np.ndarray, ...]:
    first = np.empty(n, int)
    first[list(order or range(n))] = np.arange(1, n + 1)
    low = 0 if timed or context else 1
    seen = np.concatenate([np.zeros(context, int), np.repeat(first, inputs)])
    degrees = [seen, *(np.arange(width) % max(n - low, 1) + low for width in hidden)]
    out = [b[:, None] >= a[None, :] for a, b in zip(degrees[:-1], degrees[1:], strict=True)]
    out.append(np.repeat(first, outputs)[:, None] > degrees[-1][None, :])
    return tuple(m.astype(np.float64) for m in out)
