"""Text tables: the fast reader and the line-by-line one agree, and every fault is named with its line."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.datasets.columns import Column, complaint, convert, to_numpy, whole_if_possible
from bench.datasets.errors import DatasetError
from bench.datasets.table import Form, read_table, records

FORM = Form(",", ("user", "title", "value"), header=("u", "t", "v"), quoted=True)
COLUMNS = {"user": Column("id"), "title": Column("text"), "value": Column("number")}


def write(tmp_path, content, name="table.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path, form=FORM, columns=COLUMNS):
    return {name: values.to_pylist() for name, values in read_table(path, form, columns).items()}


def test_both_readers_read_the_same(tmp_path):
    path = write(tmp_path, 'u,t,v\na,"x, ""y""",1\n\nb,"two\nlines",2.5\nc,,-3')
    assert read(path) == {"user": ["a", "b", "c"], "title": ['x, "y"', "two\nlines", ""], "value": [1, 2.5, -3]}
    assert [fields for _, fields in records(path, FORM)] == [
        ["a", 'x, "y"', "1"],
        ["b", "two\nlines", "2.5"],
        ["c", "", "-3"],
    ]


def test_a_byte_order_mark_and_windows_line_ends_are_no_data(tmp_path):
    path = write(tmp_path, b"\xef\xbb\xbfu,t,v\r\na,b,1\r\n")
    assert read(path) == {"user": ["a"], "title": ["b"], "value": [1]}


def test_gzip_is_known_by_its_first_bytes(tmp_path):
    path = write(tmp_path, gzip.compress(b"u,t,v\na,b,1\n", mtime=0), "table.csv")
    assert read(path)["user"] == ["a"]


@pytest.mark.parametrize(
    "content", [gzip.compress(b"u,t,v\n" + b"a,b,1\n" * 999, mtime=0)[:-12], b"\x1f\x8bno", b"\x1f\x8b"]
)
def test_a_damaged_gzip_is_named(tmp_path, content):
    with pytest.raises(DatasetError, match=r"table\.csv cannot be unpacked: .* cut off or damaged"):
        read(write(tmp_path, content))


@pytest.mark.parametrize(
    ("rows", "line", "found"),
    [
        ("a,b,1\na,b\n", 3, r"2 fields \('a,b'\) where 3 belong. The file is cut off here"),
        ("a,b\na,b,1\n", 2, r"2 fields \('a,b'\) where 3 belong. Correct the line"),
        ("a,b,1\na,b,1,c\na,b,1\n", 3, "4 fields"),
        ("a,b,1\na,b,one\n", 3, "column 'value' is 'one', not a number"),
        ("a,b,1\na,b,\n", 3, "column 'value' is empty"),
        ("a,b,1\na,b,nan\n", 3, "column 'value' is nan, not a finite number"),
        ("a,b,1\na,b,-inf\n", 3, "column 'value' is -inf, not a finite number"),
        ("a,b,1\n ,b,1\n", 3, "column 'user' is empty"),
        ('a,b,1\na,"b,1\na,b,1\n', 4, "unexpected end of data"),
        ('a,"b,1\nc",1\ne,"f,1\n', 4, "unexpected end of data"),
        ('a,"x\n"a,b",1\n', 3, "',' expected after '\"'"),
    ],
)
def test_the_first_fault_is_named_with_its_line(tmp_path, rows, line, found):
    path = write(tmp_path, "u,t,v\n" + rows)
    with pytest.raises(DatasetError, match=f"{path}, line {line}: {found}"):
        read(path)


def test_a_stray_quote_never_swallows_rows(tmp_path):
    """Two stray quotes make one long field of the rows between them, with the right number of fields."""
    path = write(tmp_path, 'u,t,v\na,"b,1\nc,d,2\ne,f",3\n')
    assert read(path)["title"] == ["b,1\nc,d,2\ne,f"]  # this is what the file says, by the rules of CSV
    with pytest.raises(DatasetError, match="line 4"):
        read(write(tmp_path, 'u,t,v\na,"b,1\nc,d,2\ne,f"x,3\n'))


def test_another_encoding_is_named_with_its_line(tmp_path):
    with pytest.raises(DatasetError, match=r"line 3: byte 0xe9 is not UTF-8 \('b,caf.*iconv -f ISO-8859-1"):
        read(write(tmp_path, "u,t,v\na,b,1\nb,café,2\n".encode("latin-1")))
    with pytest.raises(DatasetError, match="UTF-16"):
        read(write(tmp_path, "u,t,v\na,b,1\n".encode("utf-16")))


