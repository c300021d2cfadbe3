"""How much memory there is, and a refusal that names it before a model takes more."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from recsys_impl.base import ModelError

GIB = 2**30

logger = logging.getLogger(__name__)


class NotEnoughMemoryError(ModelError, MemoryError):
    """A model would need more memory than there is; the message has both figures and what to try."""


def require_memory(model_name: str, needed_bytes: int, what_to_try: str) -> None:
    """Let a model begin only where its memory fits; the figure is logged at level INFO either way.

    Raises
    ------
    NotEnoughMemoryError
        More is needed than :func:`available_bytes` finds.
    """
    available = available_bytes()
    logger.info("%s needs %s of memory, %s are available", model_name, gib(needed_bytes), gib(available))
    if needed_bytes > available:
        raise NotEnoughMemoryError(
            f"{model_name} needs {gib(needed_bytes)} of memory, {gib(available)} are available: {what_to_try}"
        )


def gib(size: int) -> str:
    """A number of bytes as people read it: 2.72 GiB."""
    return f"{size / GIB:.2f} GiB"


def available_bytes(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """What this process can still take without swapping: the machine's free memory, or less in a container.

    Free is what Linux calls MemAvailable: unused memory and caches it can drop. Where there is no /proc (macOS) it is
    all memory of the machine, an upper bound. No library is needed for two small files.
    """
    return min(_of_machine(proc), *_of_control_groups(proc, cgroups))


def _of_machine(proc: Path) -> int:
    try:
        return 1024 * _entry(proc / "meminfo", "MemAvailable:")
    except (OSError, KeyError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_control_groups(proc: Path, cgroups: Path) -> Iterator[int]:
    """What each group that this process is in has left: version 2, then version 1's memory controller.

    A group's limit holds for its children, so parents are asked too. In a container the path may be the host's, of
    which only the root is mounted.
    """
    yield 2**63 - 1
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for group in (PurePosixPath(path), *PurePosixPath(path).parents):
            below = group.relative_to("/")
            if controllers == "":
                yield _left(cgroups / below, "memory.max", "memory.current", "inactive_file")
            elif "memory" in controllers.split(","):
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
                yield _left(cgroups / "memory" / below, *names)


def _left(group: Path, limit_file: str, usage_file: str, cache: str) -> int:
    """Limit minus use, file caches that can be dropped not counted as use; no limit is a very large number."""
    try:
        limit, usage = (int((group / name).read_text()) for name in (limit_file, usage_file))
        return max(0, limit - usage + _entry(group / "memory.stat", cache))
    except (OSError, ValueError, KeyError):  # no such group here, "max", or a kernel without the figure
        return 2**63 - 1


def _entry(path: Path, name: str) -> int:
    """The number behind a name in a file of "name number" lines."""
    entries = dict(line.split()[:2] for line in path.read_text().splitlines() if line.strip())
    return int(entries[name])
