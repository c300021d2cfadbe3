"""Coverage-guided fuzzing of what reads a results folder. Needs `pip install atheris`.

    python tests/fuzz/fuzz_store.py TARGET [FOLDER] [-max_total_time=SECONDS] [other options of libFuzzer]

Targets: result, measured, dataset, per_user, lists, vectors, reference, folder. As in fuzz_loaders.py. Of the JSON
files half of the inputs are the file, and half say what of a good file to change, and into what; so do those of the
reference, whose checksum is made to fit. For "folder" each input changes one file in a results folder of four cells, of
which all reports are written and which is read as a side of a comparison; that is slow, so give it a number of edits:
`folder -runs=300 -seed=1`.
"""

import copy
import dataclasses
import io
import json
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import atheris
import numpy as np

with atheris.instrument_imports(include=["reports"]):
    from reports import reference, store, table
    from reports.result import Cell, MetricValue, Result
    from reports.writing import write_reports

from fuzzing import check_message, fuzz

import reports.csv

warnings.simplefilter("ignore")
FOLDER = Path(tempfile.mkdtemp(prefix="recsys-bench-fuzz-"))
VALUES = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**300, 1.5, -0.0, 1e308, float("nan"), float("inf"), "", "x", "\0"),
    *("\udc80", "../../x", "1e5", [], {}, [[]], [None], ["a"], [1], [-1], [10**9], [1.5], {"a": 1}, {"1": [5]}),
    *([{"user": 0, "history": [1], "test": [2]}], [["a", 1]], "ndcg@x", "failed", "ok", [[1, 2], [3, 4]]),
]


def good() -> Result:
    users = np.arange(5, dtype=np.int32)
    values = np.linspace(0.1, 0.5, 5)
    return Result(
        Cell("toy", "random", 0, "als", {"factors": 8}, 0),
        "k" * 32,
        {"data": "d", "split": "s", "versions": {"numpy": "2"}, "seeded": True},
        "ok",
        metrics={"ndcg@10": MetricValue(float(values.mean()), None, True, 1, "ndcg@10")},
        users=users,
        per_user={"warm": np.ones(5, bool), "ndcg@10": values},
        lists=np.arange(10, dtype=np.int32).reshape(5, 2),
        counts={"n_users": 5, "n_left_out": 0},
        notes=["a note"],
        neighbours={1: [1, 2, 3]},
        measured={"fit_seconds": 0.5, "peak_memory_mb": 100.0, "environment": {"versions": {"a": "1"}}},
    )


DATASET = {
    "name": "toy", "licence": "none", "n_users": 5, "n_items": 10, "n_train": 30, "n_test": 10,
    "item_ids": list(range(10)), "titles": [f"Film {item}" for item in range(10)], "genres": [["a"]] * 10,
    "item_counts": [1] * 10, "test_item_counts": [1] * 10, "rating_histogram": [[1.0, 3]], "known_items": [1, 2],
    "showcase": [{"user": 0, "user_id": 1, "history": [1], "ratings": [5.0], "test": [2]}],
}  # fmt: skip
STORE = store.Store(FOLDER)
RESULT = good()
CELL = STORE.write(RESULT)
STORE.write_dataset(RESULT.cell, DATASET)
DATA = next((FOLDER / "datasets").rglob("dataset.json"))
SAVED = FOLDER / "reference.json"
reference.save_reference(FOLDER, SAVED)


def places(content, before=()):
    """The paths to all values of a JSON content."""
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in inner:
        yield (*before, key)
        yield from places(value, (*before, key))


def changed(whole: bytes, content: bytes) -> bytes:
    """The file as the input has it, or the good file with changes that the input chooses."""
    provider = atheris.FuzzedDataProvider(content)
    return provider.ConsumeBytes(len(content)) if provider.ConsumeBool() else edited_json(whole, provider)


