"""The arrows between packages and inside ``bench``, read from the imports themselves."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("bench", "recsys_impl", "splits", "reports")

# What a module of bench may import of bench. Leaves that everybody may use stand first.
LEAVES = {"registry", "environment", "listener", "terminal"}
ARROWS = {
    "__main__": {"cli"},
    "cli": {"api", "gate", "printing", "registry", "plugins", "experiment"},
    "printing": {"compatibility", "listener", "evaluation", "lookup", "checkup", "reproduction"},
    "gate": {"api", "printing"},
    "api": {
        "cells",
        "driver",
        "evaluation",
        "lookup",
        "experiment",
        "listener",
        "loading",
        "contests",
        "checkup",
        "plugins",
        "reproduction",
        "shard",
        "tuning",
    },
    "contests": {"baselines", "metrics", "ranking", "runner"},
    "checkup": {"building", "datasets", "experiment", "fingerprint", "loading", "plugins", "cells"},
    "driver": {
        *("building", "environment", "loading", "showcase", "experiment", "plugins", "cells", "datasets"),
        *("cluster", "settings", "shard"),
    },
    "shard": {"experiment"},
    "cluster": {"cells"},
    "settings": {"experiment"},
    "tuning": {"building", "cells", "experiment", "loading", "plugins", "runner", "settings"},
    "reproduction": {"building", "cells", "datasets", "experiment", "loading", "metrics", "ranking", "runner"},
    "lookup": {"building", "environment", "loading", "plugins", "settings", "showcase"},
    "compatibility": {"metrics", "ranking"},
    "evaluation": {"compatibility", "datasets", "experiment", "metrics", "ranking"},
    "loading": {"building", "experiment", "datasets"},
    "fingerprint": set(),
    "cells": {"building", "fingerprint", "plugins", "runner"},
    "scale": {"scale_chart", "cells"},
    "scale_chart": set(),
    "scale_steps": {"building", "curve", "datasets", "runner"},
    "runner": {"building", "coordinates", "curve", "metrics", "ranking", "vectors"},
    "coordinates": set(),
    "vectors": set(),
    "curve": {"metrics", "ranking"},
    "ranking": set(),
    "metrics": {"ranking"},
}


def imports_of(path):
    """Names of all modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules(package):
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", ["recsys_impl", "splits", "reports"])
def test_the_three_import_neither_bench_nor_each_other(package):
    others = set(PACKAGES) - {package}
    for path in modules(package):
        wrong = {name for name in imports_of(path) if name.split(".")[0] in others}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_bench_keeps_its_arrows():
    for path in modules("bench"):
        inside = path.relative_to(ROOT / "bench").parts
        if inside[0] in ("datasets", "baselines"):
            allowed = {inside[0], *LEAVES}
        else:
            allowed = ARROWS.get(Path(inside[0]).stem, set()) | LEAVES
        of_bench = {name.split(".")[1] for name in imports_of(path) if name.startswith("bench.")}
        of_bench &= {other.stem for other in (ROOT / "bench").iterdir()}
        wrong = of_bench - allowed - {path.stem, inside[0]}
        assert not wrong or path.stem == "__init__", f"{path.relative_to(ROOT)} imports bench's {wrong}"


def test_only_the_notebooks_models_import_torch():
    importing = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in modules(package)
        if any(name.split(".")[0] == "torch" for name in imports_of(path))
    }
    assert importing == {"bench/baselines/notebook_training.py"}


def test_every_module_has_a_docstring():
    for package in PACKAGES:
        for path in modules(package):
            text = path.read_text(encoding="utf-8")
            assert not text or ast.get_docstring(ast.parse(text)), path
