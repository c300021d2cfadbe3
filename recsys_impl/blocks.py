"""Interactions dealt into cells that can be learned from side by side (``recsys_impl/kernels/blocks.py`` says how)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier, BrokenBarrierError

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_impl.kernels.blocks import BLOCKS, Dealt, deal
from recsys_impl.threads import chunks

ROWS_PER_TASK = 1024


class Cells:
    """The interactions of an epoch dealt into BLOCKS x BLOCKS cells: first :meth:`deal`, then :meth:`visit`."""

    def __init__(self, user_items: sp.csr_matrix, threads: int):
        self._user_items, self._threads = user_items, threads
        self._segments = np.empty((user_items.shape[0], BLOCKS + 1), np.int64)
        self._items, self._values = np.empty_like(user_items.indices), np.empty_like(user_items.data)

    def deal(self, random: np.random.Generator, executor: ThreadPoolExecutor) -> Dealt:
        """Deal users and items into blocks, and interactions into cells, in the arrays of the epoch before."""
        n_users, n_items = self._user_items.shape
        user_order, item_order = (random.permutation(n).astype(np.int32) for n in (n_users, n_items))
        seeds = random.integers(0, 2**64, (BLOCKS, BLOCKS, 1), dtype=np.uint64)
        item_starts = _starts(n_items)
        block_of_item = np.empty(n_items, np.int8)
        block_of_item[item_order] = np.repeat(np.arange(BLOCKS), np.diff(item_starts))
        csr = (self._user_items.indptr, self._user_items.indices, self._user_items.data)

        def deal_rows(rows: tuple[int, int]) -> None:
            deal(*rows, *csr, block_of_item, self._segments, self._items, self._values)

        list(executor.map(deal_rows, chunks(n_users, ROWS_PER_TASK)))
        orders = (user_order, _starts(n_users), item_order, item_starts)
        return Dealt(seeds, *orders, self._segments, self._items, self._values)

    def visit(self, step: Callable[[int, int, int], None], executor: ThreadPoolExecutor) -> None:
        """Call ``step(stage, first, last)`` for all stages one after the other, for all user blocks side by side.

        Each thread keeps its share of the user blocks, first..last, and waits for the others after each stage: so its
        users and most of its items stay in its own cache. The executor must have a thread for each share.
        """
        bounds = [thread * BLOCKS // self._threads for thread in range(self._threads + 1)]
        stage_done = Barrier(self._threads)

        def go_through(share: tuple[int, int]) -> None:
            try:
                for stage in range(BLOCKS):
                    step(stage, *share)
                    stage_done.wait()
            except BaseException:
                stage_done.abort()  # or the others would wait for ever
                raise

        results = [executor.submit(go_through, share) for share in pairwise(bounds)]
        errors = [error for error in (result.exception() for result in results) if error is not None]
        for error in sorted(errors, key=lambda error: isinstance(error, BrokenBarrierError)):
            raise error


def _starts(n: int) -> NDArray[np.int64]:
    """Where each of BLOCKS nearly equal parts of n begins, and n."""
    return np.arange(BLOCKS + 1, dtype=np.int64) * n // BLOCKS
