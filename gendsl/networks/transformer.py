"""A transformer: a stack of blocks over a sequence.

    h_0 = W x + b + position                        (or the tokens' rows of an embedding)
    h <- h + attention(norm(h))
    h <- h + V phi(film(U norm(h)))
    y = W' norm(h_L) + b'

Reference:
    Attention Is All You Need (Vaswani et al., 2017) | https://arxiv.org/abs/1706.03762
    On Layer Normalization in the Transformer Architecture (Xiong et al., 2020) | https://arxiv.org/abs/2002.04745
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from gendsl.networks.activation import Activation
from gendsl.networks.base import Event, Timed
from gendsl.networks.layers import Array, Layers, Values, attention
from gendsl.networks.parameter import Parameters, embedding, linear, norm
from gendsl.networks.parameter import attention as attention_parameters
from gendsl.networks.time import condition, film, film_parameters, time_parameters

__all__ = ["Transformer"]

_POSITION = 0.02


@dataclass(frozen=True, repr=False)
class Transformer(Timed):
    """Attention and MLPs over a sequence: event (length, features), or (length,) of tokens.

    Args:
        out: numbers for each place; the result's event is (length, out).
        width: features inside.
        heads: heads of the attention, a divisor of the width.
        blocks: how many.
        expansion: width of the MLPs in a block, as a multiple of `width`.
        causal: whether a place sees only itself and those before it.
        positions: whether places are told apart; without, the network commutes with permutations.
        vocabulary: how many tokens there are, where the input are integers from 0 to vocabulary - 1.
        activation: the function in the MLPs.
        time: how it sees a time, where it takes one.

    Raises:
        ModelError: if a value is not what it should be.
    """

    out: int
    _: KW_ONLY
    width: int = 64
    heads: int = 4
    blocks: int = 2
    expansion: int = 4
    causal: bool = False
    positions: bool = True
    vocabulary: int | None = None
    activation: Activation = Activation.GELU

    @property
    def rank(self) -> int:  # type: ignore[override]
        """Event axes of the input."""
        return 1 if self.integers else 2

    @property
    def integers(self) -> bool:
        """Whether its input are tokens."""
        return self.vocabulary is not None

    def __post_init__(self) -> None:
        for name in ("out", "width", "heads", "blocks", "expansion"):
            self._count(name)
        if self.vocabulary is not None:
            self._count("vocabulary")
        self._flag("causal")
        self._flag("positions")
        self._member("activation", Activation)
        self._time()
        if self.width % self.heads:
            given = f"heads={self.heads}, width={self.width}"
            self._refuse("heads divide the width", given, "a divisor of the width", "width=64, heads=4")

    def output(self, event: Event) -> Event:
        """(length, out)."""
        words = "tokens: event (length,)" if self.integers else "a sequence: event (length, features)"
        return (self._event(event, self.rank, words)[0], self.out)

    def parameters(self, event: Event, context: int = 0) -> Parameters:
        """embed or first; position; blocks.k.norm0, .attention, .norm1, .first, .film, .second; norm, last."""
        length, _ = self.output(event)
        width, inner = self.width, self.expansion * self.width
        if self.vocabulary is not None:
            out = embedding("embed", self.vocabulary, width)
        else:
            out = linear("first", event[-1], width)
        if self.positions:
            out |= embedding("position", length, width, _POSITION)
        out |= time_parameters(self.time, context)
        for k in range(self.blocks):
            out |= norm(f"blocks.{k}.norm0", width)
            out |= attention_parameters(f"blocks.{k}.attention", width)
            out |= norm(f"blocks.{k}.norm1", width) | linear(f"blocks.{k}.first", width, inner)
            out |= film_parameters(f"blocks.{k}.film", self.time, inner)
            out |= linear(f"blocks.{k}.second", inner, width)
        return out | norm("norm", width) | linear("last", width, self.out)

    def forward(
        self, nn: Layers, params: Values, x: Array, time: Array | None, event: Event, context: Array | None = None
    ) -> Array:
        """(..., *event) -> (..., length, out)."""
        h = nn.embedding(params, "embed", x) if self.integers else nn.linear(params, "first", x)
        if self.positions:
            h = h + params["position.weight"]
        c = condition(nn, params, self.time, time, context)
        if c is not None:
            c = c[..., None, :]  # one for all places
        for k in range(self.blocks):
            at = f"blocks.{k}"
            y = nn.layer_norm(params, f"{at}.norm0", h)
            h = h + attention(nn, params, f"{at}.attention", y, self.heads, self.causal)
            y = nn.linear(params, f"{at}.first", nn.layer_norm(params, f"{at}.norm1", h))
            y = self.activation(nn.ops, film(nn, params, f"{at}.film", y, c))
            h = h + nn.linear(params, f"{at}.second", y)
        return nn.linear(params, "last", nn.layer_norm(params, "norm", h))
