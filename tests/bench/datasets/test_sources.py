"""A named set comes from the user's folder, the cache, the download, the stand-in, in that order."""

import hashlib
import threading
import time
import warnings

import pytest

from bench.datasets import sources
from bench.datasets.errors import DatasetError, DatasetWarning, UnavailableError
from bench.datasets.sources import Counts, Download, Source, cache_folder, find

NOWHERE = "http://127.0.0.1:9/toy.zip"  # the discard port: nothing listens there


def make_source(url=NOWHERE, md5="", stand_in=None, files=("ratings.dat", "movies.dat")):
    return Source("toy", "toy-folder", files, (Download(url, md5),), Counts(1, 1, 1), stand_in)


def put(folder, **contents):
    folder.mkdir(parents=True)
    for name, text in contents.items():
        (folder / name.replace("_", ".")).write_text(text)


@pytest.fixture
def archive(website, make_zip):
    """(address, md5) of a zip of the toy set on the web server."""
    folder, address = website
    path = make_zip("toy.zip", {"toy/ratings.dat": b"official", "toy/movies.dat": b"films"}, folder)
    return f"{address}/toy.zip", hashlib.md5(path.read_bytes()).hexdigest()


def test_the_users_folder_comes_first_and_is_not_copied(cache, tmp_path, monkeypatch, archive):
    put(tmp_path / "own" / "toy-folder", ratings_dat="own", movies_dat="")
    put(cache / "toy-folder", ratings_dat="cached", movies_dat="")
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "own"))
    assert find(make_source(*archive)) == tmp_path / "own" / "toy-folder"


def test_the_cache_comes_before_the_download(cache, tmp_path, monkeypatch, archive):
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "own"))
    put(cache / "toy-folder", ratings_dat="cached", movies_dat="")
    assert (find(make_source(*archive)) / "ratings.dat").read_text() == "cached"


def test_a_download_is_checked_unpacked_and_kept(cache, archive):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folder = find(make_source(*archive))
    assert folder == cache / "toy-folder"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "ratings.dat": "official",
        "movies.dat": "films",
    }
    assert list(cache.iterdir()) == [folder]
    assert find(make_source()) == folder


def test_a_download_without_a_checksum_warns(cache, archive):
    with pytest.warns(DatasetWarning, match="no checksum is published for toy"):
        find(make_source(archive[0]))


def test_a_wrong_checksum_is_an_error_that_leaves_nothing(cache, archive):
    with pytest.raises(UnavailableError, match=f"(?s)MD5.*expected md5:{'0' * 32} but got {archive[1]}"):
        find(make_source(archive[0], "0" * 32))
    assert list(cache.iterdir()) == []


def test_a_download_that_is_no_zip_is_an_error_that_leaves_nothing(cache, website):
    (website[0] / "toy.zip").write_bytes(b"<html>please log in</html>")
    with pytest.raises(UnavailableError, match=r"toy\.zip is not a whole zip file"):
        find(make_source(f"{website[1]}/toy.zip"))
    assert list(cache.iterdir()) == []


def test_a_missing_page_is_named(cache, website):
    with pytest.raises(UnavailableError, match="404"):
        find(make_source(f"{website[1]}/toy.zip"))


def test_plain_files_are_downloaded_one_by_one(cache, website):
    for name in ("train.txt", "test.txt"):
        (website[0] / name).write_text(name)
    downloads = tuple(Download(f"{website[1]}/{name}") for name in ("train.txt", "test.txt"))
    source = Source("toy", "toy-folder", ("train.txt", "test.txt"), downloads, Counts(1, 1, 1))
    with pytest.warns(DatasetWarning):
        folder = find(source)
    assert sorted(path.name for path in folder.iterdir()) == ["test.txt", "train.txt"]


def test_a_stand_in_is_used_only_when_the_download_fails(cache, archive):
    def stand_in(folder):
        (folder / "ratings.dat").write_text("stand-in")
        (folder / "movies.dat").write_text("")

    with pytest.warns(DatasetWarning, match=r"(?s)copy in a package.*127\.0\.0\.1"):
        folder = find(make_source(stand_in=stand_in))
    assert (folder / "ratings.dat").read_text() == "stand-in"
    folder.rename(cache / "other")
    assert (find(make_source(*archive, stand_in=stand_in)) / "ratings.dat").read_text() == "official"


def test_where_nothing_works_each_source_is_named_with_its_reason(cache):
    def broken(folder):
        (folder / "ratings.dat").write_text("half")
        raise DatasetError("pip is not here")

    with pytest.raises(UnavailableError) as error:
        find(make_source(stand_in=broken))
    message = str(error.value)
    for part in (
        "BENCH_DATA: not set",
        str(cache / "toy-folder"),
        "download from 127.0.0.1:9: ",
        "refused",
        "pip is not here",
        "Put ratings.dat, movies.dat into a folder named toy-folder and set BENCH_DATA",
    ):
        assert part in message
    assert list(cache.iterdir()) == []


def test_an_incomplete_folder_of_the_users_is_an_error_not_a_download(cache, tmp_path, monkeypatch, archive):
    put(tmp_path / "own" / "toy-folder", ratings_dat="own")
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "own"))
    with pytest.raises(DatasetError, match=r"toy-folder lacks movies\.dat; toy needs ratings\.dat, movies\.dat"):
        find(make_source(*archive))


def test_a_data_folder_that_does_not_exist_is_an_error(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "typo"))
    with pytest.raises(DatasetError, match=r"BENCH_DATA is .*typo, which is not a folder"):
        find(make_source())


def test_an_incomplete_cached_folder_is_fetched_anew(cache, archive):
    put(cache / "toy-folder", ratings_dat="old")
    assert (find(make_source(*archive)) / "ratings.dat").read_text() == "official"


def test_a_process_that_was_faster_wins(cache, archive, monkeypatch):
    download = sources._download_all

    def slow(source, folder):
        download(source, folder)
        put(cache / "toy-folder", ratings_dat="faster", movies_dat="")

    monkeypatch.setattr(sources, "_download_all", slow)
    assert (find(make_source(*archive)) / "ratings.dat").read_text() == "faster"
    assert [path.name for path in cache.iterdir()] == ["toy-folder"]


def test_a_cache_that_cannot_be_made_is_named(tmp_path, monkeypatch, cache):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RECSYS_BENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(UnavailableError, match=r"cannot be written.*RECSYS_BENCH_CACHE"):
        find(make_source())


def test_the_cache_is_the_systems_unless_named(monkeypatch, tmp_path):
    monkeypatch.delenv("RECSYS_BENCH_CACHE", raising=False)
    assert cache_folder().parts[-2:] == ("recsys-bench", "datasets")
    monkeypatch.setenv("RECSYS_BENCH_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "datasets"


def test_a_host_that_never_answers_is_given_up():
    never = threading.Event()
    start = time.perf_counter()
    with pytest.raises(DatasetError, match=r"no answer within 0\.05 seconds"):
        sources._within(0.05, lambda: never.wait(10))
    assert time.perf_counter() - start < 5
    never.set()
