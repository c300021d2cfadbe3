"""The hand-rolled models. ``from recsys_impl import ALS`` needs nothing of the harness."""

from importlib import import_module
from typing import Any

_HOMES = {
    "ALS": "als",
    "BPR": "bpr",
    "Bias": "bias",
    "EASE": "ease",
    "ModelError": "base",
    "Popularity": "popularity",
    "Random": "popularity",
    "Recommender": "base",
    "SVD": "svd",
    "SVDpp": "svdpp",
    "WARP": "warp",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a model when it is first asked for: the compiler alone takes a third of a second."""
    if name not in _HOMES:
        raise AttributeError(f"module 'recsys_impl' has no attribute '{name}'; it has {', '.join(_HOMES)}")
    return getattr(import_module(f"recsys_impl.{_HOMES[name]}"), name)
