"""Versions on the workers and here: the resume key holds ours, so the workers must have the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.cluster.errors import ClusterError

MISSING = "not installed"
CODE = "code of recsys-bench"


def version_reader() -> Callable[[Sequence[str]], dict[str, str]]:
    """A function from distributions to their versions, with Python's and a hash of this package's code.

    It is defined in here, and imports what it uses itself, so that it is sent by value: a worker without this package
    can answer too.
    """

    def read(distributions: Sequence[str]) -> dict[str, str]:
        from hashlib import blake2b
        from importlib.metadata import PackageNotFoundError, version
        from importlib.util import find_spec
        from pathlib import Path
        from platform import python_version

        found = {"python": python_version()}
        for name in distributions:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = "not installed"
        digest = blake2b(digest_size=6)
        for package in ("bench", "recsys_impl", "reports", "splits"):
            spec = find_spec(package)
            if spec is None or not spec.submodule_search_locations:
                found["code of recsys-bench"] = "not installed"
                return found
            root = Path(spec.submodule_search_locations[0])
            for file in sorted(root.rglob("*.py")):
                digest.update(f"{package}/{file.relative_to(root).as_posix()}\0".encode() + file.read_bytes())
        found["code of recsys-bench"] = digest.hexdigest()
        return found

    return read


def check_versions(here: Mapping[str, str], there: Mapping[str, Mapping[str, str]]) -> None:
    """That every worker has what is here.

    Parameters
    ----------
    there
        Worker's address -> what :func:`version_reader` found on it.

    Raises
    ------
    ClusterError
        A worker differs: the message has both versions of everything that does.
    """
    for address, found in there.items():
        different = [
            f"{name} {found.get(name, MISSING)} (here {version})"
            for name, version in here.items()
            if found.get(name, MISSING) != version
        ]
        if found.get(CODE) == MISSING:
            raise ClusterError(f"the worker {address} doesn't have recsys-bench: install {here['recsys-bench']} there")
        if different:
            raise ClusterError(
                f"the worker {address} has other versions, and its numbers would not be those of this machine: "
                f"{', '.join(different)}. Install the same on both (pip install -c constraints.txt)"
            )
