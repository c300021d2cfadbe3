"""The four factorisations of the notebook that this project began with, on dense matrices of all users and all items.

Nothing here is sparse: ratings, masks, weights and scores are users x items, and every iteration goes through all of
them. That is short to write, and it costs |users| · |items| · factors where the sparse kernels of ``recsys_impl`` need
|interactions| · factors: on MovieLens 1M 22 million against half a million. Gradients are written out, not asked of
autograd.

Each function is a generator: it yields the factors (users, items) after every iteration, for as long as it is asked.
The only module of the package that imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

Factors = tuple[Tensor, Tensor]
Pull = Callable[["Sampler", Tensor, Tensor, Tensor], Tensor]  # (sampler, scores, i, j) -> one for each of its users
USERS_AT_ONCE = 1024  # rows whose equations are set up in one product; their matrices are this many x factors²


def svd(ratings: sp.csr_matrix, factors: int, learning_rate: float, ridge: float, seed: int) -> Iterator[Factors]:
    """Descend Σ_observed (r_ui - x_u·y_i)² / 2 + ridge/2 (|X|² + |Y|²), all of it in each step.

    There are no biases: factors begin above 0, and reach for the mean rating first.
    """
    r, observed = dense(ratings), dense(ratings) != 0
    x, y = initial_factors(ratings.shape, factors, torch.Generator().manual_seed(seed))
    while True:
        errors = (x @ y.T).sub_(r).mul_(observed)
        gradient_x, gradient_y = errors @ y + ridge * x, errors.T @ x + ridge * y
        x, y = x - learning_rate * gradient_x, y - learning_rate * gradient_y
        yield x, y


def als(user_items: sp.csr_matrix, factors: int, alpha: float, ridge: float, seed: int) -> Iterator[Factors]:
    """Alternating least squares of Σ_ui w_ui (p_ui - b_u - b_i - x_u·y_i)², w = 1 where observed, else 1 / (1 + alpha).

    The last column of what is yielded are the biases.
    """
    p = dense(user_items).clamp_(max=1)
    weights = (1 + alpha * p) / (1 + alpha)
    x, y = initial_factors(user_items.shape, factors + 1, torch.Generator().manual_seed(seed))
    x[:, -1] = y[:, -1] = 0
    while True:
        x = least_squares(p, weights, y, ridge)
        y = least_squares(p.T, weights.T, x, ridge)
        yield x, y


def least_squares(p: Tensor, weights: Tensor, fixed: Tensor, ridge: float) -> Tensor:
    """The rows [x_u, b_u] that minimise Σ_i w_ui (p_ui - b_i - [x_u, b_u]·[y_i, 1])² + ridge |[x_u, b_u]|².

    p and weights (rows, columns), fixed (columns, d) with b_i in its last column. With z_i = [y_i, 1] the matrices
    Σ_i w_ui z_i z_i' of many rows are one product of the weights with the upper triangles of all z_i z_i'.
    """
    design, biases = fixed.clone(), fixed[:, -1]
    design[:, -1] = 1
    d = design.shape[1]
    upper = torch.triu_indices(d, d)
    outer = design[:, upper[0]] * design[:, upper[1]]
    solved = []
    for rows in range(0, len(p), USERS_AT_ONCE):
        w = weights[rows : rows + USERS_AT_ONCE]
        right = (w * (p[rows : rows + USERS_AT_ONCE] - biases)) @ design
        left = torch.empty(len(w), d, d)
        left[:, upper[0], upper[1]] = left[:, upper[1], upper[0]] = w @ outer
        solved.append(torch.linalg.solve(left + ridge * torch.eye(d), right))
    return torch.cat(solved)


def bpr(
    user_items: sp.csr_matrix, factors: int, learning_rate: float, ridge: float, pairs: int, seed: int
) -> Iterator[Factors]:
    """Ascend Σ ln σ(s_ui - s_uj) over ``pairs`` pairs of each user, s = X Y' of all users and items."""

    def pull(sampler: Sampler, scores: Tensor, i: Tensor, j: Tensor) -> Tensor:
        return torch.sigmoid(scores[sampler.users, j] - scores[sampler.users, i])

    return by_pairs(user_items, factors, learning_rate, ridge, pairs, pull, seed)


