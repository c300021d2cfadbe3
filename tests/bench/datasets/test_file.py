"""A user's own file: what is understood, and what is said where it isn't."""

import gzip
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.datasets.errors import DatasetError, DatasetWarning
from bench.datasets.file import from_file

ROWS = [("u1", "a", "5", "100"), ("u1", "b", "3", "200"), ("u2", "a", "4", "300")]


@pytest.fixture
def write(tmp_path):
    def write(content, name="ratings.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def lines(separator, header, rows=ROWS):
    return "".join(separator.join(row) + "\n" for row in ([header] if header else []) + rows)


def check_rows(data):
    assert data.user_ids[data.users].tolist() == ["u1", "u1", "u2"]
    assert data.item_ids[data.items].tolist() == ["a", "b", "a"]
    assert data.ratings.tolist() == [5, 3, 4]
    assert data.timestamps.tolist() == [100, 200, 300]
    assert (data.relevance_threshold, data.rating_scale) == (4, (1, 5))


class TestUnderstood:
    @pytest.mark.parametrize("separator", [",", ";", "\t", "|", "::"])
    @pytest.mark.parametrize(
        "header",
        [
            ("user", "item", "rating", "timestamp"),
            ("userId", "movieId", "rating", "timestamp"),
            ("USER_ID", "Item ID", "Score", "ts"),
            ("uid", "iid", "stars", "Date"),
        ],
    )
    def test_every_separator_and_usual_name(self, write, separator, header):
        check_rows(from_file(write(lines(separator, header))))

    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    @pytest.mark.parametrize(("name", "value"), [('"{}"', '"{}"'), ("{}:token", "{}")])
    def test_names_and_values_as_r_and_recbole_write_them(self, write, separator, name, value):
        header = tuple(name.format(role) for role in ("user_id", "item_id", "rating", "timestamp"))
        rows = [tuple(value.format(field) for field in row) for row in ROWS]
        check_rows(from_file(write(lines(separator, header, rows))))

    def test_columns_in_any_order_beside_others(self, write):
        rows = [("x", t, r, i, "", u) for u, i, r, t in ROWS]
        check_rows(from_file(write(lines(",", ("", "ts", "rating", "item", "note", "user"), rows))))

    def test_gzip_byte_order_mark_and_windows_line_ends(self, write):
        text = lines(",", ("user", "item", "rating", "timestamp")).replace("\n", "\r\n")
        check_rows(from_file(write(gzip.compress(b"\xef\xbb\xbf" + text.encode(), mtime=0), "ratings.csv.gz")))

    def test_parquet(self, tmp_path):
        table = pa.table(
            {
                "userId": pa.array(["u1", "u1", "u2"]).dictionary_encode(),
                "item": ["a", "b", "a"],
                "rating": pa.array([5, 3, 4], pa.int8()),
                "date": pa.array([100, 200, 300], pa.timestamp("s")),
                "other": [[1], [], [2]],
            }
        )
        pq.write_table(table, tmp_path / "ratings.parquet")
        check_rows(from_file(tmp_path / "ratings.parquet"))

    def test_columns_by_name(self, write):
        path = write(lines(",", ("who", "what", "how good", "when")))
        check_rows(from_file(path, {"user": "who", "item": "What", "rating": "how good", "timestamp": "when"}))

    def test_columns_by_place_without_a_header(self, write):
        check_rows(from_file(write(lines("\t", None)), {"user": 1, "item": "2", "rating": 3, "timestamp": 4}))

    def test_columns_by_place_with_a_header(self, write):
        path = write(lines(",", ("item", "user", "rating", "timestamp")))
        check_rows(from_file(path, {"user": 1, "item": 2}))

    def test_a_named_column_beats_a_usual_one(self, write):
        rows = [(u, i, "1", r, t) for u, i, r, t in ROWS]
        path = write(lines(",", ("user", "item", "rating", "my_rating", "time"), rows))
        check_rows(from_file(path, {"rating": "my_rating"}))

    def test_ids_that_are_numbers_are_numbers(self, write):
        data = from_file(write("user,item\n10,007\n9,7\n"))
        assert data.user_ids.tolist() == [9, 10]
        assert data.item_ids.tolist() == ["007", "7"]
        assert (data.ratings, data.timestamps, data.rating_scale, data.relevance_threshold) == (None,) * 4
        assert data.relevant.all()

    def test_counts_are_no_ratings(self, write):
        data = from_file(write("user,artist,plays\n1,a,3\n1,b,5\n2,a,1\n"))
        assert data.ratings.tolist() == [3, 5, 1]
        assert (data.rating_scale, data.relevance_threshold) == (None, None)
        assert np.allclose(data.positives().data, np.log1p([3, 5, 1]))

    def test_a_repeated_pair_is_its_last_row_in_time(self, write):
        data = from_file(write("user,item,rating,time\n1,1,5,200\n1,1,2,100\n2,1,4,1\n"))
        assert data.ratings.tolist() == [5, 4]

    def test_the_file_gives_the_name(self, write):
        assert from_file(write("user,item\n1,1\n", "mine.csv")).name == "mine.csv"
        assert from_file(str(write("user,item\n1,1\n", "mine.csv"))).name == "mine.csv"


class TestScale:
    @pytest.mark.parametrize(
        ("ratings", "scale", "threshold"),
        [
            ("1 2 3 4 5", (1, 5), 4),
            ("2 4", (1, 5), 4),
            ("0.5 4.5", (0.5, 5), 4),
            ("1 4.5", (1, 5), 4),
            ("1 10", (1, 10), None),
            ("0 5", (0, 5), None),
            ("1 3", (1, 3), None),
            ("1.2 4.9", (1.2, 4.9), None),
            ("-10 10", (-10, 10), None),
            ("1 1 1", None, None),
            ("5 5", None, None),
        ],
    )
    def test_stars_have_their_threshold_and_other_ratings_have_none(self, write, ratings, scale, threshold):
        rows = "".join(f"1,{item},{rating}\n" for item, rating in enumerate(ratings.split()))
        data = from_file(write("user,item,rating\n" + rows))
        assert data.relevance_threshold == threshold
        assert data.rating_scale == (None if scale is None else pytest.approx(scale))

    def test_a_given_threshold_is_taken(self, write):
        data = from_file(write("user,item,rating\n1,1,3\n1,2,8\n"), threshold=7)
        assert data.relevant.tolist() == [False, True]
        assert data.rating_scale == (3, 8)

    @pytest.mark.parametrize("threshold", [9, math.nan, math.inf])
    def test_a_threshold_that_nothing_reaches_is_an_error(self, write, threshold):
        with pytest.raises(DatasetError, match=r"no rating reaches the threshold .* they are from 3 to 8"):
            from_file(write("user,item,rating\n1,1,3\n1,2,8\n"), threshold=threshold)

    def test_a_threshold_without_ratings_is_an_error(self, write):
        with pytest.raises(DatasetError, match="has no ratings, so a threshold of 4 means nothing"):
            from_file(write("user,item\n1,1\n"), threshold=4)


class TestTitles:
    def test_titles_beside_the_interactions(self, write):
        data = from_file(write('user,item,title,genres\n1,7,"One, two",A|B\n1,3,Drei,\n2,7,Other,C\n'))
        assert data.titles.tolist() == ["Drei", "One, two"]
        assert data.genres == ((), ("A", "B"))

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("movies.csv", 'movieId,title,genres\n7,"One, two",A|B\n9,Unseen,C\n3,Drei,\n'),
            ("movies.dat", "7::One, two::A|B\n9::Unseen::C\n3::Drei::\n"),
            ("items.tsv", "id\tname\tgenre\turl\n7\tOne, two\tA|B\tx\n3\tDrei\t\ty\n"),
        ],
    )
    def test_titles_of_their_own(self, write, name, text):
        data = from_file(write("user,item\n1,7\n1,3\n1,5\n"), titles=write(text, name))
        assert data.titles.tolist() == ["Drei", "", "One, two"]
        assert data.genres == ((), (), ("A", "B"))

    def test_titles_of_ids_that_are_text(self, write):
        data = from_file(write("user,item\n1,007\n1,b\n"), titles=write("item,title\n007,Bond\n7,Seven\n", "t.csv"))
        assert data.titles.tolist() == ["Bond", ""]
        assert data.genres is None

    def test_titles_in_parquet(self, write, tmp_path):
        pq.write_table(pa.table({"item_id": [3, 4], "title": ["Drei", None]}), tmp_path / "t.parquet")
        data = from_file(write("user,item\n1,3\n1,4\n"), titles=tmp_path / "t.parquet")
        assert data.titles.tolist() == ["Drei", ""]

    def test_titles_of_other_items_are_an_error(self, write):
        with pytest.raises(DatasetError, match=r"t\.csv has no title for any of the 1 items; its first id is '8'"):
            from_file(write("user,item\n1,7\n"), titles=write("item,title\n8,Acht\n", "t.csv"))

    def test_titles_without_a_title_are_an_error(self, write):
        with pytest.raises(DatasetError, match=r"t\.csv has no column for title; its columns are item, label"):
            from_file(write("user,item\n1,7\n"), titles=write("item,label\n7,Sieben\n", "t.csv"))

    def test_titles_in_another_encoding_are_an_error(self, write):
        with pytest.raises(DatasetError, match=r"t\.csv, line 2: byte 0xe9 is not UTF-8"):
            from_file(write("user,item\n1,7\n"), titles=write("item,title\n7,caf\xe9\n".encode("latin-1"), "t.csv"))


