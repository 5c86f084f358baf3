"""A fit as a user runs it, killed in the middle of its training, goes on to the numbers of one that was left alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import gendsl as gd
from gendsl.training import checkpoints, load

EVERY = 20
ROWS = np.random.default_rng(0).normal(size=(50, 6))


def autoencoder() -> gd.Model:
    vae = gd.Model("vae")
    row = vae.plate("row")
    z = vae.latent("z", gd.Normal(0, 1).expand(2), dims=row)
    vae.observe("x", gd.Normal(vae.network("decoder", gd.MLP(6, hidden=(5,)))(z), 0.5), dims=row)
    encoder = gd.Model("encoder")
    x = encoder.data("x", dims=encoder.plate("row"), event=6)
    loc, raw = gd.split(encoder.network("encoder", gd.MLP(4, hidden=(5,)))(x), 2)
    encoder.latent("z", gd.Normal(loc, gd.softplus(raw)), dims="row")
    vae.objective(gd.ELBO(guide=encoder))
    return vae


def method(steps: int, folder: Path | None = None) -> gd.Train:
    return gd.Train(
        steps=steps,
        batch_size=16,
        optimizer=gd.optim.AdamW(gd.optim.Cosine(0.01, steps=2_000)),
        ema=0.9,
        clip=1.0,
        validation=gd.Validation(fraction=0.2, every=15),
        checkpoint=None if folder is None else gd.Checkpoint(path=folder, every=EVERY),
    )


def run(backend: str, folder: str) -> None:
    """More steps than any machine ends: to be killed."""
    autoencoder().fit({"x": ROWS}, method(10**8, Path(folder)), backend=backend, seed=4, progress=False)


def test_a_fit_goes_on_exactly_after_sigkill(backend: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from tests.train.test_killed import run; run(*sys.argv[1:])"]
        + [backend, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while process.poll() is None and not (folder.exists() and any(checkpoints(folder))):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    step = load(checkpoints(folder)[-1]).step
    assert step > 0
    assert step % EVERY == 0
    model, data = autoencoder(), {"x": ROWS}
    alone, rest = (
        model.fit(data, method(step + 30), backend=backend, seed=4, progress=False, resume=resume)
        for resume in (None, folder)
    )
    one, other = alone.raw.state.to_arrays(), rest.raw.state.to_arrays()
    assert list(one) == list(other)
    assert any(k.startswith("memory/") for k in one)
    for k, x in one.items():
        if k != "history/seconds":
            np.testing.assert_array_equal(other[k], x, err_msg=k)
    for k, x in alone.params.items():
        np.testing.assert_array_equal(rest.params[k], x, err_msg=k)
    assert rest.raw.step == step + 30
