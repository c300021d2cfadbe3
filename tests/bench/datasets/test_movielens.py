"""The three MovieLens sets: whole and right on real data, and an error on every damaged file."""

import warnings

import numpy as np
import pytest

from bench.datasets.errors import DatasetError, DatasetWarning
from bench.datasets.movielens import ml_1m, ml_100k, ml_latest_small

LOADERS = {"ml-100k": ml_100k, "ml-1m": ml_1m, "ml-latest-small": ml_latest_small}
RATINGS = {"ml-100k": "u.data", "ml-1m": "ratings.dat", "ml-latest-small": "ratings.csv"}
TITLES = {"ml-100k": "u.item", "ml-1m": "movies.dat", "ml-latest-small": "movies.csv"}

every_set = pytest.mark.parametrize("name", LOADERS)


@pytest.fixture
def damage(own_data):
    """damage(name, file, old, new): replace bytes in a file of the small copies."""

    def replace(name, file, old, new):
        path = own_data / name / file
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new))
        return path

    return replace


@every_set
def test_small_copies_are_read_whole(own_data, name):
    with pytest.warns(DatasetWarning, match=f"{name} in .* has 3 rows, 2 users and 2 items; the official set has"):
        data = LOADERS[name]()
    assert data.name == name
    assert data.user_ids.tolist() == [1, 2]
    assert data.users.tolist() == [0, 0, 1]
    assert data.items.tolist() == [0, 1, 1]
    assert data.timestamps.tolist() == [100, 200, 300]
    assert data.relevance_threshold == 4
    assert data.held_out is None


@pytest.mark.filterwarnings("ignore::bench.datasets.errors.DatasetWarning")
class TestSmall:
    def test_100k_reads_latin_1_titles_and_genre_flags(self, own_data):
        data = ml_100k()
        assert data.titles.tolist() == ["Toy Story (1995)", "Misérables, Les (1995)"]
        assert data.genres == (("Animation", "Comedy"), ())

    def test_1m_reads_latin_1_titles_and_only_those_of_rated_films(self, own_data):
        data = ml_1m()
        assert data.titles.tolist() == ["Toy Story (1995)", "Misérables, Les (1995)"]
        assert data.genres == (("Animation", "Comedy"), ("Drama",))

    def test_latest_small_reads_quoted_utf_8_titles(self, own_data):
        data = ml_latest_small()
        assert data.titles.tolist() == ["American President, The (1995)", '"Great" Misérables (1995)']
        assert data.genres == (("Comedy", "Drama"), ())
        assert data.ratings.tolist() == [5, 0.5, 4.5]
        assert data.rating_scale == (0.5, 5)

    @pytest.mark.parametrize("name", ["ml-100k", "ml-1m"])
    def test_a_copy_that_was_saved_as_utf_8_keeps_its_accents(self, own_data, name):
        path = own_data / name / TITLES[name]
        path.write_bytes(path.read_bytes().decode("latin-1").encode("utf-8"))
        assert LOADERS[name]().titles[1] == "Misérables, Les (1995)"

    @pytest.mark.parametrize("name", ["ml-100k", "ml-1m"])
    def test_windows_line_ends_change_nothing(self, own_data, name):
        before = LOADERS[name]()
        for path in (own_data / name).iterdir():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        after = LOADERS[name]()
        assert after.content_hash == before.content_hash
        assert after.titles.tolist() == before.titles.tolist()
        assert after.genres == before.genres


