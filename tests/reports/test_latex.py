"""LaTeX tables."""

import dataclasses
import re
import shutil
import subprocess

import pytest

from reports.latex import escape, latex, leaderboard_latex, write_latex
from reports.table import leaderboards
from reports.uncertainty import uncertainties

ENGINES = [engine for engine in ("pdflatex", "xelatex", "tectonic") if shutil.which(engine)]
CELLS = re.compile(r"(?<!\\)&")


@pytest.fixture(scope="module")
def board(fake):
    results = fake.results(datasets=["ml-1m"])
    (found,) = leaderboards(results, uncertainties(leaderboards(results), lambda result: result, metrics=()))
    return found


def rows_of(table):
    return table[table.index("\\midrule\n") + 9 : table.index("\\bottomrule")].splitlines()


def test_best_values_are_bold_and_the_primary_metric_has_its_interval(board):
    table = leaderboard_latex(board)
    heads = CELLS.split(table.splitlines()[5].removesuffix(" \\\\"))
    assert [head.strip() for head in heads[:4]] == ["Model", "NDCG@10", "95\\% interval", "Recall@10"]
    best = [cell.strip() for cell in CELLS.split(rows_of(table)[0])]
    assert best[0] == "implicit{-}als"
    assert best[1] == f"\\textbf{{{board.text(board.rows[0], board.primary)}}}"
    assert best[2] == board.interval_text(board.rows[0], board.primary).replace("–", "--")
    assert table.count("\\textbf{") == sum(
        board.is_best(row, column) for row in board.rows for column in board.select("accuracy", "ratings")
    )


def test_every_row_has_as_many_cells_as_the_table_has_columns(board):
    table = leaderboard_latex(board)
    (columns,) = re.findall(r"\\begin\{tabular\}\{(l r*)\}".replace(" ", ""), table)
    assert {len(CELLS.split(row)) for row in rows_of(table)} == {len(columns)}
    assert len(rows_of(table)) == len(board.rows)


def test_a_row_like_the_best_is_marked_and_the_caption_says_what_that_means(fake):
    results = [fake.small(model, values) for model, values in (("a", [0.5, 0.9, 0.1]), ("b", [0.6, 0.7, 0.1]))]
    (board,) = leaderboards(results, uncertainties(leaderboards(results), lambda result: result))
    table = leaderboard_latex(board)
    assert "$\\approx$\\,0.4667" in rows_of(table)[1]
    assert "$\\approx$: can't be told from the best" in table


def test_the_caption_names_who_was_not_measured(board):
    assert "surprise{-}svd (skipped)" in leaderboard_latex(board)


def test_letters_with_a_meaning_are_escaped():
    assert (
        escape("50% & a_b #1 $x^2$ {~}") == "50\\% \\& a\\_b \\#1 \\$x\\textasciicircum{}2\\$ \\{\\textasciitilde{}\\}"
    )
    assert escape("\\input{/etc/passwd}") == "\\textbackslash{}input\\{…/passwd\\}".replace("…", "\\ldots{}")
    assert escape("*[x]") == "{*}{[}x{]}"  # behind a line's end these would be arguments of its command
    assert escape("0.1–0.2") == "0.1--0.2"
    assert escape("a--b") == "a{-}{-}b"
    assert escape("ש\0") == "{[}U+05E9{]}{[}U+0000{]}"


def test_hostile_names_give_ascii_with_balanced_braces(fake):
    text = latex(leaderboards(hostile_results(fake)))
    assert text.isascii()
    assert "\0" not in text
    bare = re.sub(r"\\[{}\\%&$#_]", "", text)
    depth = 0
    for letter in bare:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0
    assert max(map(len, text.splitlines())) < 2000
    tables = text.split("\\begin{table}")[1:]
    assert len(tables) == len(fake.hostile)
    for table in tables:
        (columns,) = re.findall(r"\\begin\{tabular\}\{(l r*)\}".replace(" ", ""), table)
        assert {len(CELLS.split(row)) for row in rows_of(table)} == {len(columns)}


@pytest.mark.skipif(not ENGINES, reason="no LaTeX here: pdflatex, xelatex or tectonic")
def test_a_document_with_the_tables_compiles(tmp_path, fake, board):
    write_latex([board, *leaderboards(hostile_results(fake))], tmp_path / "report.tex")
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs}\\extrafloats{100}\\begin{document}\n"
        "\\input{report.tex}\n\\end{document}\n"
    )
    options = [] if ENGINES[0] == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run([ENGINES[0], *options, "paper.tex"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-2000:]


def test_nothing_finished_gives_no_table(tmp_path, fake):
    boards = leaderboards([fake.problem("ml-1m", "x", "skipped", "no")])
    assert "\\begin" not in write_latex(boards, tmp_path / "r.tex").read_text()


def hostile_results(fake):
    texts = [*fake.hostile, "a$b$<script>", "[x", "*", "\\\\ & \\end{tabular}"][: len(fake.hostile)]
    found = []
    for text in texts:
        small = fake.small(text, [0.5])
        found.append(dataclasses.replace(small, cell=dataclasses.replace(small.cell, dataset=text)))
        more = fake.small("a$b$<script> [x * \\\\ & \\end{tabular}", [0.4])
        found.append(dataclasses.replace(more, cell=dataclasses.replace(more.cell, dataset=text)))
    return found
