"""Models from outside the package: a file with a ``MODELS`` dict, an entry point, a class of the caller's."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.registry import MODELS, ModelRow
from bench.terminal import shown

GROUP = "recsys_bench.models"
LONGEST_NAME = 100


class PluginError(ValueError):
    """A plug-in can't be loaded; the message names the file and what is wrong with it."""


def models(plugins: Iterable[str | Path] = (), own: Mapping[str, Any] | None = None) -> dict[str, ModelRow]:
    """The registry's models, then those of entry points, plug-in files and the caller.

    Raises
    ------
    PluginError
        A file can't be loaded, has no ``MODELS``, or brings a name that is taken.
    """
    table = dict(MODELS)
    for point in entry_points(group=GROUP):
        _add(table, point.name, ModelRow(point.value, f"entry point of {point.module}"), "an entry point")
    for file in plugins:
        for name, entry in load_file(file).items():
            _add(table, name, _row(name, entry, f"plug-in {file}"), str(file))
    for name, entry in (own or {}).items():
        _add(table, name, _row(name, entry, "given by the caller"), "the caller")
    return table


def load_file(file: str | Path) -> dict[str, Any]:
    """The ``MODELS`` dict of a Python file: name -> model class, or name -> (class, parameters)."""
    path = Path(file).resolve()
    if not path.is_file():
        there = "not a file, but a folder, device or pipe" if path.exists() else "no such file"
        raise PluginError(f"plug-in {file}: {there}")
    module_name = f"recsys_bench_plugin_{blake2b(str(path).encode(), digest_size=6).hexdigest()}"
    if module_name not in sys.modules:
        sys.modules[module_name] = _imported(file, path, module_name)
    found = vars(sys.modules[module_name]).get("MODELS")
    if not isinstance(found, dict) or not found:
        raise PluginError(f'plug-in {file}: needs a dict MODELS = {{"my-model": MyModel}}, found {shown(found)}')
    return found


def _imported(file: str | Path, path: Path, module_name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"plug-in {file}: not a Python file (its name must end in .py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    searched = list(sys.path)
    sys.path.insert(0, str(path.parent))  # so that a plug-in may import what lies beside it
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise PluginError(f"plug-in {file}: {type(error).__name__}: {shown(error)}") from error
    finally:
        sys.modules.pop(module_name, None)  # the caller enters what is whole
        with suppress(ValueError):  # it may have taken itself away
            sys.path.remove(str(path.parent))
        sys.path.extend(folder for folder in searched if folder not in sys.path)  # it may have emptied it
    return module


def _row(name: str, entry: Any, origin: str) -> ModelRow:
    """A registry row for a class, or for (class, parameters)."""
    if not isinstance(name, str) or not name.isprintable() or name != name.strip() or not 0 < len(name) <= LONGEST_NAME:
        raise PluginError(
            f"{origin}: a model is named {shown(name)}: a name is 1 to {LONGEST_NAME} printable characters"
        )
    if set(name) & set(",="):
        raise PluginError(f"{origin}: model '{name}': --models and --set could not name it; leave ',' and '=' out")
    model_class, parameters = entry if isinstance(entry, tuple) and len(entry) == 2 else (entry, {})
    if isinstance(entry, ModelRow):
        return replace(entry, summary=entry.summary or origin)
    if not callable(model_class) or not isinstance(parameters, dict):
        raise PluginError(f"{origin}: model '{name}' must be a class or (class, parameters), not {shown(entry)}")
    if not all(isinstance(parameter, str) for parameter in parameters):
        raise PluginError(f"{origin}: model '{name}': the names of parameters must be texts, not {shown(parameters)}")
    check_contract(name, model_class)
    learns_from: Any = _attribute(name, model_class, "learns_from", "positives")
    if shown(learns_from) not in ("'positives'", "'ratings'"):
        raise PluginError(f"{origin}: {name}.learns_from must be 'positives' or 'ratings', not {shown(learns_from)}")
    described = _attribute(name, model_class, "__doc__", "")
    summary = ((described.strip() if isinstance(described, str) else "") or origin).splitlines()[0]
    return ModelRow(model_class, summary, parameters, origin, learns_from=learns_from)


def pickle_rows(rows: Mapping[str, ModelRow], travels: bool) -> bytes:
    """The rows of the caller's own classes, which may live in a notebook.

    If they are to travel to another machine, the modules that define them go along, unless they are installed.
    """
    import cloudpickle

    names = {str(getattr(row.target, "__module__", "")) for row in rows.values()} if travels else set()
    modules = [module for name in names if (module := sys.modules.get(name)) and not _is_installed(module)]
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(dict(rows)))
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)


def _is_installed(module: ModuleType) -> bool:
    """Whether another machine with the same packages has this module too."""
    file = getattr(module, "__file__", None)
    if file is None:
        return module.__name__ != "__main__" and not hasattr(module, "__path__")
    installed = {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
    ours = module.__name__.partition(".")[0] in ("bench", "recsys_impl", "reports", "splits")
    return ours or any(Path(file).is_relative_to(folder) for folder in installed)


def check_contract(name: str, model_class: Callable[..., Any]) -> None:
    """A model has ``fit(user_items)`` and ``score(user_ids)``."""
    for method in ("fit", "score"):
        if not callable(_attribute(name, model_class, method, None)):
            raise PluginError(
                f"model '{name}' has no method {method}: a model needs fit(user_items), which learns from a users x "
                "items CSR, and score(user_ids) -> array (len(user_ids), n_items), higher is better"
            )


def _add(table: dict[str, ModelRow], name: str, row: ModelRow, origin: str) -> None:
    if name in table:
        raise PluginError(f"{origin} brings a model '{name}', a name that is already taken: choose another")
    table[name] = row


def _attribute(name: str, model_class: Any, attribute: str, default: Any) -> Any:
    try:
        return getattr(model_class, attribute, default)
    except Exception as error:
        raise PluginError(f"model '{name}': its {attribute} raises {type(error).__name__}: {shown(error)}") from error
