"""Items in head, middle and tail."""

import numpy as np
import pytest

from reports.cells import pass_over
from reports.item_popularity import ByPopularity, parts_of_items
from reports.table import leaderboards


def test_each_part_has_a_third_of_the_interactions():
    assert parts_of_items([1, 6, 3, 0, 2, 6]).tolist() == [2, 0, 2, 2, 2, 1]
    assert parts_of_items([3, 3, 3]).tolist() == [0, 1, 2]
    assert parts_of_items([1, 1, 1, 1, 1, 1]).tolist() == [0, 0, 1, 1, 2, 2]
    assert parts_of_items([9]).tolist() == [0]
    assert parts_of_items([0, 0]) is None
    assert parts_of_items([]) is None


@pytest.mark.parametrize("seed", range(5))
def test_the_parts_are_what_their_definition_says(seed):
    counts = np.random.default_rng(seed).integers(0, 50, 40)
    parts = parts_of_items(counts.tolist())
    order = sorted(range(40), key=lambda item: (-counts[item], item))
    before = 0
    for item in order:
        expected = 0 if 3 * before < counts.sum() else 1 if 3 * before < 2 * counts.sum() else 2
        assert parts[item] == (expected if counts[item] else 2)
        before += counts[item]


def test_recall_and_shares_are_those_of_the_part(fake):
    dataset = {"item_counts": [6, 6, 4, 2, 0], "relevant_item_counts": [4, 2, 2, 1, 1]}  # head 0, middle 1, tail 2-4
    results = [
        fake.small("a", [0.5], seed=seed, per_item={"hits@2": hits, "recommended@2": shown})
        for seed, hits, shown in (
            (0, np.array([3, 1, 1, 0, 0]), np.array([6, 2, 1, 1, 0])),
            (1, np.array([1, 0, 0, 0, 1]), np.array([2, 2, 2, 2, 2])),
        )
    ]
    (board,) = leaderboards(results)
    found = ByPopularity(board.k)
    pass_over(board, lambda result: result, lambda cell: dataset, [found])
    frame = found.frame()
    assert frame["group"].tolist() == ["head", "middle", "tail"]
    assert frame["n_items"].tolist() == [1, 1, 3]
    assert frame["n_relevant"].tolist() == [4, 2, 4]
    assert frame["recall"].tolist() == [(3 / 4 + 1 / 4) / 2, (1 / 2 + 0) / 2, (1 / 4 + 1 / 4) / 2]
    assert frame["share_of_lists"].tolist() == pytest.approx([(0.6 + 0.2) / 2, (0.2 + 0.2) / 2, (0.2 + 0.6) / 2])


def test_without_counts_of_the_data_or_of_the_cell_there_is_nothing(fake):
    (board,) = leaderboards([fake.small("a", [0.5])])
    for dataset in (None, {"item_counts": [1, 2]}, {"item_counts": [1], "relevant_item_counts": [1]}):
        found = ByPopularity(board.k)
        pass_over(board, lambda result: result, lambda cell, dataset=dataset: dataset, [found])
        assert found.frame().empty
