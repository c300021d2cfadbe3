"""Made-up data: of the size asked for, the same for the same seed, and with something in it to learn."""

import numpy as np
import pytest

from bench.datasets import synthetic as synthetic_module
from bench.datasets.errors import DatasetError
from bench.datasets.synthetic import GENRES, synthetic


@pytest.fixture(scope="module")
def data():
    return synthetic()


def test_it_has_the_size_asked_for(data):
    assert (len(data), data.n_users, data.n_items) == (50_000, 1_000, 500)
    assert (data.relevance_threshold, data.rating_scale) == (4, (1, 5))
    assert set(data.ratings.tolist()) == {1, 2, 3, 4, 5}


def test_a_block_draws_what_comes_first_in_exponential_times():
    """Against the plain sentence: every user takes the items with the smallest E / p, in that order."""
    items = synthetic_module._make_items(1_000, seed=0)
    tastes = np.random.default_rng(1).random((4, len(GENRES)), dtype=np.float32)
    activity = np.array([3, 400, 1, 12])
    waiting = np.random.default_rng(2).standard_exponential((4, 1_000), dtype=np.float32)
    chosen = synthetic_module._choose(tastes, items, activity, waiting.copy())
    expected = []
    for user, n_items in enumerate(activity):
        chance = items.main_share * tastes[user, items.main] + (1 - items.main_share) * tastes[user, items.second]
        expected += np.argsort(waiting[user] / (chance * items.popularity))[:n_items].tolist()
    assert chosen.tolist() == expected


def test_blocks_of_users_are_drawn_one_after_the_other(monkeypatch):
    """Threads fill in the rows, yet the random numbers come as if there were one thread."""
    monkeypatch.setattr(synthetic_module, "BLOCK_CELLS", 7 * 40)
    data, again = synthetic(100, 40, 1_500), synthetic(100, 40, 1_500)
    assert data.content_hash == again.content_hash
    items = synthetic_module._make_items(40, seed=0)
    users = synthetic_module._make_users(100, 40, 1_500, 5, seed=0)
    random = synthetic_module.generator(0, "synthetic draws")
    by_activity = np.argsort(users.activity, kind="stable")
    for start in range(0, 100, 7):
        block = by_activity[start : start + 7]
        activity = users.activity[block]
        waiting = random.standard_exponential((len(block), 40), dtype=np.float32)
        chosen = synthetic_module._choose(users.tastes[block], items, activity, waiting)
        random.standard_normal(len(chosen), dtype=np.float32)
        random.random(len(chosen))
        for user, drawn in zip(block, np.split(chosen, np.cumsum(activity)[:-1]), strict=True):
            assert data.item_ids[data.items[data.users == user]].tolist() == (drawn + 1).tolist()


@pytest.mark.parametrize(
    ("sizes", "least"),
    [((1, 1, 1), 1), ((7, 9, 63), 5), ((50, 2000, 250), 5), ((300, 40, 9000), 5), ((3, 10, 17), 2), ((10, 4, 40), 1)],
)
def test_every_size_that_fits_is_met_exactly(sizes, least):
    n_users, n_items, n_interactions = sizes
    data = synthetic(*sizes, min_interactions=least)
    assert (len(data), data.n_users) == (n_interactions, n_users)
    assert data.item_ids.max() <= n_items
    assert np.bincount(data.users).min() >= least


@pytest.mark.parametrize("sizes", [(10, 10, 49), (10, 10, 101), (0, 10, 0), (10, 0, 0), (-1, 10, 50)])
def test_a_size_that_does_not_fit_is_an_error(sizes):
    with pytest.raises(DatasetError, match=r"synthetic: .* interactions don't fit"):
        synthetic(*sizes)


def test_the_same_seed_gives_the_same_and_another_seed_another(data):
    again, other = synthetic(), synthetic(seed=1)
    assert again.content_hash == data.content_hash
    assert again.titles.tolist() == data.titles.tolist()
    assert again.genres == data.genres
    assert other.content_hash != data.content_hash


def test_the_data_of_seed_0_never_changes(data):
    """A changed recipe or generator would make stored results incomparable without a word."""
    assert data.item_ids[data.items[:8]].tolist() == [431, 9, 401, 286, 158, 330, 433, 235]
    assert data.ratings[:8].tolist() == [4, 3, 3, 4, 2, 4, 3, 3]
    assert np.bincount(data.ratings.astype(int)).tolist() == [0, 1285, 7365, 16717, 15951, 8682]


