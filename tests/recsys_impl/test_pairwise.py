"""BPR and WARP: the step against finite differences, the blocks against what they promise."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from recsys_impl import BPR, WARP
from recsys_impl.blocks import Cells
from recsys_impl.kernels.blocks import BLOCKS, Dealt, block_of, random_below, shuffle
from recsys_impl.kernels.pairwise import bpr_cells, warp_cells
from recsys_impl.rows import separate_rows

RIDGE = 0.3


def one_interaction():
    """One user (0) with one positive (item 0), all in the first blocks, and one possible negative (item 1)."""
    starts = np.array([0] + [1] * BLOCKS)
    return Dealt(
        seeds=np.ones((BLOCKS, BLOCKS, 1), np.uint64),
        user_order=np.zeros(1, np.int32),
        user_starts=starts,
        item_order=np.arange(2, dtype=np.int32),
        item_starts=2 * starts,
        segments=starts[None],
        items=np.zeros(1, np.int32),
        values=np.ones(1, np.float32),
    )


def one_pair(cells, *extra, seed=3):
    """Parameters (x, y, b) before and after the step for :func:`one_interaction`.

    A learning rate of 1 and sums of squares so large that they don't change: the step is the gradient over 1,000.
    """
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(1, 6)).astype(np.float32), random.normal(size=(2, 7)).astype(np.float32)
    x[:, 5] = y[:, 6] = 1e6
    before = x.astype(float), y.astype(float)
    seen = np.zeros(2, np.uint8)
    cells(one_interaction(), 0, 0, BLOCKS, seen, 5, x, y, np.float32(1), np.float32(RIDGE), *extra)
    assert not seen.any()
    steps = [1000 * (after - old) for after, old in zip((x, y), before, strict=True)]
    return [[a[:, :5], b[:, :5], b[:, 5]] for a, b in (before, steps)]


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
    before, steps = one_pair(bpr_cells)
    wanted = numerical_gradient(lambda *p: -np.log1p(np.exp(-margin(*p))) - penalty(*p), list(before))
    for step, gradient in zip(steps, wanted, strict=True):
        np.testing.assert_allclose(step, gradient, rtol=2e-3, atol=2e-3)


def test_warp_climbs_the_gradient_of_the_weighted_hinge():
    weights = np.full(11, 1.7, np.float32)
    before, steps = one_pair(warp_cells, 10, weights, seed=4)
    assert margin(*before) < 1, "the seed must give a violation"
    wanted = numerical_gradient(lambda *p: -1.7 * max(0, 1 - margin(*p)) - penalty(*p), list(before))
    for step, gradient in zip(steps, wanted, strict=True):
        np.testing.assert_allclose(step, gradient, rtol=2e-3, atol=2e-3)


def test_warp_leaves_a_pair_with_enough_margin_alone():
    weights = np.ones(11, np.float32)
    for seed in range(50):
        before, steps = one_pair(warp_cells, 10, weights, seed=seed)
        if margin(*before) > 1:
            assert not any(step.any() for step in steps)
            return
    pytest.fail("no seed gave a margin above 1")


def test_warp_weighs_by_the_estimated_rank():
    """weights[t] = ln of (items - 1) / t, at least ln 1: the more draws it took, the higher the positive already is."""
    expected = [0] + [np.log(max(1, 119 // t)) for t in range(1, 31)]
    np.testing.assert_allclose(WARP(max_sampled=30)._weights(120), expected, rtol=1e-6)


def test_warp_takes_the_weight_of_the_draw_that_found_a_violation():
    """The only negative violates at once: the step is that of weights[1], whatever the others are."""
    _, steps = one_pair(warp_cells, 10, np.full(11, 1.7, np.float32), seed=4)
    _, first_only = one_pair(warp_cells, 10, np.array([9, 1.7] + [5] * 9, np.float32), seed=4)
    _, doubled = one_pair(warp_cells, 10, np.full(11, 3.4, np.float32), seed=4)
    if np.array_equal(steps[0], first_only[0]):
        assert not np.array_equal(steps[0], doubled[0])
    else:  # the positive itself was drawn first
        assert np.array_equal(first_only[0], one_pair(warp_cells, 10, np.full(11, 5, np.float32), seed=4)[1][0])


@pytest.fixture
def dealt(tastes):
    """The tastes with values from 0 on, dealt by two threads."""
    matrix = tastes.copy()
    matrix.data = np.arange(matrix.nnz, dtype=np.float32)
    with ThreadPoolExecutor(2) as executor:
        return Cells(matrix, threads=2).deal(np.random.default_rng(0), executor)


def test_cells_hold_every_interaction_once_with_its_value(tastes, dealt):
    coo = tastes.tocoo()
    held = []
    for user_block, item_block in np.ndindex(BLOCKS, BLOCKS):
        block = set(block_of(dealt.item_order, dealt.item_starts, item_block))
        for user in block_of(dealt.user_order, dealt.user_starts, user_block):
            part = slice(dealt.segments[user, item_block], dealt.segments[user, item_block + 1])
            assert set(dealt.items[part]) <= block
            held += [(user, *pair) for pair in zip(dealt.items[part], dealt.values[part], strict=True)]
    assert sorted(held) == sorted(zip(coo.row, coo.col, np.arange(tastes.nnz), strict=True))
    assert sorted(dealt.user_order) == list(range(tastes.shape[0]))
    assert sorted(dealt.item_order) == list(range(tastes.shape[1]))


@pytest.mark.parametrize("threads", [1, 2, 3, 8, 20])
def test_every_stage_goes_through_all_user_blocks_once(tastes, threads):
    visited = []

    def step(stage, first, last):
        visited.extend((stage, user_block) for user_block in range(first, last))

    with ThreadPoolExecutor(threads) as executor:
        Cells(tastes, threads).visit(step, executor)
    assert [stage for stage, _ in visited] == sorted(stage for stage, _ in visited)
    assert sorted(visited) == list(np.ndindex(BLOCKS, BLOCKS))


def test_an_error_in_one_thread_ends_the_visit(tastes):
    def step(stage, first, last):
        if (stage, first) == (3, BLOCKS // 2):
            raise MemoryError("no more")

    with ThreadPoolExecutor(2) as executor, pytest.raises(MemoryError, match="no more"):
        Cells(tastes, threads=2).visit(step, executor)


@pytest.mark.parametrize("width", [1, 32, 33])
def test_rows_are_whole_pairs_of_cache_lines(width):
    rows = separate_rows(7, width)
    assert rows.shape == (7, 32 if width <= 32 else 64)
    assert rows.ctypes.data % 128 == 0
    assert rows.flags.c_contiguous
    assert not rows.any()


def test_a_vector_goes_at_one_rate_that_falls_with_its_gradients():
    """Adagrad by hand: two visits of the same pair, rates from the sums before each."""
    x = np.array([[0.5, -0.2, 2]], np.float32)
    y = np.array([[0.1, 0.4, 0, 2], [0.3, -0.6, 0, 2]], np.float32)
    rate = 0.3
    u, i, j = (row.astype(float) for row in (x[0], y[0], y[1]))
    for _ in range(2):
        pull = 1 / (1 + np.exp(u[:2] @ (i[:2] - j[:2]) + i[2] - j[2]))
        rate_u, rate_i, rate_j = rate / np.sqrt([u[2], i[3], j[3]])
        squared_u, squared_d = np.sum(u[:2] ** 2), np.sum((i[:2] - j[:2]) ** 2)
        step_u, step_i = pull * (i[:2] - j[:2]), pull * np.append(u[:2], 1)
        u[:2] += rate_u * step_u
        i[:3] += rate_i * step_i
        j[:3] -= rate_j * step_i
        u[2] += pull**2 * squared_d
        i[3] += pull**2 * squared_u
        j[3] += pull**2 * squared_u
        seen = np.zeros(2, np.uint8)
        bpr_cells(one_interaction(), 0, 0, BLOCKS, seen, 2, x, y, np.float32(rate), np.float32(0))
    for got, wanted in ((x[0], u), (y[0], i), (y[1], j)):
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
