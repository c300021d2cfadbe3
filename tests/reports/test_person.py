"""What the results look like to a person."""

import dataclasses

import numpy as np
import pytest

from reports.person import LONGEST_TITLE, N_HISTORY, list_of, person
from reports.table import leaderboards

DATASET = {
    "titles": ["Alien", "Babe", "Clerks", "Die Hard", None],
    "item_ids": ["11", "12", "13", "14", "15"],
    "showcase": [
        {"user": 2, "user_id": "two", "history": [0, 1], "test": [3]},
        {"user": 5, "user_id": "five", "history": [1] * 50, "test": [0, 2]},
    ],
}


@pytest.fixture
def results(fake):
    als = fake.result("toy", "als", users=np.array([2, 5], np.int32), lists=np.array([[3, 2, -1], [0, 1, 3]], np.int32))
    popularity = fake.result("toy", "popularity", users=als.users, lists=np.array([[2, 3, 4], [3, 2, 0]], np.int32))
    return [dataclasses.replace(als, neighbours={0: [0, 3, 1]}), popularity]


def show(results, dataset=DATASET, users=9):
    return person(leaderboards(results), lambda cell: dataset, users)


def test_a_user_s_history_stands_beside_each_model_s_list_with_hits_marked(results):
    two = show(results).users[0]
    assert (two.name, [title.text for title in two.history], two.n_test) == ("two", ["Alien", "Babe"], 1)
    assert [(row.row.model, [(title.text, title.hit) for title in row.titles], row.n_hits) for row in two.lists] == [
        ("als", [("Die Hard", True), ("Clerks", False)], 1),
        ("popularity", [("Clerks", False), ("Die Hard", True), ("item 15", False)], 1),
    ]


def test_similar_titles_leave_the_item_itself_out_and_name_who_is_silent(results):
    (similar,) = show(results).similar
    assert similar.title.text == "Alien"
    assert [[title.text for title in row.titles] for row in similar.lists] == [["Die Hard", "Babe"]]
    assert [row.model for row in similar.silent] == ["popularity"]


def test_similar_items_stand_in_the_order_of_the_known_items(results):
    results[0].neighbours = {0: [0, 1], 2: [2, 1], 3: [3, 1]}
    found = show(results, {**DATASET, "known_items": [3, 4, 0]}).similar
    assert [similar.title.text for similar in found] == ["Die Hard", "Alien", "Clerks"]


def test_as_many_users_are_shown_as_asked_for_and_a_long_history_is_cut(results):
    assert [user.name for user in show(results, users=1).users] == ["two"]
    five = show(results).users[1]
    assert (len(five.history), five.cut, show(results).users[0].cut) == (N_HISTORY, True, False)


def test_a_user_who_is_not_evaluated_is_not_shown(results):
    results = [dataclasses.replace(result, users=np.array([2, 6], np.int32)) for result in results]
    assert [user.name for user in show(results).users] == ["two"]
    assert list_of(results[0], 5) is None


def test_without_a_stored_data_set_items_have_numbers(results):
    found = show(results, dataset=None)
    assert found.users == ()
    assert found.similar[0].title.text == "item number 0"


def test_without_titles_items_have_the_ids_of_the_file(results):
    assert show(results, {**DATASET, "titles": None}).similar[0].title.text == "item 11"


def test_a_long_title_is_cut(results):
    title = show(results, {**DATASET, "titles": ["x" * 10_000] * 5}).similar[0].title.text
    assert len(title) == LONGEST_TITLE


def test_the_first_split_with_something_to_show_is_shown(fake, results):
    blind = dataclasses.replace(fake.result("toy", "als", "k-fold"), neighbours={}, item_map=None)
    moved = [
        dataclasses.replace(result, cell=dataclasses.replace(result.cell, split="temporal", split_seed=3))
        for result in results
    ]
    boards = leaderboards([blind, *moved])
    found = person(boards, lambda cell: DATASET if cell.split == "temporal" else None, 1)
    assert (found.split, found.split_seed) == ("temporal", 3)


def test_nothing_is_shown_where_nothing_finished(fake):
    assert show([fake.problem("toy", "als", "failed", "x")]) is None
