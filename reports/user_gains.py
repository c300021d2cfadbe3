"""Who gains and who loses with the best row instead of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.activity import training_counts
from reports.answer import guessed_twins
from reports.per_user import Parts, parts_of
from reports.result import Result
from reports.table import Leaderboard, Row, encodable

if TYPE_CHECKING:
    import pandas as pd

Values = dict[str, list[Parts]]


class Gains:
    """Compares two rows user by user, on the first split that both have; model seeds are averaged.

    One split and no mean over several: there a user's test items are the same for both rows, and can be looked up.

    Attributes
    ----------
    first, second
        The best row and the one it is compared with.
    seed
        The split seed, None where no split has both rows.
    """

    def __init__(self, first: Row, second: Row, metric: str, higher_is_better: bool):
        self.first, self.second = first, second
        self.metric, self.higher_is_better = metric, higher_is_better
        self.seed: int | None = None
        self._begun = 0
        self._user_ids: Sequence[Any] = ()
        self._values: Values = {}
        self._n_train: dict[int, int] = {}

    def begin(self, seed: int, dataset: dict[str, Any]) -> None:
        if self.seed is None:
            self._begun, self._values, self._n_train = seed, {}, {}
            self._user_ids = dataset.get("user_ids") or ()

    def add(self, row: Row, result: Result) -> None:
        if self.seed is not None or row.label not in (self.first.label, self.second.label):
            return
        parts = parts_of(result, self.metric)
        if parts is not None:
            self._values.setdefault(row.label, []).append(parts)
            n_train = training_counts(result, parts)
            if n_train is not None:
                self._n_train |= dict(zip(parts.users.tolist(), n_train.tolist(), strict=True))

    def end(self) -> None:
        if self.seed is None and len(self._values) == 2:
            self.seed = self._begun

    def frame(self) -> pd.DataFrame:
        """One line a user, best gain first, then by code.

        Columns user (the code), user_id (as in the data set's file, the code where that isn't stored), n_train, first
        and second (the two rows' values), gain (positive where the first is better).
        """
        import pandas as pd

        if self.seed is None:
            return pd.DataFrame(columns=pd.Index(["user", "user_id", "n_train", "first", "second", "gain"]))
        (users, left), (others, right) = (_user_values(self._values[row.label]) for row in (self.first, self.second))
        both, in_left, in_right = np.intersect1d(users, others, return_indices=True)
        gain = (left[in_left] - right[in_right]) * (1 if self.higher_is_better else -1)
        frame = pd.DataFrame(
            {
                "user": both,
                "user_id": [self._id(user) for user in both.tolist()],
                "n_train": pd.array([self._n_train.get(user, pd.NA) for user in both.tolist()], dtype="Int64"),
                "first": left[in_left],
                "second": right[in_right],
                "gain": gain,
            }
        )
        return frame.sort_values(["gain", "user"], ascending=[False, True], ignore_index=True)

    def _id(self, user: int) -> Any:
        found = self._user_ids[user] if user < len(self._user_ids) else user
        return encodable(found) if isinstance(found, str) else found


def best_and_other(board: Leaderboard) -> tuple[Row, Row] | None:
    """The best row, and the one it is compared with: the best of its twins of other libraries, else the runner-up."""
    name = board.primary.name if board.primary else ""
    rows = [row for row in board.rows if name in row.values]
    if len(rows) < 2:
        return None
    twins = guessed_twins(row.model for row in rows)
    algorithm = twins.get(rows[0].model, rows[0].model)
    alike = {algorithm, *(library for library, own in twins.items() if own == algorithm)} - {rows[0].model}
    return rows[0], next((row for row in rows[1:] if row.model in alike), rows[1])


def _user_values(cells: Sequence[Parts]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Users and each one's own figure, means over the model seeds that evaluate the same users as the first."""
    alike = [parts for parts in cells if np.array_equal(parts.users, cells[0].users)]
    figures = [np.sqrt(parts.sums / parts.counts) if parts.root else parts.sums / parts.counts for parts in alike]
    return cells[0].users, np.mean(figures, axis=0)
