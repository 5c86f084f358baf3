"""Handwritten digits: 1,797 images of 8 x 8 pixels in 17 levels of grey, which come with scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["images", "labels"]

_HELD_OUT = 297


def images(*, held_out: bool = False) -> np.ndarray:
    """Images with pixels 0, 1, ..., 16, (image, 8, 8): 1,500 to learn from, or the other 297.

    Which are held out is drawn once, so that both parts have digits of the same writers.

    Raises:
        ModuleNotFoundError: if scikit-learn is not installed.

    Reference:
        Optical Recognition of Handwritten Digits (Alpaydin, Kaynak, 1998) | https://doi.org/10.24432/C50P49
    """
    return _part(_load().images, held_out)


def labels(*, held_out: bool = False) -> np.ndarray:
    """Which digit each of the images shows, (image,)."""
    return _part(_load().target, held_out)


def _load() -> Any:
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as e:
        raise ModuleNotFoundError("the digits come with scikit-learn: pip install scikit-learn", name=e.name) from e
    return load_digits()


def _part(x: np.ndarray, held_out: bool) -> np.ndarray:
    order = np.random.default_rng(0).permutation(len(x))
    return x[order[:_HELD_OUT] if held_out else order[_HELD_OUT:]]
