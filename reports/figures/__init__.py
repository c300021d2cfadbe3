"""Figures as SVG: the same bytes for the same results, safe for colour-blind readers, text left as text."""

from reports.figures.counts import activity_figure, long_tail_figure, ratings_figure, users_figure
from reports.figures.curves import curves_figure
from reports.figures.facets import facets_figure
from reports.figures.matrix import overlap_figure
from reports.figures.points import beside_figure, quality_description, quality_figure
from reports.figures.style import COLOURS, INK, LINE, MARKERS, SETTINGS, SHAPES, Style, model_styles
from reports.figures.svg import inline_svg, to_svg

__all__ = [
    "COLOURS",
    "INK",
    "LINE",
    "MARKERS",
    "SETTINGS",
    "SHAPES",
    "Style",
    "activity_figure",
    "beside_figure",
    "curves_figure",
    "facets_figure",
    "inline_svg",
    "long_tail_figure",
    "model_styles",
    "overlap_figure",
    "quality_description",
    "quality_figure",
    "ratings_figure",
    "to_svg",
    "users_figure",
]