@pytest.mark.parametrize("content", ["u,t,v\n", "u,t,v", "u,t,v\n\n"])
def test_a_header_alone_is_no_table(tmp_path, content):
    with pytest.raises(DatasetError, match="has a header and no rows"):
        read(write(tmp_path, content))


def test_a_folder_or_nothing_is_no_table(tmp_path):
    with pytest.raises(DatasetError, match=r"there is no file .*nothing\.csv"):
        read(tmp_path / "nothing.csv")
    with pytest.raises(DatasetError, match="cannot be read: it is a folder"):
        read(tmp_path)


def test_a_separator_of_two_characters(tmp_path):
    form = Form("::", ("a", "b"))
    path = write(tmp_path, "1::x:y\n2::z\n")
    assert read(path, form, {"a": Column("whole"), "b": Column("text")}) == {"a": [1, 2], "b": ["x:y", "z"]}


cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\x00\x1f", exclude_categories=["Zl", "Zp", "Cc"]), max_size=8
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 99), cells, st.sampled_from(["1", "2.5", "nan", "x", "", "1e400", "-0"])), min_size=1
    )
)
def test_the_fast_reader_refuses_exactly_what_the_slow_one_refuses(tmp_path_factory, rows):
    lines = ['{},"{}",{}\n'.format(user, title.replace('"', '""'), value) for user, title, value in rows]
    path = write(tmp_path_factory.mktemp("table"), "u,t,v\n" + "".join(lines))
    problems = [complaint(value, COLUMNS["value"], "") for _, _, value in rows]
    if any(problems):
        line = next(line for line, problem in enumerate(problems, 2) if problem)
        with pytest.raises(DatasetError, match=f"line {line}: column 'value'"):
            read(path)
    else:
        assert read(path)["value"] == [float(value) for _, _, value in rows]


class TestColumns:
    def arrow(self, values, kind=None):
        pa = pytest.importorskip("pyarrow")
        return pa.chunked_array([pa.array(values, type=kind)])

    @pytest.mark.parametrize(
        ("ids", "expected"),
        [
            (["1", "20", "-3"], [1, 20, -3]),
            (["1", "007"], ["1", "007"]),
            (["1", "+2"], ["1", "+2"]),
            (["1", "1.0"], ["1", "1.0"]),
            (["1", "a"], ["1", "a"]),
            (["99999999999999999999"], ["99999999999999999999"]),
        ],
    )
    def test_only_ids_that_are_written_as_numbers_are_numbers(self, ids, expected):
        assert whole_if_possible(self.arrow(ids)).to_pylist() == expected

    @pytest.mark.parametrize(
        ("written", "seconds"),
        [
            (["100", "200"], [100, 200]),
            (["100.9", "-0.5"], [100, -1]),
            (["8.81250949E8"], [881250949]),
            (["1700000000000", "1700000001999"], [1700000000, 1700000001]),
            (["1700000000000000"], [1700000000]),
            (["1700000000000000000"], [1700000000]),
            (["2023-11-14", "1970-01-02"], [1699920000, 86400]),
            (["2023-11-14 22:13:20"], [1700000000]),
            (["2023-11-14T22:13:20.75Z", "2023-11-14T23:13:20+01:00"], [1700000000, 1700000000]),
        ],
    )
    def test_times_are_seconds_or_iso_dates(self, written, seconds):
        assert to_numpy(convert(self.arrow(written), Column("time"))).tolist() == seconds
        assert not any(complaint(value, Column("time"), written[0]) for value in written)

    def test_dates_of_parquet_are_times(self):
        import datetime

        day = datetime.date(1970, 1, 2)
        moment = datetime.datetime(1970, 1, 2, 0, 0, 1, 500_000)
        assert convert(self.arrow([day]), Column("time")).to_pylist() == [86_400]
        assert convert(self.arrow([moment]), Column("time")).to_pylist() == [86_401]
        assert convert(self.arrow([moment.replace(tzinfo=datetime.UTC)]), Column("time")).to_pylist() == [86_401]

    @pytest.mark.parametrize(
        ("value", "found"), [("yesterday", "neither"), ("nan", "neither"), ("2023-11-14", "two ways")]
    )
    def test_a_wrong_time_is_complained_about(self, value, found):
        assert found in complaint(value, Column("time"), "100")
