"""A trained guide as a posterior: draws in the user's layout, and importance weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gendsl.errors import FitError, caller
from gendsl.guide import Delta, Laplace, hessian
from gendsl.objectives.amortised import AmortisedGame
from gendsl.objectives.pair import Bound, estimates
from gendsl.objectives.unconstrained import UnconstrainedGame
from gendsl.program import BoundProgram

if TYPE_CHECKING:
    from gendsl.objectives.base import Objective
    from gendsl.samplers import Sampler
    from gendsl.trained import TrainedFit

__all__ = ["Amortised", "Posterior", "generate", "posterior_of"]

_STREAM = 7


class Posterior(Protocol):
    """A trained guide.

    Attributes:
        has_density: whether its draws have weights.
    """

    has_density: bool

    def draw(self, count: int, seed: int, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """Every declared latent and recorded value, or those that are named: name -> (count, *dims, *event)."""

    def log_weights(self, count: int, seed: int) -> np.ndarray:
        """log p(x, z) - log q(z) of draws, (count,)."""

    def bounds(self, count: int, seed: int) -> np.ndarray:
        """Estimates of the objective's bound on the evidence, each by as many draws as it has particles."""


def posterior_of(fit: TrainedFit) -> Posterior | None:
    """The posterior of a fit; None where it has no guide."""
    game = fit.made.game
    if isinstance(game, UnconstrainedGame):
        return _Unconstrained(fit, game)
    return Amortised(fit, game) if isinstance(game, AmortisedGame) else None


