"""What every model can do once it is fitted: score, recommend, find what is similar, be saved.

The interface is that of implicit >= 0.5, so that a model here can stand where one of implicit's stood. Two families
cover all algorithms: :class:`FactorModel` (users and items are vectors) and :class:`ItemWeightModel` (an item x item
matrix of weights applied to the user's history).
"""

from __future__ import annotations

import inspect
import json
import lzma
import struct
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from recsys_impl.kernels import topk

Progress = Any  # called as callback(iteration, seconds, loss=None), as implicit does


class ModelError(ValueError):
    """A model was given something it cannot work with, or diverged; the message names the model and what to change."""


class NotFittedError(ModelError):
    """The model was asked before ``fit``."""


class NoSimilarityError(ModelError):
    """The model has no notion of similar items or users."""


# What NumPy, SciPy and the standard library raise on a file that isn't what `save` wrote.
DAMAGE = (
    *(OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, EOFError, RecursionError),
    *(OverflowError, RuntimeError, SyntaxError, TokenError, struct.error),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)


def _checked_csr(parts: tuple[Any, ...], shape: tuple[int, ...]) -> sp.csr_matrix:
    """The matrix, with every index looked at: one beyond its end would read other memory."""
    matrix = sp.csr_matrix(parts, shape=shape)
    matrix.check_format(full_check=True)
    return matrix


