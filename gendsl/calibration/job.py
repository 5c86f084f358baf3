"""One simulation: draw, fit, rank. What all share is a job, which travels to other processes as JSON."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from gendsl.data import Bound
from gendsl.errors import FitError, FormatError
from gendsl.fit import Fit
from gendsl.forward import compile_forward, simulate
from gendsl.graph import json as graph_json
from gendsl.graph.node import Graph
from gendsl.methods import MCMC, Centering, Method
from gendsl.passes.forward import imputing
from gendsl.predict import prior_program
from gendsl.program import BoundProgram, Program, compile_graph
from gendsl.progress import Silent
from gendsl.run import LATE, infer

__all__ = ["LIKELIHOOD", "Inputs", "Job", "Record", "sampled"]

LIKELIHOOD = "log_likelihood"
"""The name under which the log-likelihood of all data is ranked; it sees what single parameters do not."""

_DRAW, _FIT, _TIES = 11, 12, 13  # streams of random numbers

Record = dict[str, Any]
"""What one simulation gives: `k`, and `ranks`, `ess`, `divergences`, `seconds`, or `error`."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """Checked data: arrays in the user's layout, and sizes of plates."""

    arrays: dict[str, np.ndarray]
    sizes: dict[str, int]

    def bound(self, observed: Mapping[str, np.ndarray]) -> Bound:
        """As bound data, some of them replaced."""
        return Bound({**self.arrays, **observed}, self.sizes, {})