class TestHeldOut:
    def test_the_test_file_is_held_out(self, write):
        data = from_file(write("user,item,rating\n1,1,5\n1,2,2\n"), test=write("item,user,rating\n3,1,4\n", "test.csv"))
        assert data.items.tolist() == [0, 1, 2]
        assert data.held_out.tolist() == [False, False, True]
        assert data.name == "ratings.csv"

    def test_without_a_test_file_nothing_is(self, write):
        assert from_file(write("user,item\n1,1\n")).held_out is None

    def test_ids_of_both_files_are_of_one_kind(self, write, tmp_path):
        pq.write_table(pa.table({"user": [1, 2], "item": [1, 2]}), tmp_path / "train.parquet")
        data = from_file(tmp_path / "train.parquet", test=write("user,item\n1,x\n", "test.csv"))
        assert data.item_ids.tolist() == ["1", "2", "x"]
        assert data.user_ids.tolist() == [1, 2]

    def test_a_pair_in_both_files_warns(self, write):
        train, test = write("user,item\n1,1\n1,2\n"), write("user,item\n1,2\n1,3\n", "test.csv")
        with pytest.warns(DatasetWarning, match="1 pairs of user and item stand in both"):
            data = from_file(train, test=test)
        assert data.held_out.tolist() == [False, True, True]

    @pytest.mark.parametrize(
        ("train", "test", "message"),
        [
            (
                "user,item,rating\n1,1,5\n",
                "user,item\n1,2\n",
                r"ratings\.csv has a column for rating and .*test\.csv has none",
            ),
            (
                "user,item\n1,1\n",
                "user,item,time\n1,2,3\n",
                r"test\.csv has a column for timestamp and .*ratings\.csv has none",
            ),
            ("user,item\n1,1\n", "user,item\n1,\n", r"test\.csv, line 2: column 'item' is empty"),
        ],
    )
    def test_files_that_do_not_go_together_are_an_error(self, write, train, test, message):
        with pytest.raises(DatasetError, match=message):
            from_file(write(train), test=write(test, "test.csv"))


