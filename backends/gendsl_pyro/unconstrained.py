"""A PPL model at unconstrained latents: each latent site is set to the image of its value under torch's bijection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pyro.poutine.messenger import Messenger

__all__ = ["Unconstrained"]


class Unconstrained(Messenger):
    """Sets each latent site to the image of its unconstrained value, and notes the log-determinants."""

    def __init__(self, u: Mapping[str, Any], terms: dict[str, Any]) -> None:
        super().__init__()
        self.u, self.terms = u, terms

    def _pyro_sample(self, msg: Any) -> None:
        name = msg["name"]
        if name not in self.u or msg["is_observed"]:
            return
        transform = torch.distributions.biject_to(msg["fn"].support)
        msg["value"] = transform(self.u[name])
        msg["done"] = True
        self.terms[f"|d{name}/du|"] = transform.log_abs_det_jacobian(self.u[name], msg["value"])
