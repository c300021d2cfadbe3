"""The machine and software as this process sees them."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bench import environment
from bench.cells.job import THREAD_VARIABLES
from recsys_impl.memory import available_bytes
from recsys_impl.threads import thread_count

LIBRARIES = ("recsys-bench", "numpy", "scipy", "numba", "scikit-learn", "pandas", "pyarrow", "statsmodels")


@dataclass(frozen=True)
class Machine:
    """What decides how fast a run is and whether its numbers compare with another's.

    ``cores`` is what the machine has, ``cores_allowed`` what the process may use (its affinity), ``cores_quota`` what
    its control groups let it use on average (None: no limit). ``threads`` is what a run takes by default,
    ``thread_variables`` are those of the environment that are set, ``thread_pools`` one line a BLAS or OpenMP library.
    """

    python: str
    executable: str
    versions: dict[str, str]
    commit: str
    system: str
    processor: str
    cores: int
    cores_allowed: int
    cores_quota: float | None
    memory_available_mb: float
    threads: int
    thread_variables: dict[str, str]
    thread_pools: list[str]


def look_at_machine() -> Machine:
    """This process's machine."""
    return Machine(
        python=platform.python_version(),
        executable=sys.executable,
        versions=environment.package_versions(*LIBRARIES),
        commit=environment.commit(),
        system=f"{platform.system()} {platform.machine()}",
        processor=environment.processor(),
        cores=os.cpu_count() or 1,
        cores_allowed=thread_count(0),
        cores_quota=cores_quota(),
        memory_available_mb=available_bytes() / 2**20,
        threads=thread_count(0),
        thread_variables={name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
        thread_pools=thread_pools(),
    )


def thread_pools() -> list[str]:
    """BLAS and OpenMP libraries of this process, with their threads; those that models use are loaded first."""
    import scipy.linalg  # noqa: F401 - SciPy brings a BLAS of its own beside NumPy's
    from threadpoolctl import threadpool_info

    pools = {
        (pool["user_api"], *(pool.get(key) for key in _TELLING), pool["num_threads"]) for pool in threadpool_info()
    }
    return sorted(
        f"{api}: {' '.join(str(part) for part in telling if part)}, {threads} thread{'s' * (threads != 1)}"
        for api, *telling, threads in pools
    )


_TELLING = ("internal_api", "version", "architecture")


def cores_quota(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> float | None:
    """How many cores' worth of time the control groups of this process leave it; None without a limit."""
    return min(_quotas(proc, cgroups), default=None)


def _quotas(proc: Path, cgroups: Path) -> Iterator[float]:
    """Quota / period of each group and its parents: version 2's cpu.max, version 1's cpu controller."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for group in (PurePosixPath(path), *PurePosixPath(path).parents):
            below = group.relative_to("/")
            if controllers == "":
                files = [cgroups / below / "cpu.max"]
            elif "cpu" in controllers.split(","):
                files = [cgroups / "cpu" / below / f"cpu.cfs_{name}_us" for name in ("quota", "period")]
            else:
                continue
            try:
                quota, period = (int(word) for file in files for word in file.read_text().split())
            except (OSError, ValueError):  # no such group here, or "max"
                continue
            if quota > 0:  # -1 is version 1's word for no limit
                yield quota / period
