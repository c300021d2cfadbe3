"""EASE, a linear item-item model with a closed form.

Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.linalg.lapack import spotrf, spotri
from threadpoolctl import threadpool_limits

from recsys_impl.base import ItemWeightModel, ModelError, check_user_items
from recsys_impl.kernels.symmetric import add_gram, mirror_lower, quadratic_forms
from recsys_impl.memory import gib, require_memory
from recsys_impl.parameters import require
from recsys_impl.progress import Callback, epochs
from recsys_impl.threads import chunks, workers

Dense = NDArray[np.float32]
COLUMNS_PER_TASK = 256
WORKING_BYTES = 32 * 2**20  # what BLAS takes for its blocks, and compiled code


class EASE(ItemWeightModel):
    """B that minimises |X - XB|² + λ|B|² with a zero diagonal: B_ij = -P_ij / P_jj, P = (X'X + λI)^-1.

    Where there are fewer users than items, the smaller inverse Q = (XX' + λI)^-1 is computed, users x users, and B is
    never formed: λP = I - X'QX, hence XP = QX (both are Woodbury's identity). Memory is min(users, items)² x 4 bytes,
    once (see :meth:`memory_needed`). The neighbours of an item are its row of B.

    Parameters
    ----------
    regularization
        λ, in units of X'X: of the order of an item's number of interactions.
    num_threads
        0: all cores. The result does not depend on it: they add up X'X, its inverse is computed on one.

    Attributes
    ----------
    item_weights
        B, float32 (n_items, n_items), where there are at least as many users as items.
    user_inverse, item_variances
        Otherwise Q, float32 (n_users, n_users), and the diagonal of P, float32 (n_items,).
    """

    item_weights: Dense | None = None
    user_inverse: Dense | None = None
    item_variances: Dense | None = None

    def __init__(self, regularization: float = 500.0, num_threads: int = 0):
        require("EASE", regularization=regularization, above=0)
        self.regularization = regularization
        self.num_threads = num_threads

    @staticmethod
    def memory_needed(user_items: sp.csr_matrix) -> int:
        """The bytes that ``fit`` takes beside ``user_items``: a dense matrix and the interactions in other orders."""
        dense = 4 * min(user_items.shape) ** 2
        orders = 2 if user_items.shape[0] < user_items.shape[1] else 1
        return int(dense + orders * (8 * user_items.nnz + 8 * sum(user_items.shape)) + WORKING_BYTES)

    def fit(self, user_items: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR of interactions.

        Raises
        ------
        NotEnoughMemoryError
            More is needed than there is; nothing has been allocated yet.
        ModelError
            No CSR, values that are not finite, or a matrix that is singular in float32.
        """
        x = check_user_items(self, user_items)
        needed = self.memory_needed(x)
        require_memory("EASE", needed, f"it grows with the square of {min(x.shape):,}; ALS grows with users + items")
        for _ in epochs(1, f"EASE ({gib(needed)})", show_progress, callback):
            self.item_weights = self.user_inverse = self.item_variances = None
            self.user_items = _without_repeats(x)
            if x.shape[0] < x.shape[1]:
                self._learn_user_inverse()
            else:
                self._learn_item_weights()
        return self

    def _learn_item_weights(self) -> None:
        inverse = _regularized_inverse(self.user_items, self.regularization, self.num_threads)
        inverse /= -np.diag(inverse).copy()  # column j by -P_jj
        np.fill_diagonal(inverse, 0)
        self.item_weights = inverse

    def _learn_user_inverse(self) -> None:
        inverse = _regularized_inverse(self.user_items.T.tocsr(), self.regularization, self.num_threads)
        columns = self.user_items.tocsc()
        forms = np.empty(columns.shape[1])
        quadratic_forms(columns.indptr, columns.indices, columns.data, inverse, forms)
        self.user_inverse = inverse
        self.item_variances = ((1 - forms) / self.regularization).astype(np.float32)

    def score(self, user_ids: ArrayLike) -> Dense:
        if self.user_inverse is None:
            return super().score(user_ids)
        users = np.atleast_1d(np.asarray(user_ids))
        return self._scores_from(self.user_items[users], _product(self.user_inverse[users], self.user_items))

    def _score_again(self, user_items: sp.csr_matrix) -> Dense:
        if self.user_inverse is None:
            return super()._score_again(user_items)
        return self._scores_from(user_items, self._times_p(user_items))

    def _scores_from(self, user_items: sp.csr_matrix, times_p: Dense) -> Dense:
        """r B from r and r P: (r B)_j = r_j - (r P)_j / P_jj, for B's diagonal is zero."""
        assert self.item_variances is not None
        return np.asarray(user_items.toarray() - times_p / self.item_variances, np.float32)

    def _weights_of(self, items: NDArray[np.int64]) -> Dense:
        if self.item_variances is None:
            return super()._weights_of(items)
        shape = (len(items), self.user_items.shape[1])
        unit = sp.csr_matrix((np.ones(len(items), np.float32), items, np.arange(len(items) + 1)), shape)
        rows = -self._times_p(unit) / self.item_variances
        rows[np.arange(len(items)), items] = 0
        return np.asarray(rows, np.float32)

    def _times_p(self, rows: sp.csr_matrix) -> Dense:
        """Rows (b, n_items) times P: r P = (r - r X' Q X) / λ."""
        common = (rows @ self.user_items.T) @ self.user_inverse
        times_p: Dense = (rows.toarray() - _product(common, self.user_items)) / np.float32(self.regularization)
        return times_p


def _regularized_inverse(x: sp.csr_matrix, regularization: float, num_threads: int) -> Dense:
    """(X'X + λI)^-1 of a CSR (n, m), float32 (m, m), in the memory of one dense matrix."""
    m = x.shape[1]
    gram = np.zeros((m, m), np.float32)
    columns = x.tocsc()

    def add(part: tuple[int, int]) -> None:
        add_gram(*part, x.indptr, x.indices, x.data, columns.indptr, columns.indices, gram)

    with workers(num_threads) as executor:
        list(executor.map(add, chunks(m, COLUMNS_PER_TASK)))
    gram.flat[:: m + 1] += np.float32(regularization)
    return _inverse(gram.T)


def _inverse(gram: Dense) -> Dense:
    """The inverse of a symmetric positive definite matrix given by its lower triangle, Fortran-ordered, in place.

    On one thread: with two, last digits differ, and OpenBLAS's float32 Cholesky of more than 26,000 rows crashes.
    """
    with threadpool_limits(1, user_api="blas"):
        factor, failed = spotrf(gram, lower=1, overwrite_a=1)
        if failed:
            raise ModelError("EASE: X'X + λI is singular: raise regularization")
        inverse, _ = spotri(factor, lower=1, overwrite_c=1)
    mirror_lower(inverse)
    return np.asarray(inverse.T)  # the same matrix, in C order


def _product(dense: Dense, sparse: sp.csr_matrix) -> Dense:
    """dense (b, n) times a CSR (n, m), by adding up rows: each of b is the same whatever the others are."""
    return np.asarray((sparse.T @ np.ascontiguousarray(dense.T)).T)


def _without_repeats(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """The matrix with every pair stored once; a copy only where one is stored twice."""
    if matrix.has_canonical_format:
        return matrix
    matrix = matrix.copy()
    matrix.sum_duplicates()
    return matrix