def test_popularity_and_activity_follow_power_laws(data):
    for counts, head, typical in [(np.bincount(data.users), 4, 0.8), (np.bincount(data.items), 4, 0.85)]:
        assert counts.max() > head * counts.mean()
        assert np.median(counts) < typical * counts.mean()
    assert np.bincount(data.users).min() >= 5
    assert np.bincount(data.users).max() <= 250


def test_the_activity_is_a_line_in_log_log():
    """Rank against activity: 1 / (rank + 2% of the users)."""
    activity = np.sort(np.bincount(synthetic(2_000, 3_000, 200_000).users))[::-1]
    expected = 1 / (np.arange(1, 2_001) + 40)
    assert np.allclose(activity, expected * 200_000 / expected.sum(), rtol=0.02, atol=1.5)


def test_a_users_rows_are_in_the_order_of_time(data):
    same_user = data.users[1:] == data.users[:-1]
    assert (np.diff(data.users) >= 0).all()
    assert (np.diff(data.timestamps)[same_user] >= 0).all()
    years = data.timestamps.astype("datetime64[s]").astype("datetime64[Y]").astype(int) + 1970
    assert 2013 <= years.min() <= years.max() <= 2020


def test_titles_are_different_and_tell_the_genre(data):
    assert len(set(data.titles.tolist())) == data.n_items
    for title, genres in zip(data.titles, data.genres, strict=True):
        assert title.split()[2] in GENRES[genres[0]]
        assert len(set(genres)) == len(genres) <= 2


def test_users_like_the_genres_they_choose(data):
    """Most of a user's rows are of few genres, and these are rated higher than the user's others."""
    names = list(GENRES)
    genre = np.array([names.index(genres[0]) for genres in data.genres])[data.items]
    counts = np.zeros((data.n_users, len(names)))
    np.add.at(counts, (data.users, genre), 1)
    shares = np.sort(counts / counts.sum(axis=1, keepdims=True), axis=1)[:, ::-1]
    overall = np.sort(np.bincount(genre) / len(data))[::-1]
    assert shares[:, :3].sum(axis=1).mean() > 2 * overall[:3].sum()
    favourite = counts.argmax(axis=1)[data.users] == genre
    assert data.ratings[favourite].mean() > data.ratings[~favourite].mean() + 0.5


def als(positives, factors=16, regularization=5.0, alpha=5.0, iterations=8):
    """Weighted least squares on dense matrices: slow, and short enough to be seen to be right."""
    random = np.random.default_rng(0)
    likes = positives.toarray()
    users, items = (random.normal(0, 0.1, (n, factors)) for n in likes.shape)
    ridge = regularization * np.eye(factors)
    for _ in range(iterations):
        for solved, fixed, rows in ((users, items, likes), (items, users, likes.T)):
            for row, liked in enumerate(rows):
                weight = np.where(liked > 0, alpha, 1.0)
                solved[row] = np.linalg.solve((fixed.T * weight) @ fixed + ridge, fixed.T @ (weight * (liked > 0)))
    return users @ items.T


def ndcg(scores, train, test, k=10):
    """Mean NDCG@k over users with a relevant test item."""
    scores = np.where(train.to_csr().toarray() > 0, -np.inf, scores)
    relevant = test.select(test.relevant).to_csr().toarray() > 0
    hits = np.take_along_axis(relevant, np.argsort(-scores, axis=1)[:, :k], axis=1)
    discount = 1 / np.log2(np.arange(k) + 2)
    ideal = np.array([discount[: min(k, n)].sum() for n in relevant.sum(axis=1)])
    return ((hits * discount).sum(axis=1)[ideal > 0] / ideal[ideal > 0]).mean()


@pytest.mark.parametrize("seed", [0, 1])
def test_als_is_better_than_popularity_by_far_more_than_30_percent(seed):
    data = synthetic(500, 300, 20_000, seed=seed)
    held_out = np.random.default_rng(seed).random(len(data)) < 0.2
    train, test = data.select(~held_out), data.select(held_out)
    positives = train.positives()
    popularity = ndcg(np.tile(positives.sum(axis=0), (data.n_users, 1)), train, test)
    assert ndcg(als(positives), train, test) > 1.3 * popularity
    assert popularity > 2 * ndcg(np.random.default_rng(0).random((data.n_users, data.n_items)), train, test)
