"""Weighted alternating least squares for implicit data.

Hu, Koren & Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008. The scaling of the
regularization follows Rendle et al., "Revisiting the performance of iALS on item recommendation benchmarks", RecSys
2022.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from copy import copy
from typing import NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_impl.base import FactorModel, ModelError, check_user_items
from recsys_impl.kernels.lapack import ROUTINES, scratch
from recsys_impl.kernels.least_squares import conjugate_gradient_rows, solve_rows
from recsys_impl.parameters import require
from recsys_impl.progress import Callback, epochs
from recsys_impl.randomness import generator
from recsys_impl.threads import chunks, workers

Float = NDArray[np.float32]
ROWS_PER_TASK = 512  # small enough that threads end together, large enough that a call costs nothing


class _Observed(NamedTuple):
    """What a side's half-steps need of the observed pairs: CSR, c - w and c p of each (nnz,), λ of each row."""

    indptr: NDArray[np.int32]
    indices: NDArray[np.int32]
    weights: Float
    pull: Float
    ridge: Float


class ALS(FactorModel):
    """Factors that minimise Σ_ui c_ui (p_ui - x_u·y_i)² + λ (Σ_u |x_u|² + Σ_i |y_i|²) over *all* pairs.

    An observed pair has preference p = 1 and confidence c = alpha * r, all others p = 0 and c = unobserved_weight.
    Each half of an iteration fixes one side's factors and solves a small least-squares problem for every row of the
    other (``recsys_impl/kernels/least_squares.py`` has the equations).

    Parameters
    ----------
    factors
        Length of the vectors.
    regularization
        λ.
    alpha
        Confidence of an interaction of value 1; a negative value in the matrix is confidence in p = 0.
    iterations
        Passes over both sides.
    use_cg, cg_steps
        A few conjugate gradient steps from the last solution (True), or the exact solution by Cholesky (False).
    unobserved_weight
        Confidence of what wasn't observed.
    regularization_scaling
        ν in λ_row = λ (total weight of the row)^ν; 0 as in implicit, 1 as in Rendle et al.
    use_bias
        Learn user and item biases too: p_ui ≈ b_u + b_i + x_u·y_i.
    num_threads
        0: all cores. The result does not depend on it.
    random_state
        Seed of the initial factors.
    """

    def __init__(
        self,
        factors: int = 64,
        regularization: float = 0.01,
        alpha: float = 1.0,
        iterations: int = 15,
        use_cg: bool = True,
        cg_steps: int = 2,
        unobserved_weight: float = 1.0,
        regularization_scaling: float = 0.0,
        use_bias: bool = False,
        num_threads: int = 0,
        random_state: int = 0,
    ):
        require("ALS", factors=factors, at_least=1)
        require("ALS", iterations=iterations, cg_steps=cg_steps, at_least=1)
        require("ALS", regularization=regularization, unobserved_weight=unobserved_weight, at_least=0)
        require("ALS", alpha=alpha, above=0)
        self.factors = factors
        self.regularization = regularization
        self.alpha = alpha
        self.iterations = iterations
        self.use_cg = use_cg
        self.cg_steps = cg_steps
        self.unobserved_weight = unobserved_weight
        self.regularization_scaling = regularization_scaling
        self.use_bias = use_bias
        self.num_threads = num_threads
        self.random_state = random_state

    def fit(self, user_items: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR of interactions.

        Parameters
        ----------
        callback
            Called as callback(iteration, seconds) after each iteration.

        Raises
        ------
        ModelError
            No CSR, values that are not finite, or factors that diverged.
        """
        confidence = self._confidence(user_items)
        rows, columns = self._observed(confidence), self._observed(confidence.T.tocsr())
        users, items = self._initial_sides(confidence.shape)
        with workers(self.num_threads) as executor:
            for iteration in epochs(self.iterations, "ALS", show_progress, callback):
                self._half_step(executor, rows, items, users)
                self._half_step(executor, columns, users, items)
                self._publish(users, items)
                if not np.isfinite(self.item_factors).all():
                    raise ModelError(f"ALS diverged in iteration {iteration + 1}: raise regularization or lower alpha")
        return self

    def objective(self, user_items: sp.csr_matrix) -> float:
        """The sum that ``fit`` minimises, regularization included, in float64; never forms users x items."""
        confidence = self._confidence(user_items)
        users, items = (side.astype(np.float64) for side in self._sides())
        w = self.unobserved_weight
        rows, columns = users, items
        if self.use_bias:  # x·y + b_u 1 + 1 b_i as one product
            rows = np.column_stack([users, np.ones(len(users))])
            columns = np.column_stack([items[:, :-1], np.ones(len(items)), items[:, -1]])
        everywhere = w * np.sum((rows.T @ rows) * (columns.T @ columns))
        observed = confidence.tocoo()
        predicted = np.einsum("nf,nf->n", rows[observed.row], columns[observed.col])
        c, p = np.abs(observed.data), observed.data > 0
        at_observed = np.sum(c * (p - predicted) ** 2 - w * predicted**2)
        ridges = self._ridge(confidence), self._ridge(confidence.T.tocsr())
        penalty = sum(np.sum(ridge[:, None] * side**2) for ridge, side in zip(ridges, (users, items), strict=True))
        return float(everywhere + at_observed + penalty)

    def _confidence(self, user_items: sp.csr_matrix) -> sp.csr_matrix:
        return check_user_items(self, user_items) * np.float32(self.alpha)

    def _observed(self, confidence: sp.csr_matrix) -> _Observed:
        weights = np.abs(confidence.data) - np.float32(self.unobserved_weight)
        pull = np.maximum(confidence.data, 0)
        return _Observed(confidence.indptr, confidence.indices, weights, pull, self._ridge(confidence))

    def _half_step(self, executor: ThreadPoolExecutor, rows: _Observed, fixed: Float, solved: Float) -> None:
        """Overwrite ``solved`` (rows, d) with the rows' solution for ``fixed`` (columns, d)."""
        design, offset = self._design(fixed)
        weight = np.float32(self.unobserved_weight)
        spectrum, basis = _eigenbasis(executor, design, weight)
        rotated = _rotated(executor, design, basis)
        common = -weight * (offset @ design) @ basis
        targets = rows.pull - rows.weights * offset[rows.indices] if self.use_bias else rows.pull
        equations = (rows.indptr, rows.indices, rows.weights, targets, rotated, spectrum, common, rows.ridge)

        def solve(part: tuple[int, int]) -> None:
            solution = solved[slice(*part)] @ basis
            if self.use_cg:
                conjugate_gradient_rows(*part, *equations, self.cg_steps, solution)
            elif solve_rows(ROUTINES, scratch(), *part, *equations, solution) >= 0:
                raise ModelError("ALS: a row's equations have no unique solution: raise regularization")
            np.matmul(solution, basis.T, out=solved[slice(*part)])

        list(executor.map(solve, chunks(len(solved), ROWS_PER_TASK)))

    def _design(self, side: Float) -> tuple[Float, Float]:
        """What the other side multiplies, and what is added to it: [Y, 1] and b_i with biases, else Y and 0."""
        if not self.use_bias:
            return side, np.zeros(len(side), np.float32)
        design = side.copy()
        design[:, -1] = 1
        return design, np.ascontiguousarray(side[:, -1])

    def _ridge(self, confidence: sp.csr_matrix) -> Float:
        """λ for each row."""
        total = np.abs(confidence).sum(axis=1).A1 + self.unobserved_weight * confidence.shape[1]
        return np.asarray(self.regularization * total**self.regularization_scaling, dtype=np.float32)

    def _initial_sides(self, shape: tuple[int, int]) -> tuple[Float, Float]:
        """Small random factors, zero biases."""
        random = generator(self.random_state, "als factors")
        sides = [np.zeros((n, self.factors + self.use_bias), np.float32) for n in shape]
        for side in sides:
            side[:, : self.factors] = 0.01 * random.standard_normal((len(side), self.factors), np.float32)
        return sides[0], sides[1]

    def _publish(self, users: Float, items: Float) -> None:
        self.user_factors, self.item_factors = users[:, : self.factors], items[:, : self.factors]
        if self.use_bias:
            self.user_biases, self.item_biases = users[:, -1], items[:, -1]

    def _sides(self) -> tuple[Float, Float]:
        if self.user_biases is None or self.item_biases is None:
            return self.user_factors, self.item_factors
        return (
            np.column_stack([self.user_factors, self.user_biases]),
            np.column_stack([self.item_factors, self.item_biases]),
        )

    def _score_again(self, user_items: sp.csr_matrix) -> Float:
        """Scores for users computed anew from their rows."""
        rows = self._confidence(user_items)
        _, items = self._sides()
        users = np.zeros((rows.shape[0], items.shape[1]), np.float32)
        exact = copy(self)
        exact.use_cg = False
        with workers(1) as executor:
            exact._half_step(executor, self._observed(rows), np.ascontiguousarray(items), users)
        design, offset = self._design(items)
        return users @ design.T + offset


def _eigenbasis(executor: ThreadPoolExecutor, design: Float, weight: np.float32) -> tuple[Float, Float]:
    """Eigenvalues (d,) and eigenvectors (d, d) of weight · design'design, which is summed in chunks of fixed size."""
    parts = executor.map(
        lambda rows: design[slice(*rows)].T @ design[slice(*rows)], chunks(len(design), 4 * ROWS_PER_TASK)
    )
    gram = weight * sum(parts, np.zeros((design.shape[1],) * 2))
    if not np.isfinite(gram).all():
        raise ModelError("ALS diverged: raise regularization or lower alpha")
    spectrum, basis = np.linalg.eigh(gram)
    return np.maximum(spectrum, 0).astype(np.float32), basis.astype(np.float32)


def _rotated(executor: ThreadPoolExecutor, design: Float, basis: Float) -> Float:
    """design @ basis, in chunks."""
    rotated = np.empty_like(design)

    def rotate(rows: tuple[int, int]) -> None:
        np.matmul(design[slice(*rows)], basis, out=rotated[slice(*rows)])

    list(executor.map(rotate, chunks(len(design), 4 * ROWS_PER_TASK)))
    return rotated
