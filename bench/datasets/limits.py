"""What is read of a file from outside: a regular file, and no more of it than memory holds."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bench.datasets.errors import DatasetError

VARIABLE = "RECSYS_BENCH_LARGEST_MB"
# Tables pack to a fifth or a tenth; what unpacks to a hundred times its size is made to fill the memory.
ALWAYS_UNPACKED, MOST_UNPACKED = 256 * 2**20, 100


def regular_size(path: Path) -> int:
    """The bytes of a regular file.

    Raises
    ------
    DatasetError
        There is none, or it is a folder, a device or a pipe: reading one of these may never end.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise DatasetError(f"there is no file {path}. Check the path.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise DatasetError(f"{path} cannot be read: {reason}. Give a file that can.") from error
    if not stat.S_ISREG(status.st_mode):
        found = "a folder" if stat.S_ISDIR(status.st_mode) else "a device or pipe"
        raise DatasetError(f"{path} cannot be read: it is {found}. Give a file.")
    return status.st_size


def largest_file() -> int:
    """The most bytes that are read of one file: what the variable says, else this machine's memory."""
    return _told() or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def largest_unpacked(packed: int) -> int:
    """The most bytes that a file of so many may unpack to."""
    return _told() or min(largest_file(), max(ALWAYS_UNPACKED, MOST_UNPACKED * packed))


def too_large(path: Path | str, does: str, limit: int) -> DatasetError:
    """The error about a file that ``does`` ("holds", "unpacks to") more than the limit."""
    megabytes = limit // 2**20
    return DatasetError(
        f"{path} {does} more than the {megabytes:,} MB allowed. If it is what it should be and the memory is enough, "
        f"set {VARIABLE} to a larger number."
    )


def _told() -> int:
    """The bytes that the variable allows, 0 where it isn't set."""
    text = os.environ.get(VARIABLE, "")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text)):
        raise DatasetError(f"{VARIABLE} is '{text[:40]}': it must be a whole number of megabytes, 4096 for example.")
    return int(text) * 2**20
