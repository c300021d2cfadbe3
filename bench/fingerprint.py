"""Digests by which two fitted models are told apart byte by byte, without keeping their arrays."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray


def of_model(model: Any) -> dict[str, str]:
    """A digest of each array, sparse matrix and float that a fitted model holds, by the attribute's name.

    Whole numbers are settings (the number of threads among them) and are left out; so are arrays of objects, whose
    bytes are addresses.
    """
    found = {}
    for name, value in sorted(getattr(model, "__dict__", {}).items()):
        arrays = _arrays(value)
        if arrays:
            found[name] = of_arrays(*arrays)
    return found


def of_arrays(*arrays: NDArray[Any]) -> str:
    """One digest of some arrays' types, shapes and bytes."""
    digest = blake2b(digest_size=8)
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _arrays(value: Any) -> list[NDArray[Any]]:
    if sp.issparse(value):
        matrix = value.tocsr()
        parts = [np.asarray(matrix.shape), matrix.indptr, matrix.indices, matrix.data]
    elif isinstance(value, np.ndarray | float | np.floating):
        parts = [np.asarray(value)]
    else:
        parts = []
    return [] if any(part.dtype.hasobject for part in parts) else parts
