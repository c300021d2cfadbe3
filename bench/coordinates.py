"""A map of the items: their factors in the plane, near where the model takes them for alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from reports.result import ItemMap

ITEMS = 1000  # two seconds; twice as many take more than twice as long, and a reader knows the popular ones
PERPLEXITY = 30.0
ITERATIONS = 500  # with 1000, neighbours in the plane are neighbours of the factors no more often


def item_map(item_factors: NDArray[Any], train_counts: NDArray[Any]) -> ItemMap | None:
    """The most popular items of the training data, placed by t-SNE (van der Maaten & Hinton 2008) by cosine.

    The same factors give the same bytes on the same machine: scikit-learn begins at the first two principal components,
    and has one thread, because more of them add up in another order each time.

    Parameters
    ----------
    item_factors
        (n_items, d), finite.
    train_counts
        int (n_items,): training interactions. An item without one, or whose factors are all 0, has no place.

    Returns
    -------
    At most ``ITEMS`` items, the most popular first; None where fewer than five directions are left, or d is 1.
    """
    lengths = np.linalg.norm(item_factors, axis=1)
    by_popularity = np.argsort(-train_counts, kind="stable")
    known = (train_counts > 0) & (lengths > 0)
    items = by_popularity[known[by_popularity]][:ITEMS]
    directions = np.asarray(item_factors[items] / lengths[items, None], np.float32)
    if directions.shape[1] < 2 or len(np.unique(directions, axis=0)) < 5:
        return None
    return ItemMap(items.astype(np.int32), _tsne(directions))


def _tsne(directions: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 (m, 2). Between unit vectors the squared distance that t-SNE looks at is 2 - 2 cos."""
    from sklearn.manifold import TSNE  # a second

    perplexity = min(PERPLEXITY, (len(directions) - 1) / 3)
    with threadpool_limits(1):
        tsne = TSNE(2, perplexity=perplexity, init="pca", max_iter=ITERATIONS, random_state=0)
        return np.asarray(tsne.fit_transform(directions), np.float32)
