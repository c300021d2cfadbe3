"""Interactions dealt into cells that can be learned from side by side (``recsys_impl/kernels/blocks.py`` says how)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_impl.kernels.blocks import BLOCKS, deal
from recsys_impl.threads import chunks

Array = NDArray[Any]
ROWS_PER_TASK = 1024


class Cell(NamedTuple):
    """What a kernel needs to find a cell's interactions: its users, its number among item blocks, all cells' rows."""

    users: Array
    item_block: int
    segments: Array
    items: Array


class Cells:
    """The interactions of an epoch dealt into BLOCKS x BLOCKS cells; :meth:`deal` makes them, :meth:`visit` goes through.

    Attributes
    ----------
    seeds
        uint64 (BLOCKS, BLOCKS, 1), the state of each cell's random stream.
    user_blocks, item_blocks
        The users and the items of each block, in random order.
    segments, items, values
        The CSR with each row sorted by item block, see ``recsys_impl.kernels.blocks.deal``.
    """

    def __init__(self, user_items: sp.csr_matrix, threads: int):
        self._user_items, self._threads = user_items, threads
        self.segments = np.empty((user_items.shape[0], BLOCKS + 1), np.int64)
        self.items, self.values = np.empty_like(user_items.indices), np.empty_like(user_items.data)

    def deal(self, random: np.random.Generator, executor: ThreadPoolExecutor) -> None:
        """Deal users and items into blocks, and interactions into cells, in the arrays of the epoch before."""
        n_users, n_items = self._user_items.shape
        user_order = random.permutation(n_users).astype(np.int32)
        item_order = random.permutation(n_items).astype(np.int32)
        self.seeds = random.integers(0, 2**64, (BLOCKS, BLOCKS, 1), dtype=np.uint64)
        self.user_blocks = [user_order[block::BLOCKS].copy() for block in range(BLOCKS)]
        self.item_blocks = [item_order[block::BLOCKS].copy() for block in range(BLOCKS)]
        block_of = np.empty(n_items, np.int8)
        block_of[item_order] = np.arange(n_items) % BLOCKS
        csr = (self._user_items.indptr, self._user_items.indices, self._user_items.data)

        def deal_rows(rows: tuple[int, int]) -> None:
            deal(*rows, *csr, block_of, self.segments, self.items, self.values)

        list(executor.map(deal_rows, chunks(n_users, ROWS_PER_TASK)))

    def visit(self, step: Callable[[tuple[int, int]], None], executor: ThreadPoolExecutor) -> None:
        """Call ``step`` with each cell, one stage after the other, those of a stage side by side.

        Each thread has its share of a stage beforehand: a task for every cell would cost as much as a tenth of its work.
        """

        def go_through(share: list[tuple[int, int]]) -> None:
            for cell in share:
                step(cell)

        for stage in range(BLOCKS):
            cells = self.of_stage(stage)
            list(executor.map(go_through, [cells[thread :: self._threads] for thread in range(self._threads)]))

    @staticmethod
    def of_stage(stage: int) -> list[tuple[int, int]]:
        """(user block, item block) of the cells that touch nothing in common."""
        return [(block, (block + stage) % BLOCKS) for block in range(BLOCKS)]

    def cell(self, user_block: int, item_block: int) -> Cell:
        return Cell(self.user_blocks[user_block], item_block, self.segments, self.items)
