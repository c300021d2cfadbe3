"""Leaderboards as markdown."""

from reports.markdown import leaderboard_markdown, markdown, write_markdown
from reports.table import leaderboards


def test_a_leaderboard_is_a_table_with_the_best_values_bold(fake):
    (board,) = leaderboards([fake.result("ml-1m", model) for model in ("als", "popularity", "svd")])
    lines = leaderboard_markdown(board).splitlines()
    assert lines[0].startswith("| model | seeds | NDCG@10 | Recall@10 |")
    assert lines[0].endswith("| fit | Coverage@10 | Gini@10 | Novelty@10 | Popularity@10 | Diversity@10 |")
    assert lines[1].startswith("| --- | ---: |")
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| als", "| popularity", "| svd"]
    assert {line.count("|") for line in lines} == {lines[0].count("|")}
    assert lines[2].split(" | ")[2] == f"**{board.text(board.rows[0], board.primary)}**"
    assert "**" not in lines[3]
    assert lines[4].count("**") == 4  # RMSE and MAE, which only this model has


def test_skipped_and_failed_rows_stand_below_with_their_reason(fake):
    text = markdown(fake.results(datasets=["ml-1m"]))
    assert text.startswith("### ml-1m, random\n\n| model |")
    assert "- surprise-svd: skipped (scikit-surprise isn't installed:" in text
    assert "- lightfm-bpr: failed (ModelError: lightfm-bpr:" in text


def test_names_and_reasons_can_not_become_markup(fake):
    results = [
        fake.result("a|b", "als", model="<b>|*x*|</b>"),
        fake.problem("a|b", "x", "failed", "no | `pipes`\n@team"),
    ]
    text = markdown(results)
    assert "\\<b\\>\\|\\*x\\*\\|\\</b\\>" in text
    assert "no \\| \\`pipes\\`" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1


def test_nothing_finished_and_nothing_at_all_are_said(fake, tmp_path):
    assert "No cell finished." in markdown([fake.problem("ml-1m", "x", "skipped", "no")])
    assert write_markdown([], tmp_path / "r.md").read_text() == "No results.\n"