def edited_json(whole: bytes, provider: atheris.FuzzedDataProvider) -> bytes:
    """The good file with up to three values changed, taken away, or there under another name too."""
    edited = json.loads(whole)
    for _ in range(provider.ConsumeIntInRange(1, 3)):
        *before, last = provider.PickValueInList(list(places(edited)))
        inner = edited
        for key in before:
            inner = inner[key]
        how = provider.ConsumeIntInRange(0, 5)
        if how == 0:
            del inner[last]
        elif how == 1 and isinstance(inner, dict):
            inner[provider.ConsumeUnicode(8)] = copy.deepcopy(inner[last])
        elif how == 2:
            inner[last] = provider.ConsumeUnicode(20)
        elif how == 3:
            inner[last] = provider.ConsumeFloat()
        else:
            inner[last] = copy.deepcopy(provider.PickValueInList(VALUES))
        if not any(True for _ in places(edited)):
            break
    return json.dumps(edited).encode()


def edited_bytes(whole: bytes, provider: atheris.FuzzedDataProvider) -> bytes:
    """The good file with some bytes put in the place of others."""
    start = provider.ConsumeIntInRange(0, len(whole))
    end = start + provider.ConsumeIntInRange(0, 20)
    return whole[:start] + provider.ConsumeBytes(20) + whole[end:]


def read_all() -> None:
    """Everything that a report makes of a folder before it draws."""
    results = [STORE.read(CELL)]
    STORE.read_dataset(results[0].cell)
    list(STORE.summaries())
    table.to_frame(results)
    for board in table.leaderboards(results):
        [board.text(row, column) for row in board.rows for column in board.select("accuracy")]
    reports.csv.write_csv(results, FOLDER / "report.csv")


def json_file(path: Path):
    whole = path.read_bytes()

    def target(content: bytes) -> None:
        path.write_bytes(changed(whole, content))
        read_all()

    return target, [b"\1" + whole, b"\0" * 20]


def binary_file(path: Path):
    whole = path.read_bytes()

    def target(content: bytes) -> None:
        path.write_bytes(content)
        read_all()

    return target, [whole]


def vectors():
    path = FOLDER / "vectors.npz"
    stream = io.BytesIO()
    np.savez(stream, item_factors=np.ones((2, 3), np.float32))

    def target(content: bytes) -> None:
        path.write_bytes(content)
        store.read_vectors(path)

    return target, [stream.getvalue()]


def saved_reference():
    whole = SAVED.read_bytes()

    def target(content: bytes) -> None:
        edited = changed(whole, content)
        try:
            found = json.loads(edited)
            found["checksum"] = reference._checksum(found)
            edited = json.dumps(found).encode()
        except (ValueError, TypeError, AttributeError, RecursionError):
            pass
        SAVED.write_bytes(edited)
        reference.read_side(SAVED)

    return target, [b"\1" + whole, b"\0" * 20]


def folder():
    root = store.Store(FOLDER / "folder")
    for model, seed in (("als", 0), ("als", 1), ("bpr", 0), ("bpr", 1)):
        cell = dataclasses.replace(RESULT.cell, model=model, split_seed=seed)
        root.write(dataclasses.replace(RESULT, cell=cell))
        root.write_dataset(cell, DATASET)
    files = {path: path.read_bytes() for path in sorted(root.root.rglob("*")) if path.is_file()}

    def target(content: bytes) -> None:
        provider = atheris.FuzzedDataProvider(content)
        path = provider.PickValueInList(list(files))
        edit = edited_json if path.suffix == ".json" else edited_bytes
        path.write_bytes(edit(files[path], provider))
        try:
            for read in (lambda: write_reports(root.root, FOLDER / "reports"), lambda: reference.read_side(root.root)):
                try:
                    read()
                except ANSWERS as error:
                    check_message(str(error))
        finally:
            path.write_bytes(files[path])

    random = np.random.default_rng(0)
    return target, [random.bytes(64) for _ in range(20)]


TARGETS = {
    "result": lambda: json_file(CELL / "result.json"),
    "measured": lambda: json_file(CELL / "measured.json"),
    "dataset": lambda: json_file(DATA),
    "per_user": lambda: binary_file(CELL / "per_user.parquet"),
    "lists": lambda: binary_file(CELL / "lists.parquet"),
    "vectors": vectors,
    "reference": saved_reference,
    "folder": folder,
}
ANSWERS = (store.StoreError, reference.ReferenceFileError)


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(__doc__)
    target, seeds = TARGETS[sys.argv.pop(1)]()
    fuzz(target, seeds, FOLDER, ANSWERS)


if __name__ == "__main__":
    main()
