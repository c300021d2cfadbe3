"""Which libraries' models can be made here. Each is imported in a child of its own: a broken one may take it down.

``python -m bench.checkup.libraries MODEL`` is the child's side.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.cells.job import child_environment
from bench.cells.running import how_it_ended
from bench.environment import package_versions
from bench.registry import MODELS, ModelRow, resolve

ADAPTERS = "bench.baselines."
SECONDS = 120  # more than any import takes on a slow disk


@dataclass(frozen=True)
class Library:
    """A library with the models that need it.

    ``reason`` says why it can't be imported ("" if it can), ``command`` what installs it ("" if nothing need be done,
    or it came with recsys-bench). ``version`` is "" where it isn't installed.
    """

    name: str
    version: str
    models: list[str]
    reason: str
    command: str


def look_at_libraries() -> list[Library]:
    """Every library that the registry's baselines need, in the registry's order."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(look_at, groups(MODELS).items()))


def groups(table: Mapping[str, ModelRow]) -> dict[str, list[str]]:
    """Library -> models. One without a name of its own comes with recsys-bench and is called by its adapters' file."""
    found: dict[str, list[str]] = {}
    for name, row in table.items():
        if isinstance(row.target, str) and row.target.startswith(ADAPTERS):
            file = row.target.removeprefix(ADAPTERS).partition(":")[0]
            found.setdefault(row.library or file.removesuffix("_models"), []).append(name)
    return found


def look_at(group: tuple[str, list[str]]) -> Library:
    """One library, tried by making the first of its models."""
    name, models = group
    extra = MODELS[models[0]].extra
    reason = try_model(models[0])
    version = package_versions(name).get(name, "")
    command = f"pip install 'recsys-bench[{extra}]'" if reason and extra else ""
    return Library(name, version, models, reason, command)


def try_model(model: str) -> str:
    """Why a model can't be made in a fresh process, in one line; "" if it can."""
    command = [sys.executable, "-m", "bench.checkup.libraries", model]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=child_environment(1),
            timeout=SECONDS,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return f"its import took more than {SECONDS} seconds"
    if done.returncode == 0:
        return ""
    last_line = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
    return last_line if done.returncode == 1 else f"its process died: {how_it_ended(done.returncode)}: {last_line}"


def main(model: str) -> int:
    """Make a model; the last line on stderr says what went wrong."""
    try:
        resolve(MODELS[model].target)()
    except Exception as error:
        reason = getattr(error, "__cause__", None) or error  # the library's own words, without our command
        print(f"{type(reason).__name__}: {' '.join(str(reason).split())}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
