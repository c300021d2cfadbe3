"""Kernels release the GIL, so that plain threads run them side by side; BLAS inside them stays on one thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


def thread_count(num_threads: int) -> int:
    """How many threads to use; 0, as in implicit, means all cores this process may use."""
    if num_threads > 0:
        return num_threads
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def workers(num_threads: int) -> Iterator[ThreadPoolExecutor]:
    """An executor of that many threads, with BLAS limited to one."""
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(thread_count(num_threads)) as executor:
        yield executor


def chunks(n: int, size: int) -> list[tuple[int, int]]:
    """(start, stop) pairs that cover range(n)."""
    return [(start, min(start + size, n)) for start in range(0, n, size)]