class _Unconstrained:
    """Of a guide on unconstrained space."""

    def __init__(self, fit: TrainedFit, game: UnconstrainedGame) -> None:
        self.fit, self.game = fit, game
        self.has_density = not isinstance(game.guide, Delta) or isinstance(game.guide, Laplace)
        self._root: np.ndarray | None = None

    def _points(self, count: int, seed: int) -> tuple[Any, Any]:
        """Draws of z, and its distribution, as the backend's."""
        fit, game = self.fit, self.game
        b = fit.setting.backend
        params = {k: b.array(np.asarray(v, np.float64), fit.setting.precision) for k, v in fit.raw.best.items()}
        dist, width = game.distribution(params), game.guide.noise(game.size)
        if isinstance(game.guide, Laplace):
            self._root = self._spread() if self._root is None else self._root
            root = b.array(self._root, fit.setting.precision)
            dist = game.evidence.dist.MultivariateNormal(params["guide.location"], scale_tril=root)
            width = game.size
        key = game.ops.key(_STREAM, seed)
        eps = game.ops.normal(key, (count, max(width, 1)), like=game.like)
        return game.evidence.image(dist, eps), dist

    def _spread(self) -> np.ndarray:
        """Laplace's Cholesky factor of the covariance, by the curvature in float64 whatever was trained in."""
        fit, game = self.fit, self.game
        exact = replace(fit.setting, precision="float64")
        with exact.context():
            bound = exact.program()
            bound = bound.with_learnt(fit.params)
            arguments, program = bound.arguments, bound.program
            at = exact.backend.array(np.asarray(fit.raw.best["guide.location"], np.float64), "float64")
            h = hessian(lambda z: program.log_density(game.latents(z), *arguments), game.ops, at)
            h = np.asarray(exact.backend.numpy(h), np.float64)
        try:
            np.linalg.cholesky(-0.5 * (h + h.T))  # the inverse of what is indefinite may look positive by rounding
            return np.linalg.cholesky(np.linalg.inv(-0.5 * (h + h.T)))
        except np.linalg.LinAlgError:
            raise FitError(
                "training has not come to a mode: the log density is not curved downwards where it ended",
                given=f"guide={game.guide!r}, {fit.raw.step} steps",
                needed="a mode, where the negative Hessian is positive definite",
                fix="more steps, or a smaller learning rate; or guide=gd.guide.FullRank(), which needs no mode",
                where=caller(),
            ) from None

    def _density(self) -> Callable[[Any], Any]:
        """The log density of a z; its data are made here, not under the transform that it is given to."""
        program, arguments = self.fit.bound.program, self.fit.bound.arguments
        return lambda z: program.log_density(self.game.latents(z), *arguments)

    def draw(self, count: int, seed: int, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        fit, bound = self.fit, self.fit.bound
        with fit.setting.context():
            z = np.asarray(fit.setting.backend.numpy(self._points(count, seed)[0]), np.float64)
        u, start = {}, 0
        for name, shape in bound.shapes.items():
            stop = start + int(np.prod(shape, dtype=int))
            u[name] = z[:, start:stop].reshape(count, *shape)
            start = stop
        values = bound.constrain(u)
        every = [str(n.name) for _, n in fit.setting.graph.of("latent", "let")]
        return {k: values[k] for k in every if names is None or k in names}

    def log_weights(self, count: int, seed: int) -> np.ndarray:
        if not self.has_density:
            raise FitError(
                "a point has no density, so its draws have no weights",
                given=f"guide={self.game.guide!r}",
                needed="a guide with a density",
                fix="gd.guide.Laplace(), which begins at the same point",
                where=caller(),
            )
        fit = self.fit
        with fit.setting.context():
            z, dist = self._points(count, seed)
            weights = self.game.ops.vmap(self._density())(z) - dist.log_prob(z)
            return np.asarray(fit.setting.backend.numpy(weights), np.float64)

    def bounds(self, count: int, seed: int) -> np.ndarray:
        objective: Any = self.fit.objective
        if objective.bound is not Bound.IWAE:
            return self.log_weights(count, seed)
        weights = self.log_weights(count * objective.particles, seed)
        return estimates(objective.bound, weights.reshape(count, objective.particles))


class Amortised:
    """Of a guide that is a model."""

    has_density = True

    def __init__(self, fit: TrainedFit, game: AmortisedGame) -> None:
        self.fit, self.game = fit, game

    def draw(self, count: int, seed: int, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """See `Posterior.draw`; of some of the latents and recorded values only, where they are named."""
        from gendsl.forward import compile_forward, simulate

        setting = self.fit.setting
        latents = [str(n.name) for _, n in setting.graph.of("latent")]
        lets = tuple(n for n in self.recorded if names is None or n in names)
        bound = self.fit.made.programs["guide"].with_learnt(self.fit.params)
        wanted = latents if names is None or lets else [n for n in latents if n in names]
        out = simulate(bound, {}, count, (_STREAM, seed), values=wanted).values
        if lets:
            program = compile_forward(
                setting.graph, setting.backend.name, lets, frozenset(), precision=setting.precision,
                device=setting.device,
            )  # fmt: skip
            run = BoundProgram(program, setting.bound).with_learnt(self.fit.params)
            out |= simulate(run, out, count, (_STREAM, seed), values=lets).values
        order = [str(n.name) for _, n in setting.graph.of("latent", "let")]
        return {k: out[k] for k in order if k in out and (names is None or k in names)}

    @property
    def recorded(self) -> tuple[str, ...]:
        """The recorded values."""
        return tuple(str(n.name) for _, n in self.fit.setting.graph.of("let"))

    def log_weights(self, count: int, seed: int) -> np.ndarray:
        """Of all rows together, draw by draw."""
        return self._bounds(count, seed, replace(self.fit.objective, particles=1))  # type: ignore[call-arg]

    def bounds(self, count: int, seed: int) -> np.ndarray:
        return self._bounds(count, seed, self.fit.objective)

    def _bounds(self, count: int, seed: int, objective: Objective) -> np.ndarray:
        """Minus the losses, times the rows: all of them, those that were held out too."""
        fit, b, ops = self.fit, self.fit.setting.backend, self.game.ops
        setting = replace(fit.setting, count=None)
        made = objective.bind(setting)
        game, player = made.game, made.game.players[0]
        with setting.context():
            batch = {k: b.array(v, setting.precision) for k, v in (made.rows | made.whole).items()}
            params = {k: b.array(np.asarray(v, np.float64), fit.setting.precision) for k, v in fit.raw.best.items()}
            each = [game.draw(player, ops.key(_STREAM, seed, k), batch) for k in range(count)]
            noise = {k: ops.stack([x[k] for x in each]) for k in each[0]}

            def step(carry: Any, eps: Any) -> Any:
                return carry, -game.loss(player, params, batch, eps, {}).value

            values = ops.scan(step, self.game.like, noise, count)[1]
            return np.asarray(b.numpy(values), np.float64) * setting.rows


def generate(
    fit: TrainedFit,
    data: Mapping[str, Any] | None,
    names: str | Sequence[str] | None,
    draws: int,
    seed: int,
    sizes: Mapping[str, int] | None,
    sampler: Sampler | None = None,
) -> dict[str, np.ndarray]:
    """Draws of the model with its trained parameters, latents from their priors: site -> (1, draw, *dims, *event).

    Raises:
        FitError: if a sampler is given, and no diffusion is drawn; if a plate of functions that were observed, or of a
            parameter, has another size.
    """
    from gendsl.forward import bind_forward, compile_forward, refuse_improper, simulate
    from gendsl.joined import Trained, with_learnt
    from gendsl.kriging import functions_of, functions_over
    from gendsl.request import check_sizes, site_names

    graph, setting = fit.setting.graph, fit.setting
    observations = [str(n.name) for _, n in graph.of("observe")]
    wanted = tuple(observations if names is None else site_names(graph, names))
    own = data is None and not sizes
    # What is drawn anew is not needed; new values of it tell how many rows there are.
    given = {k: v for k, v in setting.given.items() if k not in wanted} if own else dict(data or {})
    kept = frozenset(k for k in given if k in graph.inputs)
    fixed = dict(sizes or {})
    if own:  # the plates that only the drawn observations measure
        fixed = {p.name: setting.bound.sizes[p.name] for p in graph.plates if p.base is None and p.size is None}
    program = compile_forward(
        graph, setting.backend.name, wanted, frozenset(observations), kept, precision=setting.precision,
        device=setting.device,
    )  # fmt: skip
    refuse_improper(program, (), "a draw of the model")
    needed = {k: v for k, v in given.items() if k in program.declared.inputs or k not in graph.inputs}  # typos too
    goes_on = data is not None and not graph.of("latent")  # from what was observed
    trained, over = fit.bound.bound, functions_over(program) if goes_on else ()
    functions = {k: (trained.sizes[k], trained.coords.get(k)) for k in over}
    check_sizes(graph, sizes, functions, anew=False)
    seen = Trained(fit.program, fit.bound, fit.params)
    bound = with_learnt(seen, bind_forward(program, needed, fixed, functions))
    given_draws = functions_of(seen, bound, observations, draws, seed) if goes_on else {}
    if sampler is not None:
        from gendsl.objectives.diffused import draw_diffusions, none_to_draw

        diffusions = draw_diffusions(bound, sampler, draws, seed, fit.params)
        if not diffusions:
            raise none_to_draw(wanted, sampler)
        given_draws |= diffusions
    values = simulate(bound, given_draws, draws, (_STREAM, seed), values=wanted).values
    return {k: v[None] for k, v in values.items()}
