"""A variational autoencoder of handwritten digits: the guide is a model too."""

import numpy as np

import gendsl as gd
from gendsl_models import digits

__all__ = ["data", "digits_vae"]


def digits_vae(latent: int = 8, width: int = 128) -> gd.Model:
    """Digits of 64 pixels in 17 levels of grey, from a few numbers each.

        z[image] ~ Normal(0, I)
        x[image] ~ Binomial(16, grey), grey = sigmoid(decoder(z))
        guide: z ~ Normal(loc, softplus(raw)), (loc, raw) = encoder(x)

    It is trained by the ELBO, E_guide log p(x, z) - log guide(z).

    Recorded: grey (image, 64), the mean of a pixel over 16.

    Data: x (image, 64), from 0 to 16.

    Reference:
        Auto-Encoding Variational Bayes (Kingma, Welling, 2013) | https://arxiv.org/abs/1312.6114
    """
    m = gd.Model("digits_vae")
    image = m.plate("image")
    decoder = m.network("decoder", gd.MLP(64, hidden=(width, width)))
    z = m.latent("z", gd.Normal(0, 1).expand(latent), dims=image)
    logits = decoder(z)
    m.let("grey", gd.sigmoid(logits))
    m.observe("x", gd.Binomial(16, logits=logits), dims=image)

    guide = gd.Model("encoder")
    x = guide.data("x", dims=guide.plate("image"), event=(64,))
    loc, raw = gd.split(guide.network("encoder", gd.MLP(2 * latent, hidden=(width, width)))(x), 2)
    guide.latent("z", gd.Normal(loc, gd.softplus(raw)), dims="image")
    m.objective(gd.ELBO(guide=guide))
    return m


def data(*, held_out: bool = False) -> dict[str, np.ndarray]:
    """1,500 digits to learn from, or the 297 held out."""
    return {"x": digits.images(held_out=held_out).reshape(-1, 64)}
