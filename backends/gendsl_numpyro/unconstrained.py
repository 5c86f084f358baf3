"""A PPL model at unconstrained latents: each latent site is set to the image of its value under numpyro's bijection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpyro import handlers
from numpyro.distributions import biject_to

__all__ = ["trace_at"]


def trace_at(model: Callable[..., Any], u: Mapping[str, Any], *args: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The sites of a model at unconstrained latents, and the log-determinants, `|dx/du|`."""
    terms: dict[str, Any] = {}

    def draw(site: Any) -> Any:
        if site["type"] != "sample" or site["name"] not in u:
            return None
        transform = biject_to(site["fn"].support)
        x = transform(u[site["name"]])
        terms[f"|d{site['name']}/du|"] = transform.log_abs_det_jacobian(u[site["name"]], x)
        return x

    seeded = handlers.seed(handlers.substitute(model, substitute_fn=draw), 0)
    return dict(handlers.trace(seeded).get_trace(*args)), terms
