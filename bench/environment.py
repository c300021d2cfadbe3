"""What makes a number comparable: versions, processor, threads, commit."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

KEY_LIBRARIES = ("numpy", "scipy", "numba")  # those whose version may change a hand-rolled model's numbers


def package_versions(*distributions: str) -> dict[str, str]:
    """Installed versions; a distribution that isn't installed is left out."""
    found = {}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def key_versions(library: str = "") -> dict[str, str]:
    """The versions that are part of a resume key: Python, ours, the numerical libraries and the model's."""
    names = ("recsys-bench", *KEY_LIBRARIES, *([library] if library else []))
    return {"python": platform.python_version(), **package_versions(*names)}


def describe(threads: int) -> dict[str, Any]:
    """The machine and software that a cell ran on."""
    from threadpoolctl import threadpool_info

    pools = {(pool["internal_api"], pool.get("version"), pool.get("architecture")) for pool in threadpool_info()}
    return {
        "versions": key_versions(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "thread_pools": sorted(" ".join(str(part) for part in pool if part) for pool in pools),
        "commit": commit(),
    }


@cache
def processor() -> str:
    """The processor's name, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@cache
def commit() -> str:
    """The commit this package's source is at, with "+" where it was changed since; "" outside a checkout."""
    folder = Path(__file__).parent
    git = ["git", "-C", str(folder)]
    try:
        tracked = subprocess.run([*git, "ls-files", "--error-unmatch", __file__], capture_output=True, timeout=10)
        if tracked.returncode != 0:
            return ""
        head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, timeout=10)
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def peak_memory_mb() -> float:
    """This process's largest resident size in MB (2**20 bytes).

    ``ru_maxrss`` of a child starts at its parent's size, so Linux's VmHWM is read where there is one.
    """
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    import resource

    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / 2**20 if sys.platform == "darwin" else size / 1024
