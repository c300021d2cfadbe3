"""Folders and files under temporary names in a results folder: whose owner lives is left alone, whose owner died goes.

An owner holds a lock (flock) on what it makes, which the system lets go however the process ends. So what a killed run
leaves behind is told from what another run is writing at this moment, without clocks or process ids.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Locks may not reach from one machine to another on a shared disk: only what this machine left behind is judged.
_HOST = re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:30]
PREFIX = f".tmp-{_HOST}-"


@contextmanager
def scratch_folder(root: Path) -> Iterator[Path]:
    """A new folder below ``root`` under a temporary name, locked while it is open, gone afterwards."""
    root.mkdir(parents=True, exist_ok=True)
    folder, lock = _claim_folder(root)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def open_scratch_file(folder: Path) -> tuple[int, Path]:
    """A new file in ``folder`` under a temporary name, open for writing and locked until it is closed."""
    while True:
        handle, name = tempfile.mkstemp(prefix=PREFIX, dir=folder)
        if _lock(handle, Path(name)):
            return handle, Path(name)
        os.close(handle)


def remove_leftovers(root: Path) -> int:
    """Remove what dead processes of this machine left behind in a results folder; returns how many things there were.

    What can't be judged (a disk without locks) or removed is left alone: its name begins with a dot, and nothing that
    does is ever read.
    """
    found = [*root.glob(f"{PREFIX}*"), *root.glob(f"datasets/*/*/*/{PREFIX}*")]
    return sum(_remove_if_dead(path) for path in found)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk, so that they outlive a lost power supply."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # there are disks that can't
            raise
    finally:
        os.close(handle)


def exchange(one: Path, other: Path) -> bool:
    """Let two paths swap names in one step; False where the system or the disk can't."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    here, swap = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), swap) == 0)


def make_folders(folder: Path) -> None:
    """``mkdir -p``, with each new name on disk when it returns."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing):
        sync_folder(made.parent)


def _claim_folder(root: Path) -> tuple[Path, int]:
    """A new locked folder and its lock."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        with contextlib.suppress(FileNotFoundError):  # another run took it for a leftover before it was locked
            handle = os.open(folder, os.O_RDONLY)
            if _lock(handle, folder):
                return folder, handle
            os.close(handle)


def _lock(handle: int, path: Path) -> bool:
    """Lock what was just made; False where it was taken for a leftover and removed between the two."""
    # On a disk without locks nobody can lock it, hence nobody removes it either.
    with contextlib.suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _remove_if_dead(path: Path) -> bool:
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(handle), os.stat(path)):
                return False
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
            return True
        finally:
            os.close(handle)
    return False