@dataclass(frozen=True, eq=False)
class Job:
    """A calibration, less which simulations have been done.

    Attributes:
        model: what is fitted.
        simulator: what the data are drawn from.
        given: the model's data; its observations are replaced.
        drawn: the simulator's data.
        method: how it is fitted.
        backend: by which backend.
        seed: seed of all randomness; a simulation depends on it and its number alone.
        draws: how many draws of a fit are ranked against.
    """

    model: Graph
    simulator: Graph
    given: Inputs
    drawn: Inputs
    method: Method
    backend: str
    seed: int
    draws: int

    # -- one simulation --------------------------------------------------------------------------------------------
    def run(self, k: int) -> Record:
        """Simulate and fit.

        Raises:
            KeyboardInterrupt: if the fit was interrupted.
        """
        began = time.perf_counter()
        values = self.simulate(k)
        observed = {n: values[n] for n in self.observations}
        if wild := [n for n, x in observed.items() if not np.isfinite(x).all()]:
            return {"k": k, "error": f"simulated data are not finite: {', '.join(wild)}"}
        entropy = np.random.SeedSequence([self.seed, _FIT, k]).generate_state(1)
        bound = BoundProgram(self._program, self.given.bound(observed))
        try:
            fit = infer(bound, self.method, int(entropy[0]), Silent())
        except FitError as e:
            return {"k": k, "error": e.problem}
        if fit.raw.error:
            return {"k": k, "error": fit.raw.note}
        if not fit.raw.complete or LATE in fit.raw.note:
            raise KeyboardInterrupt
        ranks = self._ranks(k, fit, values, observed)
        return {
            "k": k,
            "ranks": {name: x.tolist() for name, x in ranks.items()},
            "ess": _smallest_ess(fit, list(ranks)),
            "divergences": int(fit.raw.stats["diverging"].sum()) if "diverging" in fit.raw.stats else 0,
            "seconds": round(time.perf_counter() - began, 3),
        }

    def simulate(self, k: int) -> dict[str, np.ndarray]:
        """Every latent, recorded value and observation of simulation k."""
        names = [x.name for x in self._simulator.program.emitted.outputs]
        out = simulate(self._simulator, {}, 1, (self.seed, _DRAW, k), values=names)
        return {name: x[0] for name, x in out.values.items()}

    def _ranks(
        self, k: int, fit: Fit, values: Mapping[str, np.ndarray], observed: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        rng = np.random.default_rng([self.seed, _TIES, k])
        total = fit.draws[self.ranked[0]].shape[0] * fit.draws[self.ranked[0]].shape[1]
        at = ((np.arange(self.draws) + 0.5) * total / self.draws).astype(int)
        chosen = {name: x.reshape(total, *x.shape[2:])[at] for name, x in fit.draws.items()}
        out = {name: _rank(chosen[name], values[name], rng) for name in self.ranked}
        if (density := self._densities(chosen, values, observed)) is not None:
            out[LIKELIHOOD] = _rank(density[:-1], density[-1], rng)
        return out

    def _densities(
        self, chosen: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray], observed: Mapping[str, np.ndarray]
    ) -> np.ndarray | None:
        """The log-likelihood at the draws, and at the truth in the last place; None where the truth has not all."""
        names = self.observations
        program = compile_forward(self.model, self.backend, names, frozenset())
        latents = [str(n.name) for _, n in program.graph.of("latent")]
        if not names or not set(latents) <= set(self.ranked):
            return None
        given = {n: np.concatenate([chosen[n], values[n][None]]) for n in latents}
        bound = BoundProgram(program, self.given.bound(observed))
        terms = simulate(bound, given, self.draws + 1, (0,), log_probs=names).log_probs
        parts = [x.reshape(self.draws + 1, -1).sum(-1) for x in terms.values()]
        return np.asarray(np.sum(parts, axis=0))

    @cached_property
    def observations(self) -> tuple[str, ...]:
        """The observations, which are simulated."""
        return tuple(str(n.name) for _, n in self.model.of("observe"))

    @cached_property
    def ranked(self) -> tuple[str, ...]:
        """Latents and recorded values that the model and the simulator have in common."""
        there = {x.name for x in self._simulator.program.emitted.outputs}
        return tuple(n for n in sampled(self.model) if n in there)

    @cached_property
    def _simulator(self) -> BoundProgram:
        return BoundProgram(prior_program(self.simulator, self.backend), self.drawn.bound({}))

    @cached_property
    def _program(self) -> Program:
        partly = isinstance(self.method, MCMC) and self.method.centering is Centering.LEARNED
        return compile_graph(self.model, self.backend, partly_centered=partly)

    # -- JSON ------------------------------------------------------------------------------------------------------
    def to_json(self) -> str:
        """The job as one line of JSON text."""
        out = {f.name: _encode(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return json.dumps(out, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Job:
        """The job that `to_json` wrote."""
        return cls(**{k: _decode(v) for k, v in json.loads(text).items()})

    def head(self) -> dict[str, Any]:
        """What tells one calibration from another, for the first line of its file."""
        parts = {f.name: _encode(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return {
            "gendsl": "calibration",
            "version": 1,
            **{name: parts[name] for name in ("backend", "seed", "draws")},
            "method": repr(self.method),
            **{name: _digest(parts[name]) for name in ("model", "simulator", "given", "drawn")},
        }


def sampled(graph: Graph) -> list[str]:
    """The latents and recorded values of a model, less those that impute."""
    stands = imputing(graph)
    return [str(n.name) for _, n in graph.of("latent", "let") if n.name not in stands]


def _rank(draws: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How many draws lie below the truth; ties are broken at random."""
    return np.asarray((draws < truth).sum(0) + rng.integers(0, (draws == truth).sum(0) + 1))


def _smallest_ess(fit: Fit, names: list[str]) -> float:
    from gendsl.diagnostics import smallest_ess

    return smallest_ess({name: fit.draws[name] for name in names if name in fit.draws})


def _digest(x: Any) -> str:
    return hashlib.sha256(json.dumps(x, sort_keys=True).encode()).hexdigest()[:16]


def _encode(x: Any) -> Any:
    if isinstance(x, Graph):
        return {"graph": graph_json.dumps(x)}
    if isinstance(x, np.ndarray):
        out = io.BytesIO()
        np.save(out, x, allow_pickle=False)
        return {"array": base64.b64encode(out.getvalue()).decode()}
    if isinstance(x, Enum):
        return {"enum": [type(x).__module__, type(x).__qualname__, x.name]}
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        fields = {f.name: _encode(getattr(x, f.name)) for f in dataclasses.fields(x) if f.init}
        return {"data": [type(x).__module__, type(x).__qualname__], "fields": fields}
    if isinstance(x, Mapping):
        return {"dict": {str(k): _encode(v) for k, v in x.items()}}
    if isinstance(x, (list, tuple)):
        return {"tuple": [_encode(v) for v in x]}
    if isinstance(x, (np.integer, np.floating)):
        return x.item()
    return x


def _decode(x: Any) -> Any:
    if not isinstance(x, dict):
        return x
    if "graph" in x:
        return graph_json.loads(x["graph"])
    if "array" in x:
        return np.load(io.BytesIO(base64.b64decode(x["array"])), allow_pickle=False)
    if "enum" in x:
        return _named(*x["enum"][:2])[x["enum"][2]]
    if "data" in x:
        return _named(*x["data"])(**{k: _decode(v) for k, v in x["fields"].items()})
    if "dict" in x:
        return {k: _decode(v) for k, v in x["dict"].items()}
    return tuple(_decode(v) for v in x["tuple"])


def _named(module: str, name: str) -> Any:
    if module.partition(".")[0] != "gendsl":
        raise FormatError(f"a job names {module}.{name}, which is not gendsl's", given=module, needed="gendsl...")
    return getattr(import_module(module), name)
