"""Cross-validation: every interaction is held out once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splits.interactions import Interactions
from splits.order import per_user, shuffled_by_user, stable_by
from splits.parameters import require_choice, require_count
from splits.randomness import generator
from splits.split import Split, SplitError


def k_fold(interactions: Interactions, seed: int, folds: int = 5, by: str = "user") -> Split:
    """Hold out fold ``seed % folds`` of the partition number ``seed // folds``.

    So the seeds 0 .. folds-1 are one cross-validation, the next ``folds`` seeds are another.

    by="user" deals each user's shuffled interactions to the folds in turn: each fold has n/folds of a user's n, rounded
    down or up. A user's only interaction stays in train in every fold. by="row" deals all interactions in one shuffle,
    as most published rating tables do; users and items may be cold then. Fold sizes differ by one at most.

    Raises
    ------
    SplitError
        ``folds`` is below 2 or above the number of interactions to deal, or ``by`` is neither "user" nor "row".
    """
    require_count("folds", folds, at_least=2)
    require_choice("by", by, ("user", "row"))
    partition, held_out_fold = divmod(seed, folds)
    rng = generator(partition, f"k-fold by {by}")
    order = _user_after_user(interactions, rng) if by == "user" else rng.permutation(len(interactions))
    if len(order) < folds:
        raise SplitError(
            f"{interactions.name}: {folds} folds, but only {len(order)} interactions to deal to them"
            f"{' (those of users with two or more)' if by == 'user' else ''}; give fewer folds"
        )
    return Split(interactions, _deal(order, len(interactions), folds, rng) == held_out_fold)


def _user_after_user(interactions: Interactions, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows of users with two or more: users in random order, each user's rows shuffled and side by side."""
    order = shuffled_by_user(interactions, rng)
    place = rng.permutation(interactions.n_users)
    order = stable_by(place[interactions.users], order)
    return order[per_user(interactions)[interactions.users[order]] >= 2]


def _deal(order: NDArray[np.int64], n: int, folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """int64 (n,): each row's fold, or -1 for a row that isn't in ``order``.

    Dealing goes on from one user to the next, so that fold sizes stay even; since users come in random order, a user
    starts at a random fold.
    """
    fold = np.full(n, -1, dtype=np.int64)
    fold[order] = (rng.integers(folds) + np.arange(len(order))) % folds
    return fold
