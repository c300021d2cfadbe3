"""What comes out of a zip is what was asked for, and nothing else happens."""

import pytest

from bench.datasets.archive import read_members
from bench.datasets.errors import DatasetError


def test_members_are_found_by_name_in_any_folder(make_zip):
    archive = make_zip("a.zip", {"ml-1m/ratings.dat": b"1", "movies.dat": b"2", "ml-1m/README": b"3"})
    assert read_members(archive, ["ratings.dat", "movies.dat"]) == {"ratings.dat": b"1", "movies.dat": b"2"}


def test_a_member_that_points_out_of_the_archive_is_only_ever_read(make_zip, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    archive = make_zip("a.zip", {"../../evil.dat": b"x", "/etc/passwd": b"y", "ratings.dat": b"1"})
    assert read_members(archive, ["ratings.dat"]) == {"ratings.dat": b"1"}
    assert sorted(tmp_path.rglob("*")) == sorted([*before, archive])


@pytest.mark.parametrize("members", [{}, {"a/u.data": b"1", "../u.data": b"2"}])
def test_a_file_that_is_missing_or_there_twice_is_an_error(make_zip, members):
    with pytest.raises(DatasetError, match=rf"a\.zip: holds {len(members)} files named u\.data, one is needed"):
        read_members(make_zip("a.zip", members), ["u.data"])


def test_a_bomb_is_stopped_by_what_really_comes_out(make_zip):
    archive = make_zip("bomb.zip", {"u.data": bytes(50_000_000)})
    assert archive.stat().st_size < 100_000
    with pytest.raises(DatasetError, match="unpacks to more than the 9 MB allowed"):
        read_members(archive, ["u.data"], largest=10_000_000)


def test_the_limit_is_for_all_members_together(make_zip):
    archive = make_zip("a.zip", {"a": bytes(600), "b": bytes(600)})
    assert len(read_members(archive, ["a", "b"], largest=1_200)) == 2
    with pytest.raises(DatasetError, match="b unpacks to more than"):
        read_members(archive, ["a", "b"], largest=1_199)


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"<html>no</html>", lambda data: b""]
)
def test_a_damaged_archive_is_an_error(make_zip, damage):
    archive = make_zip("a.zip", {"u.data": b"1\t2\t3\n" * 1000})
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(DatasetError, match=r"a\.zip is not a whole zip file"):
        read_members(archive, ["u.data"])


def test_a_flipped_byte_fails_the_archives_own_checksum(make_zip):
    archive = make_zip("a.zip", {"u.data": bytes(range(256)) * 100})
    content = bytearray(archive.read_bytes())
    content[60] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(DatasetError, match=r"a\.zip is not a whole zip file"):
        read_members(archive, ["u.data"])
