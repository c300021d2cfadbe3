"""A library that isn't there is a reason with a command, never a crash at import."""

import os
import pickle
import subprocess
import sys
from importlib import import_module

import pytest

from bench.baselines.missing import MissingLibraryError, import_library

NEEDS = [
    ("implicit_models", "ImplicitALS", "implicit", "implicit", "implicit"),
    ("implicit_models", "ImplicitBPR", "implicit", "implicit", "implicit"),
    ("implicit_models", "ImplicitItemCosine", "implicit", "implicit", "implicit"),
    ("implicit_models", "ImplicitItemBM25", "implicit", "implicit", "implicit"),
    ("irspack_models", "IrspackALS", "irspack", "irspack", "irspack"),
    ("lightfm_models", "LightFMWARP", "lightfm", "lightfm-next", "lightfm"),
    ("lightfm_models", "LightFMBPR", "lightfm", "lightfm-next", "lightfm"),
    ("surprise_models", "SurpriseSVD", "surprise", "scikit-surprise", "surprise"),
    ("surprise_models", "SurpriseSVDpp", "surprise", "scikit-surprise", "surprise"),
    ("notebook_models", "NotebookSVD", "torch", "torch", "torch"),
    ("notebook_models", "NotebookALS", "torch", "torch", "torch"),
    ("notebook_models", "NotebookBPR", "torch", "torch", "torch"),
    ("notebook_models", "NotebookWARP", "torch", "torch", "torch"),
]


@pytest.mark.parametrize(("adapter", "name", "module", "library", "extra"), NEEDS)
def test_without_its_library_an_adapter_is_imported_and_its_model_names_the_command(
    monkeypatch, adapter, name, module, library, extra
):
    hide(monkeypatch, module)
    monkeypatch.delitem(sys.modules, f"bench.baselines.{adapter}", raising=False)
    model_class = getattr(import_module(f"bench.baselines.{adapter}"), name)
    with pytest.raises(MissingLibraryError) as caught:
        model_class()
    command = f"pip install 'recsys-bench[{extra}]'"
    assert (caught.value.library, caught.value.command) == (library, command)
    assert library in str(caught.value)
    assert command in str(caught.value)


def test_the_adapters_of_a_listing_import_no_library():
    names = ("implicit", "irspack", "lightfm", "surprise", "sklearn", "notebook")
    modules = [f"{name}_models" for name in names]
    code = "import sys\n" + "\n".join(f"import bench.baselines.{module}" for module in modules)
    code += "\nprint(*{'implicit', 'irspack', 'lightfm', 'surprise', 'sklearn', 'torch', 'pandas'} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == ""


def test_a_library_that_is_broken_gives_the_reason(tmp_path, monkeypatch):
    (tmp_path / "broken_library.py").write_text("raise ImportError('built for another NumPy')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingLibraryError, match="built for another NumPy"):
        import_library("broken_library", "broken-library", "broken")


def test_the_error_survives_the_way_from_one_process_to_another():
    error = MissingLibraryError("x can't be imported", "x", "pip install x")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.library, copy.command) == (str(error), "x", "pip install x")


def hide(monkeypatch, module):
    """Make ``import module`` and that of all its submodules fail, loaded or not."""
    for loaded in [name for name in sys.modules if name == module or name.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
