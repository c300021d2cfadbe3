"""The map of the items as the page is told of it."""

import base64

import numpy as np

from reports.item_map import GENRE_COLOURS, GENRE_SHAPES, N_GENRES, genre_numbers, main_genres, packed


def unpacked(text):
    """What the page's script does."""
    content = base64.b64decode(text)
    words = [int.from_bytes(content[at : at + 3], "big") for at in range(0, len(content), 3)]
    return np.array([(word >> 12, word & 4095) for word in words])


def test_places_come_back_within_a_pixel_and_keep_their_shape():
    rng = np.random.default_rng(5)
    places = rng.standard_normal((200, 2)).astype(np.float32) * [30, 3] + [1000, -5]
    levels = unpacked(packed(places.astype(np.float32)))
    assert (levels[:, 0].min(), levels[:, 0].max()) == (0, 4095)
    scale = 4095 / np.ptp(places[:, 0])
    for axis in (0, 1):
        np.testing.assert_allclose(np.diff(levels[:, axis]), np.diff(places[:, axis]) * scale, atol=1.5)
    assert len(packed(places.astype(np.float32))) == 4 * len(places)


def test_one_place_is_in_the_middle():
    assert abs(unpacked(packed(np.full((3, 2), 7, np.float32))) - 2047.5).max() <= 0.5


def test_the_most_frequent_genres_have_colours_and_the_rest_is_other():
    genres = {item: [f"g{item % 10}"] for item in range(45)}
    main = main_genres(genres)
    assert main == ("g0", "g1", "g2", "g3", "g4", "g5", "g6", "other")
    assert len(main) == N_GENRES + 1 == len(GENRE_COLOURS) == len(GENRE_SHAPES)
    assert genre_numbers([0, 6, 7, 99], genres, main) == [0, 6, 7, 7]


def test_an_item_has_the_colour_of_its_rarest_main_genre():
    genres = {0: ["Drama", "War"], 1: ["Drama"], 2: ["Drama"]}
    assert main_genres(genres) == ("Drama", "War")
    assert genre_numbers([0, 1], genres, ("Drama", "War")) == [1, 0]


def test_without_genres_there_is_one_colour():
    assert main_genres({0: [], 1: []}) == main_genres({}) == ()
    assert genre_numbers([0, 1], {}, ()) == [0, 0]
