"""Input made to break a reader: every file is read as it is meant or refused in one message, and never waited for."""

import bz2
import gzip
import io
import lzma
import os
import re
import socket
import zipfile
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.datasets import limits
from bench.datasets.archive import read_members
from bench.datasets.errors import DatasetError
from bench.datasets.file import LONGEST_TITLE, from_file
from bench.datasets.gowalla import gowalla
from bench.datasets.movielens import ml_1m

HEADER = b"user,item,rating,timestamp\n"
GOOD = HEADER + b"1,2,3,4\n2,3,4,5\n"
MANY = 1_000_000


@pytest.fixture
def write(tmp_path):
    def write(content, name="ratings.csv"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def zipped(content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("ratings.csv", content)
    return stream.getvalue()


TEXTS = {
    "NUL in an id": (HEADER + b"a\0b,2,3,4\n", "line 2: a byte 0, which no text has"),
    "NULs": (bytes(5000), "line 1: a byte 0"),
    "UTF-16 without its mark": (GOOD.decode().encode("utf-16-le"), "line 1: a byte 0.*UTF-16 without its mark"),
    "UTF-32": (GOOD.decode().encode("utf-32"), "UTF-32.*iconv -f UTF-32"),
    "half a character pair": (HEADER + b"\xed\xa0\x80,2,3,4\n", "line 2: byte 0xed is not UTF-8"),
    "old Macintosh": (GOOD.replace(b"\n", b"\r"), "line 1: it has a carriage return before its end.*tr "),
    "zip": (zipped(GOOD), "is a zip archive or a spreadsheet, not a table. Unpack it"),
    "bzip2": (bz2.compress(GOOD), "packed by bzip2"),
    "xz": (lzma.compress(GOOD), "packed by xz"),
    "database": (b"SQLite format 3\0" + bytes(100), "an SQLite database"),
    "gzip in gzip": (gzip.compress(gzip.compress(GOOD)), "line 1: "),
    "gzip and junk": (gzip.compress(GOOD) + b"junk", "cannot be unpacked"),
    "gzip of another checksum": (gzip.compress(GOOD)[:-8] + bytes(8), "cannot be unpacked: CRC"),
    "a quote that stays open in the first line": (b'"user,item\n1,2\n', "line 1: .*a single column"),
    "a quote too many in the first line": (b'"us"er,item\n1,2\n', "line 1: .*A double quote"),
    "a first line of megabytes": (b"user,item," + b"x" * 2_000_000 + b"\n1,2,3\n", "line 1: it is longer than 1 MB"),
    "a million columns": (b"user,item" + b",c" * MANY + b"\n1,2" + b",3" * MANY + b"\n", "line 1: it is longer"),
    "one line of megabytes": (HEADER + b"1," + b"x" * 2_000_000 + b",3,4\n", "line 2: field larger than"),
    "a field of 100 KB": (
        HEADER + b"1,2," + b"x" * 100_000 + b",4\n",
        r"line 2: column 'rating' is 'x{57}\.\.\.', not a number",
    ),
    "a long id": (
        HEADER + b"x" * 1001 + b",2,3,4\n",
        r"line 2: column 'user' is 'x{57}\.\.\.', an id of more than 1000",
    ),
    "a rating beyond float32": (HEADER + b"1,2,1e39,4\n", "line 2: column 'rating' is 1e39, not from"),
    "a count beyond float32": (
        b"user,item,count\n1,2,1e39\n",
        "line 2: column 'count' is 1e39, not a count above 0 and",
    ),
    "a time beyond int64": (HEADER + b"1,2,3,99999999999999999999\n", "line 2: column 'timestamp' is 9+, more than"),
    "a time of 1e308": (HEADER + b"1,2,3,1e308\n", "line 2: column 'timestamp' is 1e308, more than a time can be"),
    "a number of 10,000 digits": (HEADER + b"1,2,3," + b"9" * 10_000 + b"\n", "line 2: column 'timestamp'"),
    "many columns for one role": (
        b",".join([b"user"] * 1000) + b"\n" + b",".join([b"1"] * 1000),
        "'user' could each be",
    ),
    "many columns without a role": (b",".join([b"user"] + [b"c"] * 1000) + b"\n1\n", r"c, \.\.\. \(1,001 in all\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", TEXTS)
def test_a_text_file_is_refused_in_one_short_message(case, write):
    content, message = TEXTS[case]
    with pytest.raises(DatasetError, match=message) as caught:
        from_file(write(content))
    assert len(str(caught.value)) < 1000


READ = {
    "ids beyond int64 are text": (b"99999999999999999999999,-9223372036854775808,3,4\n", ["9" * 23], [-(2**63)]),
    "the ends of int64": (b"9223372036854775807,-1,3,4\n", [2**63 - 1], [-1]),
    "ids of any script": ("é,🎬,3,4\n".encode(), ["é"], ["🎬"]),
    "fractions are text": (b"1.5,-2,3,4\n", ["1.5"], [-2]),
    "one pair many times": (b"1,2,3,4\n" * 50, [1], [2]),
    "line separators that are none": ("a\u2028b,c\x85d,3,4\n".encode(), ["a\u2028b"], ["c\x85d"]),
}


@pytest.mark.parametrize("case", READ)
def test_odd_ids_are_read_as_they_are(case, write):
    rows, users, items = READ[case]
    data = from_file(write(HEADER + rows))
    assert (data.user_ids.tolist(), data.item_ids.tolist()) == (users, items)


def test_titles_take_no_more_memory_than_people_read(write):
    data = from_file(write(b"user,item,title\n1,1,short\n1,2," + b"x" * 100_000 + b"\n"))
    assert [len(title) for title in data.titles.tolist()] == [5, LONGEST_TITLE]


class TestFilesThatAreNone:
    @pytest.fixture(params=["folder", "pipe", "device", "link to a device", "link to itself", "socket"])
    def path(self, request, tmp_path):
        path = tmp_path / "x.csv"
        if request.param == "folder":
            path.mkdir()
        elif request.param == "pipe":
            os.mkfifo(path)
        elif request.param == "device":
            return "/dev/zero"
        elif request.param == "link to a device":
            path.symlink_to("/dev/zero")
        elif request.param == "link to itself":
            path.symlink_to(path)
        else:
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(os.path.relpath(path))
        return path

    def test_none_is_waited_for(self, path, write):
        for options in ({}, {"titles": path}, {"test": path}):
            with pytest.raises(DatasetError, match=f"{re.escape(str(path))} cannot be read"):
                from_file(write(GOOD, "good.csv") if options else path, **options)

    def test_parquet_neither(self, tmp_path):
        os.mkfifo(tmp_path / "x.parquet")
        with pytest.raises(DatasetError, match=r"x\.parquet cannot be read: it is a device or pipe"):
            from_file(tmp_path / "x.parquet")

    @pytest.mark.parametrize("name", ["a\0b.csv", "x" * 300 + ".csv", "\udc80.csv", "good.csv/x.csv"])
    def test_names_that_no_file_has(self, name, write):
        with pytest.raises(DatasetError, match=r"cannot be read|there is no file"):
            from_file(write(GOOD, "good.csv").with_name("-").parent / name)


class TestBombs:
    @pytest.fixture
    def small(self, monkeypatch):
        """As if little memory were allowed, so that a small bomb is one."""
        monkeypatch.setattr(limits, "ALWAYS_UNPACKED", 2**20)

    def test_gzip(self, write, small):
        path = write(gzip.compress(HEADER + b"1,2,3,4\n" * 300_000))
        with pytest.raises(DatasetError, match=r"unpacks to more than the 1 MB allowed.*RECSYS_BENCH_LARGEST_MB"):
            from_file(path)

    def test_what_is_allowed_can_be_raised(self, write, small, monkeypatch):
        monkeypatch.setenv(limits.VARIABLE, "3")
        assert len(from_file(write(gzip.compress(HEADER + b"1,2,3,4\n" * 300_000)))) == 1

    def test_what_is_allowed_can_be_lowered(self, write, monkeypatch):
        monkeypatch.setenv(limits.VARIABLE, "1")
        with pytest.raises(DatasetError, match="holds more than the 1 MB allowed"):
            from_file(write(HEADER + b"1,2,3,4\n" * 300_000))

    @pytest.mark.parametrize("text", ["0", "-1", "many", "1e3", "²", "9" * 30])
    def test_a_wrong_limit_is_named(self, text, write, monkeypatch):
        monkeypatch.setenv(limits.VARIABLE, text)
        with pytest.raises(DatasetError, match=r"RECSYS_BENCH_LARGEST_MB is .* whole number of megabytes"):
            from_file(write(GOOD))

    def test_a_sparse_file_is_not_read(self, write):
        path = write(HEADER + b"1,2,3,4\n" * 200_000)
        os.truncate(path, 2**43)
        with pytest.raises(DatasetError, match="holds more than"):
            from_file(path)

    @pytest.mark.parametrize("kind", [pa.string(), pa.binary(), pa.large_string(), pa.string_view()])
    def test_one_value_of_a_megabyte_many_times(self, kind, tmp_path):
        """A file of a few KB that is 64 GB of text."""
        value = "x" * 2**20 if "string" in str(kind) else b"x" * 2**20
        schema = pa.schema([("user", kind), ("item", pa.int64())])
        with pq.ParquetWriter(tmp_path / "x.parquet", schema, dictionary_pagesize_limit=2**24) as writer:
            for _ in range(10):
                writer.write_table(pa.table([pa.array([value] * 50, kind), np.arange(50)], schema=schema))
        with pytest.raises(DatasetError, match="unpacks to more than the 256 MB allowed"):
            from_file(tmp_path / "x.parquet")

    def test_one_number_many_times(self, tmp_path, small):
        zeros = pa.array(np.zeros(MANY, np.int32))
        pq.write_table(pa.table({"user": zeros, "item": zeros}), tmp_path / "x.parquet", row_group_size=MANY)
        assert (tmp_path / "x.parquet").stat().st_size < 10_000
        with pytest.raises(DatasetError, match="unpacks to more than the 1 MB allowed"):
            from_file(tmp_path / "x.parquet")


def cut_text():
    """Two strings of which the first isn't UTF-8; Arrow reads and writes them without a look."""
    ends = pa.py_buffer(np.array([0, 2, 3], np.int32))
    return pa.Array.from_buffers(pa.string(), 2, [None, ends, pa.py_buffer(b"\xff\xfeb")])


HUGE_DATE = pa.array([2**62, None], pa.timestamp("us"))
PARQUET = {
    "text that is no UTF-8": ({"user": cut_text(), "item": [1, 2]}, "column 'user' .*UTF8"),
    "a title that is no UTF-8": ({"user": [1, 2], "item": [1, 2], "title": cut_text()}, "column 'title' .*UTF8"),
    "NUL in an id": ({"user": ["a\0", "a"], "item": [1, 2]}, "row 1: column 'user' is .*character 0"),
    "lists": ({"user": [[1], [2]], "item": [1, 2]}, "column 'user' holds list.*numbers, text or times"),
    "structs": ({"user": [{"a": 1}] * 2, "item": [1, 2]}, "column 'user' holds struct"),
    "maps": ({"user": pa.array([[("a", 1)]] * 2, pa.map_(pa.string(), pa.int64())), "item": [1, 2]}, "holds map"),
    "a date that Python can't hold": ({"user": [1, 2], "item": [1, 2], "time": HUGE_DATE}, "column 'time' is"),
    "an id beyond int64": ({"user": pa.array([2**64 - 1] * 2, pa.uint64()), "item": [1, 2]}, "column 'user' .*range"),
    "an id that is no number": ({"user": [float("nan"), 1.0], "item": [1, 2]}, "column 'user'"),
    "a rating beyond float32": ({"user": [1, 2], "item": [1, 2], "rating": [1e39, 1]}, "row 1: column 'rating' is 1e"),
    "a long id": ({"user": ["x" * 1001, "b"], "item": [1, 2]}, "row 1: column 'user' .*more than 1000 bytes"),
    "no columns": ({}, "no column for user and item"),
}


@pytest.mark.parametrize("case", PARQUET)
def test_a_parquet_file_is_refused_in_one_short_message(case, tmp_path):
    columns, message = PARQUET[case]
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(DatasetError, match=message) as caught:
        from_file(tmp_path / "x.parquet")
    assert len(str(caught.value)) < 1000


def test_two_parquet_columns_of_one_name(tmp_path):
    pq.write_table(pa.table([[1], [2], [3]], names=["x", "x", "y"]), tmp_path / "x.parquet")
    with pytest.raises(DatasetError, match="has two columns 'x'"):
        from_file(tmp_path / "x.parquet", columns={"user": 2, "item": 3})


def test_a_schema_of_many_levels(tmp_path):
    kind = pa.int64()
    for _ in range(500):
        kind = pa.struct([("a", kind)])
    pq.write_table(pa.table([[1], [2], pa.nulls(1, kind)], names=["user", "item", "x"]), tmp_path / "x.parquet")
    with pytest.raises(DatasetError, match="not a whole Parquet file"):
        from_file(tmp_path / "x.parquet")


@pytest.mark.parametrize(
    "mark", [b"PAR1", b"PAR1PAR1", b"PAR1" + bytes(100) + b"PAR1", b"PAR1\xff\xff\xff\x7fPAR1", b"PARE"]
)
def test_a_file_with_little_more_than_the_marks_of_parquet(mark, write):
    with pytest.raises(DatasetError, match="not a whole Parquet file"):
        from_file(write(mark, "x.parquet"))


def test_decimals_dates_and_fixed_bytes_are_ids(tmp_path):
    columns = {"user": [Decimal("1.5"), Decimal(2)], "item": pa.array([b"a" * 16, b"b" * 16], pa.binary(16))}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    data = from_file(tmp_path / "x.parquet")
    assert data.item_ids.tolist() == ["a" * 16, "b" * 16]


@pytest.mark.parametrize(
    "columns",
    [{"user": 10**30, "item": 2}, {"user": 0, "item": 2}, {"user": -1, "item": 2}, {"user": "9" * 5000, "item": 2},
     {"user": "²", "item": 2}, {"user": "٣", "item": 2}, {"user": True, "item": 2}, {1: 1, "item": 2},
     {"user": 1, "item": 1}, {"user": ["a"], "item": 2}],
)  # fmt: skip
def test_columns_that_no_file_has(columns, write):
    with pytest.raises(DatasetError, match=r"has no column|two roles|knows no"):
        from_file(write(GOOD), columns)


class TestArchives:
    def test_an_encrypted_member(self, make_zip):
        path = make_zip("a.zip", {"u.data": b"1\t2\t3\n"})
        content = bytearray(path.read_bytes())
        for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            content[content.find(mark) + flags] |= 1
        path.write_bytes(content)
        with pytest.raises(DatasetError, match="encrypted"):
            read_members(path, ["u.data"])

    @pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
    def test_damage_under_every_way_to_pack(self, method, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
            archive.writestr("u.data", bytes(range(256)) * 100)
        content = bytearray((tmp_path / "a.zip").read_bytes())
        content[60:100] = b"\xff" * 40
        (tmp_path / "a.zip").write_bytes(content)
        with pytest.raises(DatasetError, match=r"a\.zip is not a whole zip file"):
            read_members(tmp_path / "a.zip", ["u.data"])

    @pytest.mark.parametrize("method", [0, 12, 14, 99])
    def test_a_method_that_the_content_does_not_have(self, method, make_zip):
        path = make_zip("a.zip", {"u.data": b"1\t2\t3\n" * 100})
        content = bytearray(path.read_bytes())
        for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
            content[content.find(mark) + place] = method
        path.write_bytes(content)
        with pytest.raises(DatasetError, match=r"a\.zip is not a whole zip file"):
            read_members(path, ["u.data"])

    def test_a_link_is_a_file_with_a_path_in_it(self, tmp_path):
        member = zipfile.ZipInfo("u.data")
        member.external_attr = 0o120777 << 16
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr(member, "/etc/passwd")
        assert read_members(tmp_path / "a.zip", ["u.data"]) == {"u.data": b"/etc/passwd"}


@pytest.mark.parametrize("line", ["9" * 30, "0 " + "9" * 5000, "0 1\x000", " ", "-1 2", "0 ²"])
def test_gowalla_with_a_line_that_has_other_than_numbers(line, own_data):
    (own_data / "gowalla" / "train.txt").write_text(f"0 0 1 2\n{line}\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"train\.txt, line 2"):
        gowalla()


@pytest.mark.parametrize("digits", [20, 5000])
def test_movielens_with_an_id_of_many_digits(digits, own_data):
    for file in ("movies.dat", "ratings.dat"):
        path = own_data / "ml-1m" / file
        before = path.read_bytes()
        path.write_bytes(before + b"9" * digits + (b"::Title::Drama\n" if file == "movies.dat" else b"::1::5::100\n"))
        with pytest.raises(DatasetError, match=f"{file}, line 4"):
            ml_1m()
        path.write_bytes(before)


def test_a_named_set_with_a_pipe_for_a_file(own_data):
    path = own_data / "ml-1m" / "ratings.dat"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DatasetError, match=r"lacks ratings\.dat"):
        ml_1m()
