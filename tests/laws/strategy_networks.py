"""Random calls of networks: new ones and ones that are there, on values over plates, with and without a time."""

from __future__ import annotations

from gendsl.networks import MLP
from tests.laws.strategy_arrays import adds
from tests.laws.strategy_draft import TAME, Draft

__all__: list[str] = []

_SPECS = (
    "nn.MLP({out}, hidden=(3,){time})",
    "nn.MLP({out}, hidden=(2,), activation=nn.Activation.TANH{time})",
    "nn.ResNet({out}, width=2, blocks=1{time})",
)
_TIME = ", time=nn.Sinusoidal(size=2, width=2, scale=2.0)"


@adds("network")
def _network(d: Draft, op: str) -> str | None:
    known = {n: h.spec for n, h in d.model.networks.items()}
    if known and (d.depth or d.choice.chance(40)):
        name = d.choice.pick(sorted(known))
        event, timed = d.called[name], known[name].timed
    elif d.depth:
        return None  # a step may be called again, and would declare it again
    else:
        name, event, timed = d.fresh("net"), None, d.choice.chance(30)
    x = d.some_real(lambda e: e.event == event if event is not None else all(isinstance(s, int) for s in e.event))
    if x is None:
        return None
    if event is None:
        out = d.choice.pick(["()", "1", "2", "(2, 1)"])
        spec = d.choice.pick(_SPECS).format(out=out, time=_TIME if timed else "")
        d.run(f'{name} = m.network("{name}", {spec})')
        d.called[name] = d.expr(x).event
    time = d.some_real(lambda e: not e.event and d.meet(d.expr(x), e)) if timed else None
    if timed and time is None:
        time = "0.5"
    scale = 1.0 if isinstance(d.model.networks[name].spec, MLP) else 0.5  # ResNets sum their blocks
    return d.real(f"{scale} * {name}({x}{f', time={time}' if timed else ''})", TAME, "network")
