"""Where a named data set comes from: the user's folder, the cache, the official download, a stand-in, in that order."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bench.datasets.archive import read_members
from bench.datasets.errors import DatasetError, DatasetWarning, UnavailableError
from splits.interactions import Interactions

DATA_VARIABLE = "BENCH_DATA"
CACHE_VARIABLE = "RECSYS_BENCH_CACHE"

CONNECT_SECONDS, SILENCE_SECONDS = 5, 30
# A look-up of the host's name knows no time limit of its own, so the first answer is awaited this long altogether.
ANSWER_SECONDS = 12

logger = logging.getLogger(__name__)


class Download(NamedTuple):
    """An official address and the MD5 of what lies there, "" where none is published."""

    url: str
    md5: str = ""


class Counts(NamedTuple):
    """What is published about a set's size."""

    rows: int
    users: int
    items: int


@dataclass(frozen=True)
class Source:
    """Where a named set can be had.

    ``folder`` is its folder's name in BENCH_DATA and in the cache, ``files`` are what a loader reads there. A download
    is a zip that holds them or one of them. A ``stand_in`` writes the files into a folder when the downloads fail.
    """

    name: str
    folder: str
    files: tuple[str, ...]
    downloads: tuple[Download, ...]
    counts: Counts
    stand_in: Callable[[Path], None] | None = None


def find(source: Source) -> Path:
    """The folder with the set's files, fetched into the cache if the machine has none yet.

    Raises
    ------
    DatasetError
        There is a folder of the user's without one of the files.
    UnavailableError
        No source works; names each and why.
    """
    here = locate(source)
    return here if here is not None else _fetch(source, cache_folder() / source.folder)


def locate(source: Source) -> Path | None:
    """The folder with the set's files if they are on this machine, the user's or in the cache; nothing is fetched.

    Raises
    ------
    DatasetError
        There is a folder of the user's without one of the files.
    """
    own = _own_folder(source)
    if own is not None:
        return own
    cached = cache_folder() / source.folder
    return cached if _complete(cached, source) else None


def cache_folder() -> Path:
    """Where fetched sets are kept: RECSYS_BENCH_CACHE, else the user's cache folder of this program."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get(CACHE_VARIABLE) or user_cache_dir("recsys-bench")) / "datasets"


def check_titles(titles_file: Path, interactions: Interactions, titles: Mapping[int, str]) -> None:
    """Every item of an official set has a title, so one without means that a file is not whole."""
    without = [item for item in interactions.item_ids.tolist() if item not in titles]
    if without:
        raise DatasetError(
            f"{titles_file} has no line for {len(without):,} of the items, the first of them {without[0]}. "
            f"The file is cut off, or of another version than the interactions: get both again."
        )


def check_counts(source: Source, interactions: Interactions, folder: Path) -> None:
    """Warn where a copy has another size than the published set: its results compare with no published number."""
    found = Counts(len(interactions), interactions.n_users, interactions.n_items)
    if found != source.counts:
        message = (
            f"{source.name} in {folder} has {_size(found)}; the official set has {_size(source.counts)}. "
            "Results on it don't compare with published ones."
        )
        warnings.warn(message, DatasetWarning, stacklevel=3)


def _size(counts: Counts) -> str:
    return f"{counts.rows:,} rows, {counts.users:,} users and {counts.items:,} items"


def _own_folder(source: Source) -> Path | None:
    """The set's folder under BENCH_DATA, or None if there is none."""
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        return None
    if not Path(named).is_dir():
        raise DatasetError(f"{DATA_VARIABLE} is {named}, which is not a folder. Correct it or unset it.")
    folder = Path(named) / source.folder
    if not folder.exists():
        return None
    missing = [file for file in source.files if not (folder / file).is_file()]
    if missing:
        raise DatasetError(
            f"{folder} lacks {' and '.join(missing)}; {source.name} needs {', '.join(source.files)}. "
            f"Put the official files there, or remove the folder to have them fetched."
        )
    return folder


def _complete(folder: Path, source: Source) -> bool:
    return all((folder / file).is_file() for file in source.files)


def _fetch(source: Source, target: Path) -> Path:
    """Try one way after the other, and install what the first that works gives."""
    host = source.downloads[0].url.split("/")[2]
    ways: dict[str, Callable[[Path], None]] = {f"download from {host}": lambda folder: _download_all(source, folder)}
    if source.stand_in is not None:
        ways["copy in a package on the Python index"] = source.stand_in
    failures: list[str] = []
    for way, get in ways.items():
        logger.info("%s: %s", source.name, way)
        with _scratch(target) as folder:
            try:
                get(folder)
            except (DatasetError, OSError, ValueError) as error:
                failures.append(f"  {way}: {_reason(error)}")
            else:
                if failures:
                    message = f"{source.name} is the {way}, for this failed:\n" + "\n".join(failures)
                    warnings.warn(message, DatasetWarning, stacklevel=4)
                return _install(folder, target, source)
    tried = "\n".join([_own_failure(source), f"  cache folder {target}: not there", *failures])
    raise UnavailableError(
        f"{source.name} cannot be had. Tried:\n{tried}\n"
        f"Put {', '.join(source.files)} into a folder named {source.folder} and set {DATA_VARIABLE} to its parent."
    )


def _own_failure(source: Source) -> str:
    named = os.environ.get(DATA_VARIABLE)
    return f"  {DATA_VARIABLE}: " + (f"no folder {source.folder} in {named}" if named else "not set")


def _reason(error: Exception) -> str:
    """An error in one line; of those that requests wraps in others the innermost, which says it best."""
    text = " ".join(str(error).split()).rpartition("(Caused by ")[2] or type(error).__name__
    return text if len(text) <= 300 else f"{text[:297]}..."


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """A folder beside the target that is gone afterwards, unless it was renamed."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise UnavailableError(
            f"the cache folder {target.parent} cannot be written: {error}. Set {CACHE_VARIABLE} to one that can."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _install(folder: Path, target: Path, source: Source) -> Path:
    """Give the finished folder its name; a process that was faster wins."""
    if target.exists() and not _complete(target, source):
        shutil.rmtree(target)
    try:
        folder.rename(target)
    except OSError:
        if not _complete(target, source):
            raise
    return target


def _download_all(source: Source, folder: Path) -> None:
    for download in source.downloads:
        file = _download(download, folder)
        if file.suffix == ".zip":
            for name, content in read_members(file, source.files).items():
                (folder / name).write_bytes(content)
            file.unlink()
    if not _complete(folder, source):
        raise DatasetError(f"the download does not hold {', '.join(source.files)}")
    if not all(download.md5 for download in source.downloads):
        message = f"no checksum is published for {source.name}: the download is checked by its counts alone"
        warnings.warn(message, DatasetWarning, stacklevel=5)


def _download(download: Download, folder: Path) -> Path:
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    fetch = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=(CONNECT_SECONDS, SILENCE_SECONDS))
    ask = pooch.HTTPDownloader(timeout=CONNECT_SECONDS)
    _within(ANSWER_SECONDS, lambda: ask(download.url, None, None, check_only=True))
    known_hash = f"md5:{download.md5}" if download.md5 else None
    file = download.url.rsplit("/", 1)[1]
    return Path(pooch.retrieve(download.url, known_hash, fname=file, path=folder, downloader=fetch))


def _within(seconds: float, call: Callable[[], Any]) -> None:
    """Run the call, pass on what it raises, and give up on it after so many seconds."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            call()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise DatasetError(f"no answer within {seconds} seconds")
    if raised:
        raise raised[0]
