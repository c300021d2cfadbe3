"""Coverage-guided fuzzing of what reads files from outside. Needs `pip install atheris`.

    python tests/fuzz/fuzz_loaders.py TARGET [FOLDER] [-max_total_time=SECONDS] [other options of libFuzzer]

Targets: text, gzip, parquet, titles, zip, toml, setting, eval, split. Inputs that found something new are kept in
FOLDER, to begin with the next time. An input that raises anything but an error meant for the user, or that takes more
than 10 seconds, is written to crash-* or timeout-* in the working folder and ends the run; give it as FOLDER to see it
again. docs/failures.md says how many inputs were tried.
"""

import gzip
import io
import os
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import atheris
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

with atheris.instrument_imports(include=["bench", "splits", "tomllib", "csv", "zipfile", "gzip"]):
    from bench import evaluation, experiment
    from bench.datasets import archive, file
    from splits import files
    from splits.interactions import Interactions, InteractionsError
    from splits.split import Split, SplitError

from fuzzing import fuzz

from bench.datasets.errors import DatasetError
from bench.registry import UnknownNameError

warnings.simplefilter("ignore")
FOLDER = Path(tempfile.mkdtemp(prefix="recsys-bench-fuzz-"))
HEADER = b"user,item,rating,timestamp,title\n"
ROWS = b'1,2,3.5,1000000000,Film\n2,\xc3\xa9,4,2001-02-03,"a, b"\n'
TRAIN = b"user,item,rating\nu,a,5\nu,b,4\nv,a,3\n"
TEST = b"user,item,rating\nu,c,5\nv,b,4\n"


def written(name: str, content: bytes) -> Path:
    path = FOLDER / name
    path.write_bytes(content)
    return path


def check(data: Interactions) -> None:
    """What is read is whole: codes within the ids, no pair twice, finite ratings."""
    assert len(data) > 0
    assert data.users.max() < data.n_users
    assert data.items.max() < data.n_items
    pairs = data.users.astype(np.int64) * data.n_items + data.items
    assert len(np.unique(pairs)) == len(pairs)
    assert data.ratings is None or np.isfinite(data.ratings).all()
    assert len(set(data.user_ids.tolist())) == data.n_users
    assert len(data.content_hash) == 32


def text(content: bytes) -> None:
    check(file.from_file(written("x.csv", content)))


def packed(content: bytes) -> None:
    """Half of the inputs are the packed bytes, half the text in them."""
    check(file.from_file(written("x.csv.gz", content[1:] if content[:1] > b"@" else gzip.compress(content, 1))))


def parquet(content: bytes) -> None:
    check(file.from_file(written("x.parquet", content)))


def titles(content: bytes) -> None:
    check(file.from_file(written("x.csv", HEADER[:10] + b"1,2\n2,3\n"), titles=written("titles.csv", content)))


def zip_archive(content: bytes) -> None:
    before = sorted(FOLDER.iterdir())
    found = archive.read_members(written("x.zip", content), ["u.data"], largest=2**24)
    assert set(found) == {"u.data"}
    assert sorted({*before, FOLDER / "x.zip"}) == sorted(FOLDER.iterdir())


def toml(content: bytes) -> None:
    settings = experiment.read_toml(written("x.toml", content))
    plan = experiment.Experiment(**settings).check()
    for split in plan.splits:
        plan.split_seeds(experiment.SplitChoice.parse(split))


def setting(content: bytes) -> None:
    string = content.decode("utf-8", "surrogateescape")
    experiment.parse_value(string)
    experiment.SplitChoice.parse(f"random:{string}")
    experiment.parse_settings([string])


def lists(content: bytes) -> None:
    train, test = written("train.csv", TRAIN), written("test.csv", TEST)
    found = evaluation.evaluate(written("lists.csv", content), train, test, (1, 3))
    assert all(np.isfinite(value) for value in found.metrics.values())
    assert 0 <= found.metrics["recall@3"] <= 1


def split(content: bytes) -> None:
    """The first byte says which file of a saved split the others replace."""
    names = ["split.json", "users.npy", "in_test.npy", "item_ids.npy"]
    data = Interactions.from_columns("x", [1, 1, 2], [1, 2, 1], [1, 2, 3])
    files.save_split(Split(data, np.array([False, True, False])), FOLDER / "split")
    (FOLDER / "split" / names[content[0] % 4 if content else 0]).write_bytes(content[1:])
    files.load_split(FOLDER / "split")


def parquet_seed() -> bytes:
    stream = io.BytesIO()
    columns = {"user": ["a", "b"], "item": [1, 2], "rating": [1.0, 2.0], "time": pa.array([1, 2], pa.timestamp("s"))}
    pq.write_table(pa.table(columns), stream, compression="none")
    return stream.getvalue()


def zip_seed(method: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as opened:
        opened.writestr("ml/u.data", b"1\t2\t3\t4\n" * 20)
    return stream.getvalue()


def npy_seed() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([1, 2], np.int32))
    return stream.getvalue()


TARGETS = {
    "text": (text, [HEADER + ROWS, b"user::item\n1::2\n", b"\xef\xbb\xbfuser;item;count\r\n1;2;3\r\n"]),
    "gzip": (packed, [b"a" + gzip.compress(HEADER + ROWS, mtime=0), HEADER + ROWS]),
    "parquet": (parquet, [parquet_seed()]),
    "titles": (titles, [b"item,title,genres\n2,Film,Drama|War\n3,\"a, b\",\n", b"2|Film\n3|b\n"]),
    "zip": (zip_archive, [zip_seed(zipfile.ZIP_STORED), zip_seed(zipfile.ZIP_DEFLATED), zip_seed(zipfile.ZIP_BZIP2)]),
    "toml": (toml, [(b'datasets = ["a.csv"]\nsplits = ["k-fold:folds=3"]\nk = [5]\nseeds = 2\nthreshold = 4.0\n'
                    b'[parameters.als]\nfactors = 8\n[columns]\nuser = 1\n')]),
    "setting": (setting, [b"als.factors=128", b"test_fraction=0.3,by=time", b"[1, {a = 'b'}]", b"nan", b"1e400"]),
    "eval": (lists, [b"user,item,score\nu,c,0.5\nv,b,1\n", b"user,item,rank\nu,c,1\nu,d,2\n"]),
    "split": (split, [b"\0" + b'{"format": 1, "name": "x", "genres": null, "relevance_threshold": 4, '
                      b'"rating_scale": [1, 5], "arrays": ["in_test", "users"]}', b"\1" + npy_seed()]),
}  # fmt: skip
EXPECTED = (DatasetError, InteractionsError, SplitError, experiment.ExperimentError, UnknownNameError)


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(__doc__)
    target, seeds = TARGETS[sys.argv.pop(1)]
    os.environ["RECSYS_BENCH_LARGEST_MB"] = "16"
    fuzz(target, seeds, FOLDER, EXPECTED)


if __name__ == "__main__":
    main()