def warp(
    user_items: sp.csr_matrix,
    factors: int,
    learning_rate: float,
    ridge: float,
    pairs: int,
    samples: int,
    margin: float,
    seed: int,
) -> Iterator[Factors]:
    """Descend Σ L(rank) max(0, margin - s_ui + s_uj) over ``pairs`` pairs of each user.

    The rank of a positive is estimated from ``samples`` negatives, as (items that aren't positive) times the share that
    scores above it, and L(rank) = ln(1 + rank), over the largest of the users at hand.
    """

    def pull(sampler: Sampler, scores: Tensor, i: Tensor, j: Tensor) -> Tensor:
        users = sampler.users
        positive = scores[users, i]
        above = sum((scores[users, sampler.negatives()] > positive).float() for _ in range(samples)) / samples
        weight = torch.log1p(sampler.n_negatives * above)
        weight /= float(weight.numpy().max(initial=1e-6))  # there may be no user who has both
        return weight * (positive - scores[users, j] <= margin)

    return by_pairs(user_items, factors, learning_rate, ridge, pairs, pull, seed)


def by_pairs(
    user_items: sp.csr_matrix, factors: int, learning_rate: float, ridge: float, pairs: int, pull: Pull, seed: int
) -> Iterator[Factors]:
    """Steps of all factors at once, each along the mean gradient of ``pairs`` pairs of every user."""
    random = torch.Generator().manual_seed(seed)
    sampler = Sampler(user_items, random)
    x, y = initial_factors(user_items.shape, factors, random)
    while True:
        scores = x @ y.T
        step_x, step_y = -ridge * x, -ridge * y
        for _ in range(pairs):
            i, j = sampler.positives(), sampler.negatives()
            add_pairs(step_x, step_y, x, y, sampler.users, i, j, pull(sampler, scores, i, j)[:, None] / pairs)
        x, y = x + learning_rate * step_x, y + learning_rate * step_y
        yield x, y


def add_pairs(
    step_x: Tensor, step_y: Tensor, x: Tensor, y: Tensor, users: Tensor, i: Tensor, j: Tensor, pull: Tensor
) -> None:
    """Add the gradient of Σ pull_u (s_ui - s_uj) for one pair (i, j) of each user; pull (users, 1)."""
    step_x.index_add_(0, users, pull * (y[i] - y[j]))
    step_y.index_add_(0, i, pull * x[users])
    step_y.index_add_(0, j, -pull * x[users])


class Sampler:
    """A uniform positive, and a uniform negative, of every user that has both.

    Attributes
    ----------
    users, n_negatives
        The users, int64 (n,), and how many items are not among each one's positives, float32 (n,).
    """

    def __init__(self, user_items: sp.csr_matrix, random: torch.Generator):
        counts = np.diff(user_items.indptr)
        has_both = (counts > 0) & (counts < user_items.shape[1])
        self.users = torch.from_numpy(np.flatnonzero(has_both))
        self.n_negatives = torch.from_numpy(user_items.shape[1] - counts[has_both]).float()
        self._starts = torch.from_numpy(user_items.indptr[:-1][has_both].astype(np.int64))
        self._counts = torch.from_numpy(counts[has_both].astype(np.int64))
        self._items = torch.from_numpy(user_items.indices.astype(np.int64))
        self._is_positive = dense(user_items) != 0
        self._random = random

    def positives(self) -> Tensor:
        """int64 (n,)."""
        place = torch.rand(len(self.users), generator=self._random, dtype=torch.float64) * self._counts
        return self._items[self._starts + place.long()]

    def negatives(self) -> Tensor:
        """int64 (n,): drawn from all items, and again where it was a positive."""
        n_items = self._is_positive.shape[1]
        items = torch.randint(n_items, (len(self.users),), generator=self._random)
        while (wrong := self._is_positive[self.users, items]).any():
            items[wrong] = torch.randint(n_items, (int(wrong.sum()),), generator=self._random)
        return items


def dense(matrix: sp.csr_matrix) -> Tensor:
    """float32 (users, items), zeros where nothing is stored."""
    return torch.from_numpy(matrix.toarray().astype(np.float32, copy=False))


def initial_factors(shape: tuple[int, int], factors: int, random: torch.Generator) -> Factors:
    """Uniform in [0, factors^-½)."""
    x, y = (torch.rand(n, factors, generator=random) / factors**0.5 for n in shape)
    return x, y
