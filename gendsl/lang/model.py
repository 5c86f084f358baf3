"""`Model`: where plates, data, latents, observations and factors are declared.

A model is a value. Declaring adds a typed node, and a mistake fails on its line; the graph so far is `model.graph`.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, overload

from gendsl.errors import ModelError, caller
from gendsl.graph.networks import networks_of
from gendsl.graph.node import Graph
from gendsl.lang.builder import Builder, identity
from gendsl.lang.declaration import Missing
from gendsl.lang.expr import Expr
from gendsl.lang.networks import NetworkHandle
from gendsl.lang.plates import Plate
from gendsl.lang.sites import Sites
from gendsl.request import fitting

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gendsl.fit import Fit
    from gendsl.methods import MCMC, Method, Train
    from gendsl.objectives import Objective
    from gendsl.passes import Report
    from gendsl.program import Program
    from gendsl.trained import TrainedFit

__all__ = ["Missing", "Model"]


class Model(Sites):
    """A generative model as a graph.

    Args:
        name: a Python identifier; it names the emitted program.

    Example:
        >>> import gendsl as gd
        >>> m = gd.Model("coins")
        >>> coin = m.plate("coin")
        >>> p = m.latent("p", gd.Beta(1, 1))
        >>> _ = m.observe("heads", gd.Bernoulli(probs=p), dims=coin)
    """

    def __init__(self, name: str) -> None:
        where = caller()
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise ModelError(
                "a model's name is a Python identifier",
                given=repr(name),
                needed="letters, digits and _",
                where=where,
            )
        super().__init__(Builder(name))
        self._objective: Objective | None = None

    # -- what it is -------------------------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        """The model's name."""
        return self._builder.name

    @property
    def graph(self) -> Graph:
        """The graph declared so far, frozen."""
        return self._builder.graph()

    @property
    def plates(self) -> dict[str, Plate]:
        """Its plates by name, those derived from others included; a copy's, to declare more over them."""
        return {name: Plate(self._builder, name) for name in self._builder.plates}

    @property
    def networks(self) -> dict[str, NetworkHandle]:
        """Its networks by name; a copy's, to call them in it."""
        return {name: NetworkHandle(self._builder, name) for name in self._builder.networks}

    def copy(self, name: str | None = None) -> Model:
        """An independent copy, to which more can be declared.

        Its plates are in `plates`, its networks in `networks`, its values `copy[name]`.
        """
        out = Model(name or self.name)
        b, src = out._builder, self._builder
        b.nodes, b.plates, b.axes = list(src.nodes), dict(src.plates), dict(src.axes)
        b.names, b.networks = dict(src.names), dict(src.networks)
        out._objective = self._objective
        return out

    def __copy__(self) -> Model:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return self.copy()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.graph == other.graph and self._objective == other._objective

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, name: str) -> Expr:
        """The expression of a site or data by its name."""
        graph = self.graph
        node = graph.sites.get(name, graph.inputs.get(name))
        if node is None:
            from gendsl.data.labels import near

            names = list(dict.fromkeys([*graph.inputs, *graph.sites]))
            guess = None if not isinstance(name, str) else near(name, names)
            is_network = name in self._builder.networks
            raise ModelError(
                f"'{name}' is a network, not a value"
                if is_network
                else f"model '{self.name}' has nothing named '{name}'",
                needed=f"one of {', '.join(names) or 'none'}",
                fix=f'm.networks["{name}"]' if is_network else f"did you mean '{guess}'?" if guess else None,
                where=caller(),
            )
        return self._shown(node)

    def __str__(self) -> str:
        from gendsl.graph.show import show

        text = show(self.graph)
        return text if self._objective is None else f"{text}\n\nobjective {self._objective}"

    def __repr__(self) -> str:
        sites = len(self.graph.sites)
        return f"<model {self.name}: {sites} sites, {len(self._builder.nodes)} nodes>"

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse to put a value in place of a method."""
        if callable(getattr(type(self), name, None)):
            raise ModelError(
                f"m.{name} is a method",
                node=self.name,
                given=f"m.{name} = {value!r}"[:100],
                needed="a call",
                fix=f"m.{name}(...)",
                where=caller(),
            )
        super().__setattr__(name, value)

    def objective(self, spec: Objective | None = None) -> Objective | None:
        """Declare what the model is trained for, in place of what was declared before; without an argument, ask.

        Args:
            spec: such as `gd.ELBO(guide=encoder)`.

        Returns:
            What is declared now; None where nothing is: then training takes the usual one for what is observed, which
            `explain()` names.

        Raises:
            ModelError: if it is none.
        """
        from gendsl.objectives import OBJECTIVES, Objective

        if spec is not None:
            if not isinstance(spec, Objective):
                is_kind = isinstance(spec, type) and issubclass(spec, Objective)
                raise ModelError(
                    "an objective is one of gendsl's",
                    given=f"the class {spec.__name__}" if is_kind else repr(spec)[:80],
                    needed=", ".join(f"gd.{name}(...)" for name in OBJECTIVES),
                    fix=f"an instance: gd.{spec.__name__}()" if is_kind else "m.objective(gd.ELBO())",
                    where=caller(),
                )
            self._objective = spec
        return self._objective

    # -- what can be done with it -----------------------------------------------------------------------------------
    def compile(self, backend: str = "auto", *, precision: str = "float64", device: str = "cpu") -> Program:
        """The program of this model for a backend ("numpyro", "pyro" or "auto").

        Args:
            backend: "numpyro", "pyro" or "auto".
            precision: "float64" or "float32".
            device: where its functions run: "cpu", "cuda", "cuda:1", ...

        Raises:
            CompileError: if the backend cannot express a node.
            BackendError: if the backend is not installed, or has no such device.
        """
        from gendsl.program import compile_graph

        return compile_graph(self.graph, backend, precision=precision, device=device)

    @overload
    def fit(
        self,
        data: Mapping[str, Any],
        method: Train,
        *,
        backend: str = ...,
        seed: int = ...,
        precision: str | None = ...,
        device: str = ...,
        progress: bool = ...,
        resume: TrainedFit | str | PathLike[str] | None = ...,
    ) -> TrainedFit: ...

    @overload
    def fit(
        self,
        data: Mapping[str, Any],
        method: MCMC | None = ...,
        *,
        backend: str = ...,
        seed: int = ...,
        precision: str | None = ...,
        device: str = ...,
        progress: bool = ...,
    ) -> Fit: ...

    @fitting
    def fit(
        self,
        data: Mapping[str, Any],
        method: Method | None = None,
        *,
        backend: str = "auto",
        seed: int = 0,
        precision: str | None = None,
        device: str = "cpu",
        progress: bool = True,
        resume: TrainedFit | str | PathLike[str] | None = None,
    ) -> Fit | TrainedFit:
        """Infer the latents from data, or train the model for its objective.

        Args:
            data: the values of all data and observations, by name: numbers, numpy, pandas or xarray.
            method: what to run, such as `gd.NUTS()` or `gd.Train(steps=5_000)`. Training is for the model's objective;
                where it declares none, for that which `model.explain()` names, and `fit.objective` is it.
            backend: "numpyro", "pyro", or "auto": NumPyro where it is installed, which is the faster one, else Pyro.
            seed: seed of all randomness; equal seeds give equal draws.
            precision: of the density and the sampler, "float64" (left out) or "float32"; draws come as float64.
                Training computes in that of its method, `gd.Train(precision=...)`, by default float32.
            device: where they run: "cpu", "cuda", "cuda:1", ...; draws come as numpy arrays.
            progress: whether to show progress.
            resume: of training: a fit to go on from, a checkpoint, or a folder of them. `gd.Train(steps=...)`
                counts the steps done before. Model, objective, data, seed and precision are those of before, and so are
                the batches, the kinds of optimisers, and whether there is an average.

        Returns:
            A fit with draws of the posterior; of training, one with parameters, curves and, where there is a guide,
            its posterior.

        Raises:
            DataError: if the data do not fit the model.
            FitError: if the run cannot start.
            BackendError: if the backend is not installed, or has no such device.
        """
        from gendsl.run import run

        return run(
            self,
            data,
            method,
            backend=backend,
            seed=seed,
            precision=precision,
            device=device,
            progress=progress,
            resume=resume,
        )

    def prior_predictive(
        self,
        data: Mapping[str, Any] | None = None,
        draws: int = 1000,
        *,
        backend: str = "auto",
        seed: int = 0,
        sizes: Mapping[str, int] | None = None,
    ) -> Any:
        """Draw latents from the prior, and observations given them.

        Args:
            data: values of the data; observations may be left out, and give sizes and labels of plates where they are
                there.
            draws: how many.
            backend: "numpyro", "pyro" or "auto".
            seed: seed of all randomness.
            sizes: lengths of plates that no data have.

        Returns:
            arviz's InferenceData with the groups prior (latents and recorded values), prior_predictive (observations),
            observed_data and constant_data; one chain.

        Raises:
            FitError: if a prior is improper, or a factor reweights it.
            DataError: if data are missing or do not fit.
        """
        from gendsl.predict import prior_predictive

        return prior_predictive(self.graph, data, draws, backend, seed, sizes)

    def explain(self) -> Report:
        """What each node is, what each pass of the compiler does to the graph, and which methods and objectives apply.

        Why others do not is said of the needs that they have by default.
        """
        from gendsl.objectives.choose import applying, default_words
        from gendsl.passes import explain

        trains = f"{self._objective}, as declared" if self._objective else default_words(self.graph)
        return replace(explain(self.graph), methods=applying(self.graph), trains=trains)

    def to_json(self) -> str:
        """The graph, and the objective where one is declared, as JSON text."""
        from gendsl.graph.json import dumps

        if self._objective is None:
            return dumps(self.graph)
        from gendsl.objectives.json import dumps as with_objective

        return with_objective(dumps(self.graph), self._objective)

    @classmethod
    def from_json(cls, text: str) -> Model:
        """The model that `to_json` wrote.

        Raises:
            FormatError: if the text is damaged or from a later version.
        """
        from gendsl.graph.json import loads
        from gendsl.objectives import json as whole

        if not whole.is_model(text):
            return cls.from_graph(loads(text))
        graph, objective = whole.loads(text)
        out = cls.from_graph(loads(graph))
        out._objective = objective
        return out

    @classmethod
    def from_graph(cls, graph: Graph) -> Model:
        """A model with this graph, to which more can be declared."""
        out = cls(graph.name)
        b = out._builder
        b.nodes = list(graph.nodes)
        b.plates, b.axes = {p.name: p for p in graph.plates}, {a.name: a for a in graph.axes}
        b.names = {identity(n.name): n.where for n in graph.nodes if n.name}
        used = networks_of(graph.nodes)
        b.networks = {name: u.spec for name, u in used.items()}
        b.names |= {identity(name): None for name in (*b.plates, *b.axes)}
        b.names |= {identity(name): u.where for name, u in used.items()}
        return out

    def plot(self, *, title: str | None = None, ax: Axes | None = None) -> Figure:
        """The plate diagram.

        Args:
            title: stands above; the model's name when left out, nothing when empty.
            ax: where to draw; left out, on a new figure of the right size, which belongs to no window.

        Returns:
            A matplotlib figure.
        """
        from gendsl.plot import plot_graph

        return plot_graph(self.graph, title=title, ax=ax)

    def dot(self) -> str:
        """The plate diagram as Graphviz DOT text."""
        from gendsl.plot import dot

        return dot(self.graph)

    def mermaid(self) -> str:
        """The plate diagram as Mermaid text."""
        from gendsl.plot import mermaid

        return mermaid(self.graph)
