"""How kernels are compiled: without the GIL, cached on disk where the cache can't go stale."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numba
import platformdirs


def kernel(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """``numba.njit(nogil=True, cache=True)`` with the cache in a folder of its own.

    Numba notices a change in a kernel's own file, not in a file that it calls into. So the folder's name ends in a
    hash of all kernels' sources. A cache folder set by NUMBA_CACHE_DIR is left alone.
    """
    if function is None:
        return partial(kernel, **options)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = cache_folder()
    try:
        return numba.njit(nogil=True, cache=True, **options)(function)
    finally:
        numba.config.CACHE_DIR = before


def cache_folder() -> str:
    """Where compiled kernels are kept: NUMBA_CACHE_DIR, else a folder of ours; "" where none can be written."""
    return str(numba.config.CACHE_DIR or _own_folder())


@cache
def _own_folder() -> str:
    """The user's cache folder or, where that can't be written (no HOME, read-only disk), the temporary one."""
    digest = blake2b(digest_size=6)
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    name = f"numba-{digest.hexdigest()}"
    for parent in (platformdirs.user_cache_dir("recsys-bench"), f"{tempfile.gettempdir()}/recsys-bench-{os.getuid()}"):
        folder = Path(parent) / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return str(folder)
    return ""
