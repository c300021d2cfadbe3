"""Where compiled kernels are kept, and whether they can be."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass

from recsys_impl.kernels.compile import cache_folder


@dataclass(frozen=True)
class KernelCache:
    """``folder`` is "" where no folder could be made; without one that can be written every process compiles anew."""

    folder: str
    writable: bool
    reason: str


def look_at_kernel_cache() -> KernelCache:
    """The folder, tried by writing a file: permissions alone don't tell of a read-only or a full disk."""
    folder = cache_folder()
    if not folder:
        return KernelCache("", False, "no folder can be made: set NUMBA_CACHE_DIR to one that can be written")
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.write(b"0")
    except OSError as error:
        return KernelCache(folder, False, f"{error}: set NUMBA_CACHE_DIR to a folder that can be written")
    return KernelCache(folder, True, "")
