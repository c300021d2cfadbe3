"""Hostile command lines, each in a process of its own: no traceback, no hang, an exit status that means something, and
nothing written but where it was asked for.

    python tests/fuzz/commands.py [WORD ...]      all, or those whose names hold one of the words; some 3 minutes

Prints a line for each command that does what it must not, and ends with 1 if there was one.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
SECONDS = 300
HEADER = "user,item,rating,timestamp\n"

PLUGIN = """
import numpy as np, sys

class Base:
    def fit(self, x):
        self.n = x.shape[1]
        return self
    def score(self, u):
        return np.zeros((len(u), self.n))
"""
MODELS = {
    "raises": "def fit(self, x): raise RuntimeError('no luck \\x1b[2J [/red]')",
    "exits": "def fit(self, x): sys.exit(0)",
    "shape": "def score(self, u): return np.zeros((len(u), 2))",
    "none": "def score(self, u): return None",
    "objects": "def score(self, u): return np.full((len(u), self.n), object())",
    "recursive": "def score(self, u): return self.score(u)",
    "neighbours": "def similar_items(self, i, N=10): return [[10**6]], [[1.0]]",
    "no-memory": "def fit(self, x): np.empty(2**60)",
    "unprintable": "def fit(self, x): raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})()",
}


SETTING = """
trials = 40
metric = "ndcg@10"
validation = 0.2
split = "random"
command = "c"
parameters = { factors = 4, iterations = 2 }
"""
TUNED = {  # files of tuned settings, by what is wrong with them
    "nothing": "[als]" + SETTING,
    "parameters": "[als]" + SETTING.replace("{ factors = 4, iterations = 2 }", "5"),
    "unknown": "[als]" + SETTING.replace("factors", "volume"),
    "text": "[als]" + SETTING.replace("4,", "'many',"),
    "nan": "[als]" + SETTING.replace("4,", "nan,"),
    "date": "[als]" + SETTING.replace("4,", "1979-05-27,"),
    "split": "[als]" + SETTING.replace('"random"', '"\\u001b[2J"'),
    "other-split": "[als]" + SETTING.replace('"random"', '"temporal"'),
    "command": "[als]" + SETTING.replace('"c"', '"\\u001b[2J</td>"'),
    "twice": ("[[als]]" + SETTING) * 2,
    "plain": "als = 3",
    "name": '["\\u001b[2J"]' + SETTING,
    "deep": "als = " + "[" * 50_000,
    "garbage": "garbage",
}
SUITE = """
title = "t"
dataset = "good.csv"
protocol = "surprise-folds"
source = "s"
note = "n"
[[rows]]
model = "bias"
published = { rmse = "1.0" }
"""
SUITES = {  # a change of the suite above, by its name
    "nothing": ("", ""),
    "tolerance": ("[[rows]]", '[[rows]]\ntolerance = "0.9"'),
    "memory": ("[[rows]]", '[[rows]]\nmemory_gib = "5"'),
    "parameters": ("[[rows]]", "[[rows]]\nparameters = 3"),
    "unknown": ("[[rows]]", "[[rows]]\nparameters = { volume = 11 }"),
    "settings": ("[[rows]]", '[[rows]]\nparameters = { iterations = "many" }'),
    "published": ('"1.0"', "1.0"),
    "metric": ("rmse", '"rmse@5"'),
    "cutoff": ("rmse", '"ndcg@99999999999999999999"'),
    "data": ("good.csv", "junk.csv"),
    "piped": ("good.csv", "pipe.csv"),
    "unsplit": ("surprise-folds", "published-split"),
    "screen": ('"t"', '"\\u001b[2J"'),
    "title": ('"t"', "[[[1]]]"),
}
JOURNALS = {
    "garbage": b"garbage\n",
    "cut": b'{"op_code": 0',
    "op": b"{}\n",
    "binary": bytes(range(256)),
    "null": b"null\n",
}


def prepare(folder: Path) -> None:
    """The files that the commands name."""
    random = np.random.default_rng(0)
    rows = [(u, i, int(random.integers(1, 6)), 10**9 + u * i) for u in range(40) for i in random.permutation(20)[:10]]
    data = pd.DataFrame(rows, columns=["user", "item", "rating", "timestamp"])
    good = data.to_csv(index=False)
    texts = {
        "good.csv": good,
        "[bold]m[red].csv": good,
        "x\x1b[2J\n.csv": good,
        "empty.csv": "",
        "header.csv": HEADER,
        "nan.csv": HEADER + "1,2,nan,4\n",
        "one-user.csv": HEADER + "".join(f"1,{i},5,{i}\n" for i in range(20)),
        "one-item.csv": HEADER + "".join(f"{u},1,5,{u}\n" for u in range(20)),
        "one-row.csv": HEADER + "1,2,3,4\n",
        "no-positives.csv": HEADER + "".join(f"{u},{i},{1 + 4 * (u == i == '0')},1\n" for u in "0123" for i in "0123"),
        "single.csv": "user,item\n" + "".join(f"{u},{u % 50}\n" for u in range(2000)),
        "unseen.csv": HEADER + "".join(f"{u},{u % 20},5,1\n" for u in range(900, 950)),
        "odd-ids.csv": HEADER + "".join(f"{'é🎬' * (u % 3)}-{u},{10**25 + u % 7},5,{u}\n" for u in range(60)),
        "titles.csv": "item,title\n" + "".join(f"{i},\x1b[31m[/red]Film {i}\n" for i in range(20)),
        "train.csv": data[data.index % 4 > 0].to_csv(index=False),
        "test.csv": data[data.index % 4 == 0].to_csv(index=False),
        "lists.csv": "user,item,score\n" + "".join(f"{u},{i},{i}\n" for u in range(40) for i in range(10)),
        "lists-nan.csv": "user,item,score\n1,2,nan\n",
        "lists-none.csv": "user,item\n1,2\n",
        "deep.toml": "k = " + "[" * 50_000,
        "wrong.toml": "seeds = 1000000000000",
        "good.toml": 'models = ["popularity"]\nk = [5]\n',
        "spaces.toml": '[als]\nfactors = { choices = ["many"] }\n',
        "nul.toml": 'datasets = ["a\\u0000b"]\n',
        "plugin.py": PLUGIN + "MODELS = {}\n" + "".join(
            f"class M{n}(Base):\n    {body}\nMODELS[{name!r}] = M{n}\n" for n, (name, body) in enumerate(MODELS.items())
        ),
        "exit.py": "import sys\nsys.exit(0)\n",
        "no-dict.py": "MODELS = 3\n",
        "names.py": PLUGIN + "MODELS = {'a/../../b': Base, '..': Base, '[/x]': Base}\n",
        "newline.py": PLUGIN + "MODELS = {'a\\nb': Base}\n",
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "junk.csv").write_bytes(random.bytes(5000))
    (folder / "utf16.csv").write_bytes(good.encode("utf-16"))
    (folder / "bomb.csv.gz").write_bytes(gzip.compress(HEADER.encode() + b"1,2,3,4\n" * 40_000_000, 9))
    (folder / "cut.csv.gz").write_bytes(gzip.compress(good.encode())[:-9])
    (folder / "cut.parquet").write_bytes(b"PAR1" + bytes(50))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("../../evil.csv", good)
    (folder / "archive.zip").write_bytes(stream.getvalue())
    (folder / "noperm.csv").write_text(good)
    (folder / "noperm.csv").chmod(0)
    (folder / "folder.csv").mkdir()
    for name in ("pipe.csv", "pipe.toml", "pipe.py", "pipe.json"):
        os.mkfifo(folder / name)
    (folder / "zero.csv").symlink_to("/dev/zero")
    (folder / "outside").mkdir()
    (folder / "outside" / "precious").write_text("kept")
    for name, text in TUNED.items():
        _written(folder / f"edited-tuned-{name}" / "tuned" / "good.csv.toml", text.encode())
    _written(folder / "edited-tuned-folder" / "tuned" / "good.csv.toml" / "x", b"")
    (folder / "edited-tuned-piped" / "tuned").mkdir(parents=True)
    os.mkfifo(folder / "edited-tuned-piped" / "tuned" / "good.csv.toml")
    for name, change in SUITES.items():
        _written(folder / f"suite-{name}.toml", SUITE.replace(*change).encode())
    for name, content in JOURNALS.items():
        _written(folder / f"edited-journal-{name}" / "tuning" / "good.csv-random-0.journal", content)


def _written(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def spoil(results: Path, folder: Path) -> None:
    """Results folders that somebody edited, each a copy of a good one."""

    def edited(name: str, file: str, change) -> None:
        copy = folder / name
        shutil.copytree(results, copy)
        change(next(copy.rglob(file)))

    def replaced(keys, value):
        def change(path: Path) -> None:
            content = inner = json.loads(path.read_text())
            for key in keys[:-1]:
                inner = inner[key]
            inner[keys[-1]] = value
            path.write_text(json.dumps(content))

        return change

    def piped(path: Path) -> None:
        path.unlink()
        os.mkfifo(path)

    def linked(path: Path) -> None:
        path.unlink()
        path.symlink_to("/dev/zero")

    edited("edited-name", "result.json", replaced(["cell", "dataset"], "../../x"))
    edited("edited-markup", "result.json", replaced(["cell", "model"], "[/red]\x1b[2J"))
    edited("edited-type", "result.json", replaced(["metrics"], [1]))
    edited("edited-nan", "result.json", replaced(["metrics", "ndcg@5", "value"], float("nan")))
    edited("edited-counts", "result.json", replaced(["counts", "n_users"], 10**30))
    edited("edited-time", "measured.json", replaced(["fit_seconds"], "soon"))
    edited("edited-environment", "measured.json", replaced(["environment"], {"versions": [1]}))
    edited("edited-showcase", "dataset.json", replaced(["showcase"], [{"user": 10**9, "history": [-5], "test": [9]}]))
    edited("edited-titles", "dataset.json", replaced(["titles"], [3]))
    edited("edited-deep", "result.json", lambda path: path.write_text("[" * 100_000))
    edited("edited-pipe", "result.json", piped)
    edited("edited-zero", "lists.parquet", linked)
    edited("edited-junk", "per_user.parquet", lambda path: path.write_bytes(b"PAR1" + bytes(100) + b"PAR1"))
    linked_out = folder / "linked"
    linked_out.mkdir()
    (linked_out / "cells").symlink_to(folder / "outside")
    (linked_out / "datasets").symlink_to(folder / "outside")
    (linked_out / "fitted").symlink_to(folder / "outside")


def commands() -> list[list[str]]:
    """The command lines. Files are named from the folder that they run in."""
    run = ["run", "--models", "popularity", "--k", "5", "--out", "out", "--dataset"]
    data = [
        *("empty.csv", "header.csv", "nan.csv", "one-user.csv", "one-item.csv", "one-row.csv", "no-positives.csv"),
        *("single.csv", "odd-ids.csv", "junk.csv", "utf16.csv", "bomb.csv.gz", "cut.csv.gz", "cut.parquet"),
        *("archive.zip", "noperm.csv", "folder.csv", "pipe.csv", "zero.csv", "none.csv", "[bold]m[red].csv"),
        *("x\x1b[2J\n.csv", "", "../" * 30, "\udc80.csv", "x" * 300 + ".csv"),
    ]
    good = ["run", "--dataset", "good.csv", "--k", "5", "--out", "out"]
    lists = ["eval", "--train", "train.csv", "--test", "test.csv", "--recommendations"]
    ask = ["--dataset", "good.csv", "--out", "out", "--titles", "titles.csv"]
    plugin = ["--plugin", "plugin.py", "--model"]
    tuned = ["run", "--dataset", "good.csv", "--models", "als", "--k", "5", "--tuned", "--out"]
    tune = ["tune", "--dataset", "good.csv", "--models", "ease", "--trials", "1"]
    edited = ["name", "markup", "type", "nan", "counts", "time", "environment", "showcase", "titles", "deep", "pipe"]
    edited = [f"edited-{name}" for name in [*edited, "zero", "junk"]]
    return [
        *([*run, name] for name in data),
        [*run, "train.csv", "--test", "unseen.csv", "--split", "fixed"],
        [*run, "train.csv", "--test", "pipe.csv", "--split", "fixed"],
        [*run, "good.csv", "--titles", "zero.csv"],
        [*run, "good.csv", "--columns", "user=" + "9" * 5000 + ",item=2"],
        [*run, "good.csv", "--threshold", "nan"],
        [*run, "good.csv", "--split", "random:test_fraction=1e400"],
        [*run, "good.csv", "--split", "k-fold:folds=1000000000"],
        [*run, "good.csv", "--seeds", "1000000000"],
        [*run, "good.csv", "--set", "popularity.x=" + "[" * 5000],
        [*run, "single.csv", "--split", "leave-one-out"],
        [*good, "--models", "popularity", "--k", "1000000000"],
        [*good, "--models", ",".join(MODELS), "--plugin", "plugin.py"],
        [*good, "--models", "a/../../b,..,[/x]", "--plugin", "names.py"],
        *([*good, "--plugin", name] for name in ("exit.py", "no-dict.py", "newline.py", "pipe.py", "folder.csv")),
        *(["run", "--config", name, "--out", "out"] for name in ("deep.toml", "wrong.toml", "nul.toml", "pipe.toml")),
        ["run", "--config", "good.toml", "--dataset", "good.csv", "--out", "good.csv/x"],
        ["run", "--config", "good.toml", "--dataset", "good.csv", "--out", "linked"],
        ["run", "--config", "good.toml", "--dataset", "good.csv", "--out", "/dev/null/x"],
        *([*lists, name] for name in ("lists.csv", "lists-nan.csv", "lists-none.csv", "junk.csv", "pipe.csv")),
        [*lists, "lists.csv", "--k", "1000000000"],
        *(["report", name] for name in [*edited, "empty", "good.csv", "/dev/zero", "none", "linked"]),
        *(["compare", "good-results", name] for name in [*edited, "good.csv", "pipe.json", "zero.csv", "none"]),
        ["reference", "save", "edited-pipe", "-o", "reference.json"],
        ["reference", "save", "good-results", "-o", "pipe.json"],
        *(["recommend", *ask, *plugin, name, "--user", "4"] for name in MODELS),
        *(["similar", *ask, *plugin, name, "--item", "4"] for name in ("neighbours", "shape")),
        ["recommend", *ask, "--model", "popularity", "--user", "\x1b[2J"],
        ["recommend", *ask, "--model", "popularity", "--user", "4", "--n", "1000000000000"],
        ["recommend", "--dataset", "good.csv", "--out", "linked", "--model", "popularity", "--user", "4"],
        ["recommend", *ask, "--model", "als", "--user", "4", "--set", "als.factors=nan"],
        ["recommend", *ask, "--model", "als", "--user", "4", "--set", "als.factors=many"],
        ["similar", *ask, "--model", "als", "--item", "[/red]"],
        ["export-split", "--dataset", "good.csv", "--out", "/dev/null/x"],
        ["export-split", "--dataset", "good.csv", "--out", "split", "--split", "random:nothing=1"],
        ["export-split", "--dataset", "single.csv", "--out", "split"],
        ["export-split", "--dataset", "pipe.csv", "--out", "split"],
        *([*tuned, f"edited-tuned-{name}"] for name in [*TUNED, "folder", "piped"]),
        [*tuned, "edited-tuned-nothing", "--split", "temporal"],
        [*tuned, "out"],
        *([*tune, "--out", f"edited-tuned-{name}"] for name in ("nothing", "parameters", "deep", "piped")),
        *([*tune, "--out", f"edited-journal-{name}"] for name in JOURNALS),
        *([*tune, "--out", "out", "--spaces", name] for name in ("deep.toml", "pipe.toml", "zero.csv", "good.toml")),
        [*tune, "--out", "out", "--metric", "ndcg@" + "9" * 5000],
        [*tune, "--out", "out", "--time-budget", "\x1b[2J"],
        [*tune, "--out", "out", "--time-budget", "9" * 400],
        [*tune, "--out", "out", "--set", "ease.regularization=nan"],
        [*tune, "--out", "out", "--split", "random:nothing=1"],
        [*tune, "--out", "good.csv/x"],
        [*tune, "--out", "out", "--write", "good.csv"],
        ["tune", "--dataset", "one-row.csv", "--models", "ease", "--trials", "1", "--out", "out"],
        [*tune, "--out", "out", "--models", "als", "--spaces", "spaces.toml"],
        *(["reproduce", f"suite-{name}.toml"] for name in SUITES),
        *(["reproduce", name] for name in ("deep.toml", "pipe.toml", "good.toml", "folder.csv", "", "none.toml")),
        ["doctor", "--repeat", "2", "--plugin", "exit.py"],
        ["list", "models", "--plugin", "newline.py"],
    ]  # fmt: skip


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if not path.is_dir() or path.is_symlink()
    }


ALLOWED = (
    "out/",
    "split/",
    "reference.json",
    "edited-",
    "good-results/report",
)  # what the commands were asked to write


def faults(arguments: list[str], folder: Path, environment: dict[str, str]) -> list[str]:
    """What a command did that it must not do."""
    before = snapshot(folder)
    started = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bench", *arguments],
            cwd=folder, env=environment, capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return [f"takes more than {SECONDS} seconds"]
    except ValueError:
        return []  # not even a command line
    seconds = time.perf_counter() - started
    said = (done.stdout + done.stderr).decode("utf-8", "backslashreplace")
    found = []
    after = snapshot(folder)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    wrong = sorted(name for name in changed if not name.startswith(ALLOWED))
    if "Traceback" in done.stderr.decode("utf-8", "replace"):
        found.append(f"a traceback: {said.strip().splitlines()[-1][:200]}")
    if done.returncode not in (0, 1, 2, 3):
        found.append(f"exit status {done.returncode}: {said[-200:]}")
    if done.returncode == 2 and not said.strip():
        found.append("no message")
    if wrong:
        found.append(f"wrote {wrong[:5]}")
    if "\x1b[2J" in said:
        found.append("passed an escape sequence on to the terminal")
    if len(done.stderr) > 10_000:
        found.append(f"{len(done.stderr)} bytes of messages")
    if "-v" in sys.argv:
        print(f"{seconds:5.1f} s, {done.returncode}: {' '.join(arguments)[:90]!r}: {said.strip()[-250:]!r}", flush=True)
    return found


def main(words: list[str]) -> int:
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder, scratch = Path(name) / "work", Path(name) / "tmp"
        folder.mkdir()
        scratch.mkdir()
        prepare(folder)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch), "COLUMNS": "200"}
        make = ["run", "--dataset", "good.csv", "--titles", "titles.csv", "--models", "popularity,svd", "--k", "5"]
        make += ["--set", "svd.factors=4", "--out", "good-results"]
        subprocess.run(
            [sys.executable, "-m", "bench", *make], cwd=folder, env=environment, check=True, capture_output=True
        )
        spoil(folder / "good-results", folder)
        chosen = [c for c in commands() if not words or any(word in " ".join(c) for word in words)]
        for arguments in chosen:
            found = faults(arguments, folder, environment)
            left = [path.name for path in scratch.iterdir()]
            if left:
                found.append(f"left {left[:3]} in the temporary folder")
                shutil.rmtree(scratch)
                scratch.mkdir()
            wrong += bool(found)
            for fault in found:
                print(f"{' '.join(arguments)[:100]!r}: {fault}", flush=True)
        print(f"{len(chosen)} commands, {wrong} did what they must not")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main([word for word in sys.argv[1:] if not word.startswith("-")]))