class TestNotUnderstood:
    @pytest.mark.parametrize(
        ("text", "option"),
        [
            ("196\t242\t3\t881250949\n", "user=1,item=2,rating=3,timestamp=4"),
            ("1::1193::5::978300760\n", "user=1,item=2,rating=3,timestamp=4"),
            ("1,2,3.5\n", "user=1,item=2,rating=3"),
            ("1,2,881250949\n", "user=1,item=2,timestamp=3"),
            ("1|2\n", "user=1,item=2"),
            ("alice,matrix,5\n", "user=1,item=2,rating=3"),
        ],
    )
    def test_without_a_header_the_message_gives_the_option(self, write, text, option):
        path = write(text * 3)
        with pytest.raises(DatasetError, match=rf"line 1: .* holds no usual column names.*--columns {option};"):
            from_file(path)
        columns = {role: int(place) for role, place in (part.split("=") for part in option.split(","))}
        assert len(from_file(path, columns)) == 1

    @pytest.mark.parametrize(
        ("text", "columns", "message"),
        [
            (
                "user,stars\n1,5\n",
                None,
                "has no column for item; its columns are user, stars.*--columns user=user,item=NAME",
            ),
            (
                "user,item,movie\n1,2,3\n",
                None,
                "'item' and 'movie' could each be the item. Say which: --columns item=item",
            ),
            ("user,item,rating,count\n1,2,3,4\n", None, "'rating' and 'count' could each be the rating"),
            ("user,item\n1,2\n", {"rating": "score"}, "has no column 'score' for rating; it has 2: user, item"),
            ("user,item\n1,2\n", {"rating": 3}, "has no column '3' for rating"),
            ("user,item\n1,2\n", {"ratings": "item"}, "--columns knows no 'ratings'. Did you mean 'rating'"),
            ("a,b\n1,2\n", {"user": 1, "item": 1}, "--columns gives one column two roles: user=1, item=1"),
            ("a,b,c,d\n1,2,3,4\n", {"user": 1, "item": 2, "rating": 3, "count": 4}, "names a rating and a count"),
            (
                "who,what,good\na,b,5\n",
                {"user": 1, "item": 2, "rating": 3},
                "line 1: column 3 is 'good', not a number. .* user=who",
            ),
            ("user\n1\n", None, "line 1: 'user' is a single column"),
        ],
    )
    def test_columns_that_do_not_fit_are_named(self, write, text, columns, message):
        with pytest.raises(DatasetError, match=message):
            from_file(write(text), columns)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "is empty"),
            (b"user,item,rating\n", "has a header and no rows"),
            (b"user,item,rating\n1,2,5\n1,3\n", "line 3: 2 fields .* The file is cut off here"),
            (b"user,item,rating\n1,2,5,9\n1,3,1\n", "line 2: 4 fields"),
            (b"user,item,rating\n1,2,good\n", "line 2: column 'rating' is 'good', not a number"),
            (b"user,item,rating\n1,2,nan\n", "line 2: column 'rating' is nan, not a finite"),
            (b"user,item,rating\n1,2,inf\n", "line 2: column 'rating' is inf, not a finite"),
            (b"user,item,rating\n1,2,\n", "line 2: column 'rating' is empty"),
            (b"user,item,rating\n,2,5\n", "line 2: column 'user' is empty"),
            (b"user,item,plays\n1,2,0\n", "line 2: column 'count' is 0, not a count above 0"),
            (b"user,item,time\n1,2,100\n1,3,soon\n", "line 3: column 'timestamp' is 'soon', neither"),
            (b"user,item,time\n1,2,100\n1,3,2020-01-01\n", "line 3: column 'timestamp' .* two ways"),
            (b"user,item\n1,caf\xe9\n", "line 2: byte 0xe9 is not UTF-8"),
            (b"\xe9user,item\n1,2\n", "line 1: byte 0xe9 is not UTF-8"),
            ("user,item\n1,2\n".encode("utf-16"), "UTF-16"),
            (gzip.compress(b"user,item\n" + b"1,2\n" * 500, mtime=0)[:-9], "cannot be unpacked"),
        ],
    )
    def test_a_damaged_file_is_never_loaded(self, write, content, message):
        with pytest.raises(DatasetError, match=rf"ratings\.csv.*{message}"):
            from_file(write(content))

    def test_a_missing_file_is_named(self, tmp_path):
        for name in ("ratings.csv", "ratings.parquet"):
            with pytest.raises(DatasetError, match=f"there is no file .*{name}"):
                from_file(tmp_path / name)


