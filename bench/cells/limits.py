"""Limits of a cell's time and memory: how they are written, and how much memory a cell's processes hold."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

MIB = 2**20
UNITS = {"": MIB, "MB": MIB, "MIB": MIB, "M": MIB, "GB": 1024 * MIB, "GIB": 1024 * MIB, "G": 1024 * MIB}
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
SMALLEST_MEMORY = 16 * MIB
# Address space that is reserved and never touched doesn't count as held, but counts for RLIMIT_DATA: for each thread
# its stack (8 MiB) and the buffer of an OpenBLAS (32 MiB, of which a process may have two).
HEADROOM, HEADROOM_A_THREAD = 256 * MIB, 80 * MIB


class LimitError(ValueError):
    """A limit that can't be understood, or be kept to; the message says what is allowed."""


def parse_memory(text: str | int | float | None) -> int:
    """Bytes from ``4GiB``, ``500MB`` or a number of MB (2**20 bytes, as in reports); None and "" are no limit, 0.

    Raises
    ------
    LimitError
        It is something else, or less than Python with NumPy holds: a bare number is easily meant for GiB.
    """
    if text is None or text == "":
        return 0
    match = re.fullmatch(r"\s*([0-9]+(?:[.][0-9]+)?)\s*([A-Za-z]*)\s*", str(text))
    unit = UNITS.get(match[2].upper()) if match else None
    if match is None or unit is None or float(match[1]) * unit < SMALLEST_MEMORY:
        meant = f"; did you mean {match[1]}GiB?" if match and not match[2] else ""
        least = f"at least {SMALLEST_MEMORY // MIB} MB"
        raise LimitError(f"memory limit '{text}': write a number of MB, or 500MB, or 4GiB; {least}{meant}")
    return int(float(match[1]) * unit)


def parse_seconds(option: str, text: str) -> float:
    """``900``, ``15m`` or ``1h`` as seconds; ``option`` is what a message calls it.

    Raises
    ------
    LimitError
        It is none of them.
    """
    match = re.fullmatch(r"(-?[0-9]+(?:[.][0-9]+)?)([smh]?)", text.strip())
    if match is None:
        raise LimitError(f"{option} {text[:60]}: write seconds, or a number with s, m or h, for example 15m")
    return float(match[1]) * SECONDS[match[2]]


def parse_timeout(seconds: str | float | None) -> float:
    """Seconds, or what :func:`parse_seconds` reads; None is no limit, 0.

    Raises
    ------
    LimitError
        It is not a number above 0.
    """
    if seconds is None:
        return 0.0
    if isinstance(seconds, str):
        seconds = parse_seconds("timeout", seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise LimitError(f"timeout {seconds!r}: write seconds, a number above 0")
    return float(seconds)


def limit_data(memory_limit: int, threads: int) -> None:
    """Let this process's allocations fail beyond the limit: a MemoryError at the line that asked says more than a kill.

    Only the second line, beside the parent that watches: address space isn't memory, so there is headroom.
    """
    if not memory_limit:
        return
    import resource

    allowed = _entries("/proc/self/status").get("VmData", 0) + memory_limit + HEADROOM + HEADROOM_A_THREAD * threads
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if hard != resource.RLIM_INFINITY:
        allowed = min(allowed, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))


def lift_data_limit() -> None:
    """Let this process allocate as much as it ever may: a finite hard limit is set from outside, and stays."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def held_bytes(pid: int) -> int:
    """Memory that a process and what it started hold: their own and shared pages and what was swapped out.

    Pages of mapped files (the data, libraries) aren't counted: the system can drop them. Where there are several
    processes, a page they share is counted once. 0 for a process that has ended, and where there is no /proc.
    """
    family = _family(pid)
    if len(family) == 1:
        entries = _entries(f"/proc/{pid}/status")
        return sum(entries.get(name, 0) for name in ("RssAnon", "RssShmem", "VmSwap"))
    shares = [_entries(f"/proc/{member}/smaps_rollup") for member in family]
    return sum(share.get(name, 0) for share in shares for name in ("Pss_Anon", "Pss_Shmem", "SwapPss"))


def can_be_watched() -> bool:
    """Whether this system tells how much memory another process holds."""
    return Path("/proc/self/status").exists()


def oom_kills() -> int:
    """How often the kernel has killed a process for want of memory, in a control group or the whole machine."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _family(pid: int) -> list[int]:
    """A process and its descendants, whatever session they moved to."""
    found, waiting = [], [pid]
    while waiting:
        member = waiting.pop()
        found.append(member)
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{member}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return found


def _entries(path: str) -> dict[str, int]:
    """Sizes in bytes from a file of "name: number kB" lines; {} where it can't be read."""
    found = {}
    try:
        for line in Path(path).read_text().splitlines():
            name, _, value = line.partition(":")
            number, _, unit = value.strip().partition(" ")
            if unit == "kB":
                found[name] = 1024 * int(number)
    except OSError:
        return {}
    return found
