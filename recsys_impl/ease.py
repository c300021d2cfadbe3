"""EASE, a linear item-item model with a closed form.

Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg.lapack import spotrf, spotri
from threadpoolctl import threadpool_limits

from recsys_impl.base import ItemWeightModel, ModelError, check_user_items
from recsys_impl.kernels.symmetric import mirror_lower
from recsys_impl.parameters import require
from recsys_impl.progress import Callback, epochs


class EASE(ItemWeightModel):
    """B that minimises |X - XB|² + λ|B|² with a zero diagonal: B_ij = -P_ij / P_jj, P = (X'X + λI)^-1.

    Needs items² x 4 bytes, twice. The neighbours of an item are its row of B.

    Parameters
    ----------
    regularization
        λ, in units of X'X: of the order of an item's number of interactions.
    """

    def __init__(self, regularization: float = 500.0):
        require("EASE", regularization=regularization, above=0)
        self.regularization = regularization

    def fit(self, user_items: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR of interactions.

        Raises
        ------
        ModelError
            No CSR, values that are not finite, or a matrix that is singular in float32.
        """
        self.user_items = check_user_items(self, user_items)
        for _ in epochs(1, "EASE", show_progress, callback):
            inverse = _inverse(self._gram())
            inverse /= -np.diag(inverse).copy()  # column j by -P_jj
            np.fill_diagonal(inverse, 0)
            self.item_weights = inverse
        return self

    def _gram(self) -> NDArray[np.float32]:
        """G = X'X + λI as a dense Fortran-ordered matrix."""
        gram = (self.user_items.T @ self.user_items).toarray(order="F").astype(np.float32, copy=False)
        gram[np.diag_indices_from(gram)] += np.float32(self.regularization)
        return np.asarray(gram)


def _inverse(gram: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inverse of a symmetric positive definite matrix, in place, by Cholesky.

    On one thread: OpenBLAS's float32 Cholesky of more than 26,000 rows crashes with two.
    """
    with threadpool_limits(1 if len(gram) > 25_000 else None, user_api="blas"):
        factor, failed = spotrf(gram, lower=1, overwrite_a=1)
        if failed:
            raise ModelError("EASE: X'X + λI is singular: raise regularization")
        inverse, _ = spotri(factor, lower=1, overwrite_c=1)
    mirror_lower(inverse)
    return np.asarray(inverse.T)  # the same matrix, in C order