class TestParquet:
    def write(self, tmp_path, **columns):
        pq.write_table(pa.table(columns), tmp_path / "r.parquet")
        return tmp_path / "r.parquet"

    @pytest.mark.parametrize("left", [0.0, 0.4, 0.9, 0.99])
    def test_a_file_that_is_cut_off_is_never_loaded(self, tmp_path, left):
        path = self.write(tmp_path, user=list(range(1000)), item=list(range(1000)))
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * left)])
        with pytest.raises(DatasetError, match=r"r\.parquet is not a whole Parquet file"):
            from_file(path)

    def test_damage_inside_is_never_loaded_silently(self, tmp_path):
        path = self.write(tmp_path, user=list(range(1000)), item=list(range(1000)))
        content = bytearray(path.read_bytes())
        content[4:60] = b"\xff" * 56
        path.write_bytes(content)
        with pytest.raises(DatasetError, match=r"r\.parquet is not a whole Parquet file"):
            from_file(path)

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ({"user": [1, None], "item": [1, 2]}, "row 2: column 'user' is empty"),
            ({"user": [1, 2], "item": ["a", ""]}, "row 2: column 'item' is empty"),
            ({"user": [1, 2], "item": [1, 2], "rating": [1.0, math.nan]}, "row 2: column 'rating' is nan"),
            ({"user": [1, 2], "item": [1, 2], "rating": ["5", "x"]}, "row 2: column 'rating' is 'x', not a number"),
            ({"user": [1, 2], "item": [1, 2], "ts": ["2020-01-01", "x"]}, "row 2: column 'ts' is 'x', neither"),
            ({"user": [1, 2], "item": [1, 2], "rating": [[1], [2]]}, "column 'rating'"),
            ({"user": [1, 2], "thing": [1, 2]}, "has no column for item"),
            ({"user": pa.array([], pa.int64()), "item": pa.array([], pa.int64())}, "has no rows"),
        ],
    )
    def test_a_wrong_value_is_named_with_its_row(self, tmp_path, columns, message):
        with pytest.raises(DatasetError, match=rf"r\.parquet.*{message}"):
            from_file(self.write(tmp_path, **columns))

    def test_whole_numbers_that_pandas_made_floats_are_ids(self, tmp_path):
        data = from_file(self.write(tmp_path, user=[1.0, 2.0], item=[10, 20]))
        assert data.user_ids.tolist() == [1, 2]

    def test_it_is_known_by_its_content_too(self, tmp_path):
        path = self.write(tmp_path, user=[1], item=[2])
        assert len(from_file(path.rename(tmp_path / "ratings.data"))) == 1


def test_the_named_sets_read_the_same_as_files(real):
    from bench.datasets.movielens import ml_latest_small

    folder = real / "ml-latest-small"
    mine, named = from_file(folder / "ratings.csv", titles=folder / "movies.csv"), ml_latest_small()
    assert mine.content_hash == named.content_hash
    assert mine.titles.tolist() == named.titles.tolist()
    columns = {"user": 1, "item": 2, "rating": 3, "timestamp": 4}
    assert len(from_file(real / "ml-100k" / "u.data", columns)) == 100_000
