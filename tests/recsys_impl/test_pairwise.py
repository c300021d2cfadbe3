"""BPR and WARP: the step against finite differences, the blocks against what they promise."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from recsys_impl import BPR, WARP
from recsys_impl.blocks import BLOCKS, Cells
from recsys_impl.kernels.blocks import random_below, shuffle
from recsys_impl.kernels.pairwise import bpr_cell, warp_cell

RIDGE = 0.3


def one_pair(cell, *extra, seed=3):
    """One user, one positive (item 0), one possible negative (item 1): parameters before and after a cell.

    A learning rate of 1 and sums of squares so large that they don't change: the step is the gradient over 1,000.
    """
    random = np.random.default_rng(seed)
    x, y, b = (random.normal(size=shape).astype(np.float32) for shape in ((1, 5), (2, 5), 2))
    before = x.astype(float), y.astype(float), b.astype(float)
    squares = [np.full(len(a), 1e6, np.float32) for a in (x, y)]
    users, items, block = np.zeros(1, np.int32), np.zeros(1, np.int32), np.arange(2, dtype=np.int32)
    segments, seen = np.array([[0, 1]]), np.zeros(2, np.uint8)
    numbers = (np.float32(1), np.float32(RIDGE))
    cell(np.ones(1, np.uint64), users, 0, segments, items, block, seen, x, y, b, *squares, *numbers, *extra)
    assert not seen.any()
    steps = [1000 * (after - old) for after, old in zip((x, y, b), before, strict=True)]
    return before, steps


def numerical_gradient(objective, parameters, h=1e-5):
    gradients = []
    for array in parameters:
        gradient = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            old = array[place]
            array[place] = old + h
            above = objective(*parameters)
            array[place] = old - h
            gradient[place] = (above - objective(*parameters)) / (2 * h)
            array[place] = old
        gradients.append(gradient)
    return gradients


def margin(x, y, b):
    return x[0] @ y[0] + b[0] - x[0] @ y[1] - b[1]


def penalty(x, y, b):
    return RIDGE / 2 * (np.sum(x**2) + np.sum(y**2) + np.sum(b**2))


def test_bpr_climbs_the_gradient_of_the_log_likelihood():
    before, steps = one_pair(bpr_cell)
    wanted = numerical_gradient(lambda *p: -np.log1p(np.exp(-margin(*p))) - penalty(*p), list(before))
    for step, gradient in zip(steps, wanted, strict=True):
        np.testing.assert_allclose(step, gradient, rtol=2e-3, atol=2e-3)


def test_warp_climbs_the_gradient_of_the_weighted_hinge():
    weights = np.full(11, 1.7, np.float32)
    before, steps = one_pair(warp_cell, 10, weights, seed=4)
    assert margin(*before) < 1, "the seed must give a violation"
    wanted = numerical_gradient(lambda *p: -1.7 * max(0, 1 - margin(*p)) - penalty(*p), list(before))
    for step, gradient in zip(steps, wanted, strict=True):
        np.testing.assert_allclose(step, gradient, rtol=2e-3, atol=2e-3)


def test_warp_leaves_a_pair_with_enough_margin_alone():
    weights = np.ones(11, np.float32)
    for seed in range(50):
        before, steps = one_pair(warp_cell, 10, weights, seed=seed)
        if margin(*before) > 1:
            assert not any(step.any() for step in steps)
            return
    pytest.fail("no seed gave a margin above 1")


def test_warp_weighs_by_the_estimated_rank(tastes):
    """weights[t] = ln of (items - 1) / t, at least ln 1: the more draws it took, the higher the positive already is."""
    captured = {}

    class Spy(WARP):
        def _cell_step(self, cells, n_items):
            step = super()._cell_step(cells, n_items)
            names = step.__code__.co_freevars
            captured.update(dict(zip(names, (cell.cell_contents for cell in step.__closure__), strict=True)))
            return step

    Spy(factors=4, iterations=1, max_sampled=30).fit(tastes, show_progress=False)
    expected = [0] + [np.log(max(1, 119 // t)) for t in range(1, 31)]
    np.testing.assert_allclose(captured["weights"], expected, rtol=1e-6)


@pytest.fixture
def cells(tastes):
    """The tastes, numbered from 0, dealt by two threads."""
    matrix = tastes.copy()
    matrix.data = np.arange(matrix.nnz, dtype=np.float32)
    cells = Cells(matrix, threads=2)
    with ThreadPoolExecutor(2) as executor:
        cells.deal(np.random.default_rng(0), executor)
    return cells


def test_stages_visit_every_interaction_once_with_its_value(tastes, cells):
    coo = tastes.tocoo()
    visited = []
    for stage in range(BLOCKS):
        for users, block, segments, items in (cells.cell(*cell) for cell in cells.of_stage(stage)):
            for user in users:
                part = slice(segments[user, block], segments[user, block + 1])
                assert set(items[part]) <= set(cells.item_blocks[block])
                visited += [(user, item, value) for item, value in zip(items[part], cells.values[part], strict=True)]
    assert sorted(visited) == sorted(zip(coo.row, coo.col, np.arange(tastes.nnz), strict=True))


def test_cells_of_a_stage_touch_nothing_in_common(tastes, cells):
    for stage in range(BLOCKS):
        pairs = cells.of_stage(stage)
        users = np.concatenate([cells.user_blocks[user_block] for user_block, _ in pairs])
        items = np.concatenate([cells.item_blocks[item_block] for _, item_block in pairs])
        assert sorted(users) == list(range(tastes.shape[0]))
        assert sorted(items) == list(range(tastes.shape[1]))


@pytest.mark.parametrize("threads", [1, 2, 3, 20])
def test_a_visit_steps_through_all_cells_stage_by_stage(tastes, threads):
    visited = []
    with ThreadPoolExecutor(threads) as executor:
        Cells(tastes, threads).visit(visited.append, executor)
    stages = [set(visited[start : start + BLOCKS]) for start in range(0, BLOCKS**2, BLOCKS)]
    assert stages == [set(Cells.of_stage(stage)) for stage in range(BLOCKS)]


def test_a_vector_goes_at_one_rate_that_falls_with_its_gradients():
    """Adagrad by hand: two visits of the same pair, rates from the sums before each."""
    x, y, b = (
        np.array([[0.5, -0.2]], np.float32),
        np.array([[0.1, 0.4], [0.3, -0.6]], np.float32),
        np.zeros(2, np.float32),
    )
    g_x, g_y, rate = np.full(1, 2, np.float32), np.full(2, 2, np.float32), 0.3
    p = [array.astype(float) for array in (x, y, b, g_x, g_y)]
    for _ in range(2):
        xu, yi, yj = p[0][0].copy(), p[1][0].copy(), p[1][1].copy()
        pull = 1 / (1 + np.exp(xu @ (yi - yj) + p[2][0] - p[2][1]))
        rates = rate / np.sqrt([p[3][0], p[4][0], p[4][1]])
        p[3][0] += np.sum((pull * (yi - yj)) ** 2)
        p[4] += np.sum((pull * xu) ** 2)
        p[0][0] += rates[0] * pull * (yi - yj)
        p[1][0] += rates[1] * pull * xu
        p[1][1] -= rates[2] * pull * xu
        p[2] += rates[1:] * pull * np.array([1, -1])
        segments, items, block = np.array([[0, 1]]), np.zeros(1, np.int32), np.arange(2, dtype=np.int32)
        numbers = (np.float32(rate), np.float32(0))
        who = np.zeros(1, np.int32)
        seen = np.zeros(2, np.uint8)
        bpr_cell(np.ones(1, np.uint64), who, 0, segments, items, block, seen, x, y, b, g_x, g_y, *numbers)
    for got, wanted in zip((x, y, b, g_x, g_y), p, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5)


def test_random_numbers_are_uniform_and_shuffles_are_permutations():
    state = np.array([7], np.uint64)
    draws = np.array([random_below(state, 5) for _ in range(20_000)])
    assert draws.min() == 0
    assert draws.max() == 4
    expected = len(draws) / 5
    chi_square = np.sum((np.bincount(draws) - expected) ** 2 / expected)
    assert chi_square < 18.5  # the 99.9% point for 4 degrees of freedom
    values = np.arange(50)
    shuffle(values, state)
    assert sorted(values) == list(range(50))
    assert not np.array_equal(values, np.arange(50))


@pytest.mark.parametrize("model", [BPR, WARP])
def test_zeros_and_negative_values_are_no_positives(model, tastes):
    """A stored zero or dislike is as good as none, and the caller's matrix stays as it was."""
    padded = tastes.copy()
    padded.data[::7] = 0
    padded.data[::11] = -1
    clean = padded.copy()
    clean.data[clean.data < 0] = 0
    clean.eliminate_zeros()
    one, other = (model(factors=4, iterations=2).fit(m, show_progress=False) for m in (padded, clean))
    np.testing.assert_array_equal(one.item_factors, other.item_factors)
    assert padded.nnz == tastes.nnz
