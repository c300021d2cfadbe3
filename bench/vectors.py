"""The vectors of users and items that a fitted model holds, whoever wrote it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def vectors_of(model: Any, n_users: int, n_items: int) -> dict[str, NDArray[np.float32]]:
    """float32 ``item_factors`` (n_items, d) and ``user_factors`` (n_users, d), as far as the model has such arrays.

    A model of one's own may use these names for something else: what has another shape or isn't finite is left out.
    """
    found = {}
    for name, n in (("item_factors", n_items), ("user_factors", n_users)):
        values = getattr(model, name, None)
        if isinstance(values, np.ndarray) and values.dtype.kind == "f" and values.ndim == 2 and len(values) == n:
            vectors = np.ascontiguousarray(values, np.float32)
            if vectors.shape[1] and np.isfinite(vectors).all():
                found[name] = vectors
    return found
