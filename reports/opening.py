"""Files that somebody may have edited or sent: opened only where they are files, and of a size that memory holds."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

LARGEST = 2**30  # bytes of one file; ten times that of a cell with a million users


def open_regular(path: str | Path, largest: int = LARGEST) -> BinaryIO:
    """A file opened for reading; a pipe is not waited for, and a device is not read without end.

    Raises
    ------
    OSError
        It can't be opened, is a folder, pipe or device, or is larger than ``largest`` bytes.
    """
    stream = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")  # noqa: SIM115  # the caller's
    status = os.fstat(stream.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size <= largest:
        return stream
    stream.close()
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is a folder, a pipe or a device")
    raise OSError(f"it is larger than {largest // 2**20:,} MB")


def read_json(path: str | Path) -> Any:
    """The content of a JSON file; raises OSError, ValueError or RecursionError.

    Numbers that no array holds, of more than twenty digits, and NaN, which isn't JSON, are no values of ours.
    """
    return json.loads(read_text(path), parse_int=_whole, parse_constant=_refuse)


def _whole(digits: str) -> int:
    return int(digits) if len(digits) <= 20 else _refuse(f"{digits[:20]}... with {len(digits)} digits")


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no number of a result")


def read_text(path: str | Path) -> str:
    """The text of a file in UTF-8; raises OSError as :func:`open_regular`, ValueError where it isn't UTF-8."""
    with open_regular(path) as stream:
        return stream.read().decode("utf-8")
