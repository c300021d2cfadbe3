"""Figures as SVG."""

import dataclasses
import re
import warnings
from itertools import pairwise
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from reports import figures
from reports.figures.counts import activity_figure
from reports.table import leaderboards


@pytest.fixture(scope="module")
def board(fake):
    (found,) = leaderboards(fake.results(datasets=["ml-1m"]))
    return found


@pytest.fixture(scope="module")
def svg(board):
    return figures.to_svg(figures.quality_figure(board, figures.model_styles(row.model for row in board.rows)))


def draw(results):
    (board,) = leaderboards(results)
    figure = figures.quality_figure(board, figures.model_styles(row.model for row in board.rows))
    return figures.to_svg(figure) if figure else None


def test_the_figure_is_xml_and_labels_every_row_as_text(board, svg):
    root = ElementTree.fromstring(svg)
    texts = {"".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {row.label for row in board.rows} <= texts
    assert {"NDCG@10", "seconds to fit, logarithmic"} <= texts


def test_the_same_results_give_the_same_bytes_whatever_the_caller_has_set(fake, svg):
    own = {"font.size": 30, "axes.labelsize": 30, "xtick.major.size": 9, "svg.fonttype": "path", "text.color": "red"}
    with matplotlib.rc_context(own):
        assert draw(fake.results(datasets=["ml-1m"])) == svg
    assert not re.search(r"20\d\d-\d\d-\d\d", svg)


def test_the_caller_s_settings_are_left_as_they_are(fake):
    before = dict(dict.items(matplotlib.rcParams))  # past RcParams' own items(), which chooses a backend
    draw([fake.result("ml-1m", "als")])
    assert dict(dict.items(matplotlib.rcParams)) == before


def test_labels_cover_neither_each_other_nor_points(board):
    assert_labels_are_free(board)


def test_labels_of_a_crowd_move_apart(fake):
    """Six models with nearly the same quality and time."""
    crowd = [fake.result("ml-1m", "als", model=f"model number {place}") for place in range(6)]
    apart = [fake.result("ml-1m", "random"), fake.result("ml-1m", "lightfm-warp")]
    (board,) = leaderboards([*crowd, *apart])
    assert_labels_are_free(board)


def assert_labels_are_free(board):
    """In the boxes that the figure itself reckons with."""
    import matplotlib.text
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = figures.quality_figure(board, figures.model_styles(row.model for row in board.rows))
    FigureCanvasAgg(figure).draw()
    (axes,) = figure.axes
    notes = [child for child in axes.get_children() if isinstance(child, matplotlib.text.Annotation)]
    boxes = [matplotlib.text.Text.get_window_extent(note).get_points().ravel() for note in notes]
    points = axes.transData.transform([note.xy for note in notes])
    frame = axes.get_window_extent()
    assert len(boxes) == len(board.rows)
    for place, (left, bottom, right, top) in enumerate(boxes):
        for other in boxes[:place]:
            assert not (left < other[2] and other[0] < right and bottom < other[3] and other[1] < top)
        for x, y in points:
            assert not (left < x < right and bottom < y < top)
        assert frame.x0 <= left
        assert right <= frame.x1


def test_models_differ_in_colour_and_marker_and_keep_them_in_any_order(fake):
    names = [f"model {place}" for place in range(42)]
    styles = figures.model_styles(names)
    assert len({dataclasses.astuple(style) for style in styles.values()}) == 42
    assert figures.model_styles(reversed(names)) == styles
    neighbours = list(styles.values())
    assert all(a.colour != b.colour and a.marker != b.marker for a, b in pairwise(neighbours))
    assert set(figures.SHAPES) == set(figures.MARKERS)


@pytest.mark.parametrize("background", ["#ffffff", "#f6f8fa", "#0f1317", "#171d23"])
def test_every_colour_has_a_contrast_of_3_to_1_in_light_and_dark(background):
    for colour in figures.COLOURS:
        assert contrast(colour, background) >= 3, colour


def contrast(first, second):
    """The ratio of WCAG 2."""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    parts = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_hostile_names_are_text(fake):
    names = ["<script>alert(1)</script>", "$x^2$ $", "עברית", "🎬", "a\0b", "x" * 300, "]]>", "\"'&amp;"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = draw([fake.result("ml-1m", "als", seed=seed, model=name) for seed, name in enumerate(names)])
    root = ElementTree.fromstring(svg)
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
    texts = {"".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"<script>alert(1)</script>", "$x^2$ $", "ab", "]]>", "\"'&amp;"} <= texts
    assert max(map(len, texts)) <= 40


def test_one_point_and_no_seconds_at_all_are_drawn_or_left_out(fake):
    one = fake.result("ml-1m", "als")
    assert "als" in draw([one])
    assert draw([dataclasses.replace(one, measured={"fit_seconds": 0.0})])
    assert draw([dataclasses.replace(one, measured={})]) is None
    assert draw([dataclasses.replace(one, metrics={})]) is None


def test_the_description_says_in_words_what_the_figure_shows(board):
    words = figures.quality_description(board)
    assert words.startswith("NDCG@10 and time to fit: implicit-als 0.38")
    assert words.count(" in ") == len(board.rows)


def test_an_inlined_figure_follows_the_page_and_shares_no_ids(svg):
    first, second = figures.inline_svg(svg, "one"), figures.inline_svg(svg, "two")
    ids = [set(re.findall(r'\bid="([^"]*)"', text)) for text in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert set(re.findall(r'(?:url\(#|href="#)([^")]*)', first)) <= ids[0]
    assert "currentColor" in first
    assert figures.INK not in first
    assert not re.search(r"<\?xml|<!DOCTYPE|<style|<metadata", first)
    ElementTree.fromstring(first.replace("<svg ", '<svg xmlns:xlink="http://www.w3.org/1999/xlink" ', 1))


@pytest.mark.parametrize(
    ("periods", "labelled"), [(1, [0]), (5, [0, 1, 2, 3, 4]), (8, [0, 2, 4, 6]), (61, [0, 13, 26, 39, 52])]
)
def test_periods_are_labelled_evenly_so_that_no_two_names_touch(periods, labelled):
    figure = activity_figure([f"p{n}" for n in range(periods)], [3] * periods, [1] * periods)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == [f"p{n}" for n in labelled]