class Recommender:
    """The common part: turns ``score`` into lists."""

    def score(self, user_ids: ArrayLike) -> NDArray[np.float32]:
        """Scores of all items for each user, float32 (len(user_ids), n_items), higher is better, finite."""
        raise NotImplementedError

    def recommend(
        self,
        userid: ArrayLike,
        user_items: sp.csr_matrix | None = None,
        N: int = 10,
        filter_already_liked_items: bool = True,
        filter_items: ArrayLike | None = None,
        recalculate_user: bool = False,
        items: ArrayLike | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The N best items of one user or of a batch.

        Parameters
        ----------
        userid
            One user's index or an array of them.
        user_items
            CSR with one row for each user of the batch (``user_items[userid]``): what to filter and, with
            ``recalculate_user``, what to compute the users from.
        filter_items, items
            Items never to give; items to choose from (all when None).

        Returns
        -------
        (ids, scores), of shape (N,) for one user and (len(userid), N) for a batch. Where fewer than N candidates are
        left, ids are -1 and scores -inf (implicit gives seen items there).
        """
        users = np.atleast_1d(np.asarray(userid, dtype=np.int64))
        rows = self._rows_of(users, user_items, needed=filter_already_liked_items or recalculate_user)
        scores = self._score_again(rows) if recalculate_user else self.score(users)
        scores = np.array(scores, dtype=np.float32)  # a copy: it is masked below
        if filter_already_liked_items:
            topk.mask_rows(scores, np.arange(len(users)), rows.indptr, rows.indices)
        _mask_columns(scores, filter_items, items)
        ids, best = top_k(scores, users, N)
        return (ids[0], best[0]) if np.ndim(userid) == 0 else (ids, best)

    def similar_items(
        self,
        itemid: ArrayLike,
        N: int = 10,
        recalculate_item: bool = False,
        item_users: sp.csr_matrix | None = None,
        filter_items: ArrayLike | None = None,
        items: ArrayLike | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The N items most similar to ``itemid``, itself first; shapes as in :meth:`recommend`."""
        raise NoSimilarityError(f"{type(self).__name__} has no notion of similar items")

    def similar_users(
        self, userid: ArrayLike, N: int = 10, filter_users: ArrayLike | None = None, users: ArrayLike | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The N users most similar to ``userid``, itself first."""
        raise NoSimilarityError(f"{type(self).__name__} has no notion of similar users")

    def save(self, file: str | Path) -> None:
        """Write parameters and learned arrays to an .npz file (nothing is pickled)."""
        state = {name: value for name, value in vars(self).items() if value is not None}
        arrays: dict[str, Any] = {}
        plain: dict[str, Any] = {}
        for name, value in state.items():
            if sp.issparse(value):
                matrix = value.tocsr()
                parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "shape": matrix.shape}
                arrays |= {f"{name}.{part}": np.asarray(array) for part, array in parts.items()}
            elif isinstance(value, np.ndarray):
                arrays[name] = value
            elif isinstance(value, bool | int | float | str | list | tuple | np.generic):
                plain[name] = value.item() if isinstance(value, np.generic) else value
        header = json.dumps({"class": type(self).__name__, "plain": plain})
        with open(file, "wb") as stream:
            np.savez(stream, __model__=np.array(header), **arrays)

    @classmethod
    def load(cls, file: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        ModelError
            The file was written by another class, or is cut off, damaged or edited.
        """
        try:
            return cls._read(file)
        except DAMAGE as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(f"{file} is no whole saved model ({type(error).__name__}: {error})") from error

    @classmethod
    def _read(cls, file: str | Path) -> Self:
        with np.load(file, allow_pickle=False) as stored:
            header = json.loads(str(stored["__model__"]))
            if header["class"] != cls.__name__:
                raise ModelError(f"{file} holds a {header['class']}, not a {cls.__name__}")
            model = cls.__new__(cls)
            for name in inspect.signature(cls.__init__).parameters:
                if name != "self":
                    setattr(model, name, None)
            vars(model).update(header["plain"])
            names = {name.split(".")[0] for name in stored.files if name != "__model__"}
            for name in sorted(names):
                if f"{name}.indptr" in stored.files:
                    parts = tuple(stored[f"{name}.{part}"] for part in ("data", "indices", "indptr"))
                    setattr(model, name, _checked_csr(parts, tuple(stored[f"{name}.shape"])))
                else:
                    setattr(model, name, stored[name])
        return model

    def _score_again(self, user_items: sp.csr_matrix) -> NDArray[np.float32]:
        raise ModelError(f"{type(self).__name__} cannot recalculate a user from new interactions: fit again")

    def _rows_of(self, users: NDArray[Any], user_items: sp.csr_matrix | None, needed: bool) -> sp.csr_matrix:
        if not needed:
            return sp.csr_matrix((len(users), 0), dtype=np.float32)
        if user_items is None:
            raise ModelError("recommend needs user_items (the users' rows) unless filter_already_liked_items=False")
        if user_items.shape[0] != len(users):
            raise ModelError(
                f"user_items has {user_items.shape[0]} rows for {len(users)} users: pass user_items[userid]"
            )
        return sp.csr_matrix(user_items)


class FactorModel(Recommender):
    """Users and items as vectors: r̂_ui = μ + b_u + b_i + x_u·y_i, any bias absent where None.

    Attributes
    ----------
    user_factors, item_factors
        float32 (n_users, factors) and (n_items, factors).
    user_biases, item_biases
        float32 (n_users,) and (n_items,) or None.
    global_bias
        μ, 0 where the model has none.
    """

    user_factors: NDArray[np.float32]
    item_factors: NDArray[np.float32]
    user_biases: NDArray[np.float32] | None = None
    item_biases: NDArray[np.float32] | None = None
    global_bias: float = 0.0

    def score(self, user_ids: ArrayLike) -> NDArray[np.float32]:
        users = np.atleast_1d(np.asarray(user_ids))
        self._require_fit()
        return self._add_biases(_product(self.user_factors[users], self.item_factors), users)

    def similar_items(
        self,
        itemid: ArrayLike,
        N: int = 10,
        recalculate_item: bool = False,
        item_users: sp.csr_matrix | None = None,
        filter_items: ArrayLike | None = None,
        items: ArrayLike | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The N items of largest cosine between factors, ``itemid`` itself first."""
        self._require_fit()
        if recalculate_item:
            raise ModelError(f"{type(self).__name__} cannot recalculate an item from new interactions: fit again")
        return _most_similar(self.item_factors, itemid, N, filter_items, items)

    def similar_users(
        self, userid: ArrayLike, N: int = 10, filter_users: ArrayLike | None = None, users: ArrayLike | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The N users of largest cosine between factors, ``userid`` itself first."""
        self._require_fit()
        return _most_similar(self.user_factors, userid, N, filter_users, users)

    def _of_pairs(self, user_ids: ArrayLike, item_ids: ArrayLike) -> NDArray[np.float32]:
        """r̂_ui of pairs, float32 (n,): what a model of ratings predicts."""
        self._require_fit()
        users, items = np.asarray(user_ids), np.asarray(item_ids)
        product = np.einsum("nf,nf->n", self.user_factors[users], self.item_factors[items])
        of_users = 0.0 if self.user_biases is None else self.user_biases[users]
        of_items = 0.0 if self.item_biases is None else self.item_biases[items]
        return np.asarray(self.global_bias + of_users + of_items + product, np.float32)

    def _add_biases(self, scores: NDArray[np.float32], users: NDArray[Any]) -> NDArray[np.float32]:
        if self.item_biases is not None:
            scores += self.item_biases
        if self.user_biases is not None:
            scores += (self.user_biases[users] + np.float32(self.global_bias))[:, None]
        return scores

    def _require_fit(self) -> None:
        if getattr(self, "item_factors", None) is None:
            raise NotFittedError(f"{type(self).__name__} isn't fitted: call fit(user_items) first")


class ItemWeightModel(Recommender):
    """r̂_u = r_u B: the user's row of interactions times an item x item matrix of weights.

    Attributes
    ----------
    item_weights
        B, (n_items, n_items), dense float32 or CSR.
    user_items
        The CSR that ``fit`` was given.
    """

    item_weights: Any
    user_items: sp.csr_matrix

    def score(self, user_ids: ArrayLike) -> NDArray[np.float32]:
        self._require_fit()
        return self._score_again(self.user_items[np.atleast_1d(np.asarray(user_ids))])

    def similar_items(
        self,
        itemid: ArrayLike,
        N: int = 10,
        recalculate_item: bool = False,
        item_users: sp.csr_matrix | None = None,
        filter_items: ArrayLike | None = None,
        items: ArrayLike | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The N items with the largest weights in ``itemid``'s row of B, itself first."""
        self._require_fit()
        queries = np.atleast_1d(np.asarray(itemid, dtype=np.int64))
        scores = self._weights_of(queries)
        # The diagonal of B is zero or says nothing about similarity: an item is most similar to itself.
        scores[np.arange(len(queries)), queries] = np.maximum(scores.max(axis=1) * 1.01, 1.0)
        _mask_columns(scores, filter_items, items)
        ids, best = top_k(scores, queries, N)
        return (ids[0], best[0]) if np.ndim(itemid) == 0 else (ids, best)

    def _weights_of(self, items: NDArray[np.int64]) -> NDArray[np.float32]:
        """Rows of B, a copy."""
        rows = self.item_weights[items]
        return np.array(rows.toarray() if sp.issparse(rows) else rows, dtype=np.float32)

    def _require_fit(self) -> None:
        if getattr(self, "user_items", None) is None:
            raise NotFittedError(f"{type(self).__name__} isn't fitted: call fit(user_items) first")

    def _score_again(self, user_items: sp.csr_matrix) -> NDArray[np.float32]:
        scores = user_items @ self.item_weights
        return np.asarray(scores.toarray() if sp.issparse(scores) else scores, dtype=np.float32)


def top_k(
    scores: NDArray[np.float32], users: NDArray[Any], k: int, seed: int = 0
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The k best of each row of scores, best first, ties by a hash of (seed, user, item).

    Returns
    -------
    (ids int32, scores float32), each (len(scores), k); -1 and -inf where a row has fewer than k scores above -inf.
    """
    ids = np.empty((len(scores), k), np.int32)
    best = np.empty((len(scores), k), np.float32)
    topk.top_k_rows(np.ascontiguousarray(scores, dtype=np.float32), np.asarray(users, np.int64), seed, ids, best)
    return ids, best


def check_user_items(model: Recommender, user_items: Any) -> sp.csr_matrix:
    """The matrix as float32 CSR with sorted indices.

    Raises
    ------
    ModelError
        Not a sparse matrix, without users or items, or with values that are not finite.
    """
    name = type(model).__name__
    if not sp.issparse(user_items):
        raise ModelError(f"{name}.fit takes a users x items scipy.sparse CSR matrix, not {type(user_items).__name__}")
    if 0 in user_items.shape:
        raise ModelError(f"{name}.fit was given a matrix of shape {user_items.shape}: no users or no items")
    matrix = sp.csr_matrix(user_items, dtype=np.float32)
    if not matrix.has_sorted_indices:
        matrix = matrix.sorted_indices()
    if not np.isfinite(matrix.data).all():
        raise ModelError(f"{name}.fit was given values that are not finite")
    return matrix


def _product(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """left right'. One row alone is padded to two: BLAS would take another way and differ in the last digit."""
    if len(left) == 1:
        return np.asarray((np.concatenate([left, left]) @ right.T)[:1])
    return np.asarray(left @ right.T)


def _most_similar(
    factors: NDArray[np.float32], wanted: ArrayLike, n: int, exclude: ArrayLike | None, allowed: ArrayLike | None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    queries = np.atleast_1d(np.asarray(wanted, dtype=np.int64))
    norms = np.linalg.norm(factors, axis=1)
    unit = factors / np.where(norms > 0, norms, 1).astype(np.float32)[:, None]
    scores = _product(unit[queries], unit)
    scores[np.arange(len(queries)), queries] = 1 + 1e-6  # itself first, also before an identical twin
    _mask_columns(scores, exclude, allowed)
    ids, best = top_k(scores, queries, n)
    best[best > 1] = 1.0
    return (ids[0], best[0]) if np.ndim(wanted) == 0 else (ids, best)


def _mask_columns(scores: NDArray[np.float32], exclude: ArrayLike | None, allowed: ArrayLike | None) -> None:
    if allowed is not None:
        barred = np.ones(scores.shape[1], dtype=bool)
        barred[np.asarray(allowed)] = False
        scores[:, barred] = -np.inf
    if exclude is not None:
        scores[:, np.asarray(exclude)] = -np.inf