@every_set
class TestDamaged:
    @pytest.mark.parametrize("what", [RATINGS, TITLES])
    def test_a_missing_file_is_named(self, own_data, name, what):
        (own_data / name / what[name]).unlink()
        with pytest.raises(DatasetError, match=f"{name} lacks {what[name]}"):
            LOADERS[name]()

    @pytest.mark.parametrize("what", [RATINGS, TITLES])
    @pytest.mark.parametrize("content", [b"", b"\n \n"])
    def test_an_empty_file_is_named(self, own_data, name, what, content):
        (own_data / name / what[name]).write_bytes(content)
        with pytest.raises(DatasetError, match=f"{what[name]} is empty. Get the file again"):
            LOADERS[name]()

    @pytest.mark.parametrize("what", [RATINGS, TITLES])
    @pytest.mark.parametrize("left", [0.3, 0.55, 0.8, 0.97])
    def test_a_file_that_is_cut_off_is_never_loaded(self, own_data, name, what, left):
        path = own_data / name / what[name]
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * left)])
        with pytest.raises(DatasetError, match=path.name):
            LOADERS[name]()

    def test_a_file_cut_within_its_last_number_is_cut_off(self, own_data, name):
        path = own_data / name / RATINGS[name]
        path.write_bytes(path.read_bytes().rstrip(b"\r\n0"))
        with pytest.raises(DatasetError, match=r", line \d: the last line has no end .*The file is cut off"):
            LOADERS[name]()

    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            (b"x", "is 'x', not a number"),
            (b"", "is empty"),
            (b"nan", "is nan, not a finite number"),
            (b"inf", "is inf, not a finite number"),
            (b"6", "is 6, not from (1|0.5) to 5"),
            (b"0", "is 0, not from (1|0.5) to 5"),
            (b"4_0", "is '4_0', not a number"),
        ],
    )
    def test_a_wrong_rating_is_named_with_its_line(self, damage, name, value, problem):
        old, line = {"ml-100k": (b"2\t2\t4\t", 3), "ml-1m": (b"2::2::4::", 3), "ml-latest-small": (b"2,2,4.5,", 4)}[
            name
        ]
        separator = {"ml-100k": b"\t", "ml-1m": b"::", "ml-latest-small": b","}[name]
        path = damage(name, RATINGS[name], old, separator.join([b"2", b"2", value, b""]))
        with pytest.raises(DatasetError, match=f"{path}, line {line}: column 'rating' {problem}"):
            LOADERS[name]()

    @pytest.mark.parametrize("value", [b"x", b"1.5", b"", b"99999999999999999999"])
    def test_a_wrong_id_is_named_with_its_line(self, damage, name, value):
        old, line = {"ml-100k": (b"1\t2\t3", 2), "ml-1m": (b"1::2::3", 2), "ml-latest-small": (b"1,2,0.5", 3)}[name]
        damage(name, RATINGS[name], old, value + old[1:])
        with pytest.raises(DatasetError, match=f"line {line}: column 'user' is"):
            LOADERS[name]()

    def test_a_field_too_many_is_named_with_its_line(self, damage, name):
        separator = {"ml-100k": b"\t", "ml-1m": b"::", "ml-latest-small": b","}[name]
        path = damage(name, RATINGS[name], b"200", b"200" + separator + b"7")
        line = 3 if name == "ml-latest-small" else 2
        with pytest.raises(
            DatasetError, match=rf"{path}, line {line}: 5 fields \(.*\) where 4 belong. Correct the line"
        ):
            LOADERS[name]()

    def test_utf_16_is_named(self, own_data, name):
        path = own_data / name / RATINGS[name]
        path.write_bytes(path.read_bytes().decode().encode("utf-16"))
        with pytest.raises(DatasetError, match="line 1: the text is UTF-16"):
            LOADERS[name]()

    def test_a_rated_item_without_a_title_is_an_error(self, own_data, name):
        path = own_data / name / TITLES[name]
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(line for line in lines if not line.startswith(b"2")))
        with pytest.raises(DatasetError, match=f"{TITLES[name]} has no line for 1 of the items, the first of them 2"):
            LOADERS[name]()

    def test_a_title_without_an_id_is_named_with_its_line(self, own_data, name):
        path = own_data / name / TITLES[name]
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([*lines[:-1], b"x" + lines[-1]]))
        with pytest.raises(DatasetError, match=rf", line {len(lines)}: item id 'x\d' is not a whole number"):
            LOADERS[name]()


def test_latest_small_wants_its_header(damage):
    damage("ml-latest-small", "ratings.csv", b"userId,movieId,rating,timestamp\r\n", b"")
    with pytest.raises(
        DatasetError, match=r"line 1: '1,1,5\.0,100' where the header 'userId,movieId,rating,timestamp' belongs"
    ):
        ml_latest_small()


def test_latest_small_in_another_encoding_is_named(damage):
    damage("ml-latest-small", "movies.csv", b"\xc3\xa9", b"\xe9")
    with pytest.raises(DatasetError, match=r"movies\.csv, line 3: byte 0xe9 is not UTF-8 .*iconv"):
        ml_latest_small()


def test_latest_small_with_a_stray_quote_is_named(damage):
    damage("ml-latest-small", "movies.csv", b'""Great""', b'"Great"')
    with pytest.raises(DatasetError, match=r"movies\.csv, line 3: .*double quote"):
        ml_latest_small()


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("ml-100k", (100_000, 943, 1_682)),
        ("ml-1m", (1_000_209, 6_040, 3_706)),
        ("ml-latest-small", (100_836, 610, 9_724)),
    ],
)
def test_the_real_sets_are_whole(real, name, counts):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = LOADERS[name]()
    assert (len(data), data.n_users, data.n_items) == counts
    assert data.titles[0] == "Toy Story (1995)"
    assert "Animation" in data.genres[0]
    assert "" not in data.titles
    assert data.ratings.min() == data.rating_scale[0]
    assert data.ratings.max() == data.rating_scale[1] == 5
    assert 8e8 < data.timestamps.min() < data.timestamps.max() < 2e9
    assert any("Misérables, Les" in title for title in data.titles)


def test_the_ratings_of_1m_are_the_official_ones(real):
    counts = np.bincount(ml_1m().ratings.astype(int))
    assert counts.tolist() == [0, 56_174, 107_557, 261_197, 348_971, 226_310]


def test_rows_keep_the_files_order(real):
    data = ml_100k()
    columns = (data.user_ids[data.users], data.item_ids[data.items], data.ratings)
    assert [column[:3].tolist() for column in columns] == [[196, 186, 22], [242, 302, 377], [3, 3, 1]]
