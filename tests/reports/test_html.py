"""report.html."""

import dataclasses
import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from reports import html
from reports.html import command, render, without_folders, write_html
from reports.person import LONGEST_TITLE
from reports.scripts import scripts
from reports.store import Store, StoreError
from reports.table import leaderboards

ORDER = ["answer", "leaderboards", "trade", "differences", "beside", "person", "data", "speed", "settings", "reading"]
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Document(HTMLParser):
    """The page as a flat list of elements with their texts; complains where tags don't match."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.scripts, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif not set(self.open) & {"style", "title"}:
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def data_blocks(page):
    return [
        json.loads(text) for text in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    ]


@pytest.fixture(scope="module")
def page(full_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    return write_html(full_store, path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def document(page):
    return Document(page)


def report_of(results, folder, fake, **changes):
    store = fake.store(folder, results, **changes)
    return write_html(store, folder / "report.html").read_text(encoding="utf-8")


class TestPage:
    def test_deleting_a_report_and_making_it_again_gives_the_same_bytes(self, full_store, tmp_path, page):
        again = write_html(full_store, tmp_path / "another name.html").read_text(encoding="utf-8")
        assert again == page

    def test_the_page_asks_for_nothing_and_runs_its_own_scripts_only(self, document, page):
        policy = document.all("meta")[1]
        assert policy["http-equiv"] == "Content-Security-Policy"
        runs = [text for kind, text in zip(document.all("script"), document.scripts, strict=True) if "type" not in kind]
        hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in runs]
        assert len(hashes) == 2
        assert policy["content"].split("; ") == [
            "default-src 'none'",
            "script-src " + " ".join(f"'sha256-{one}'" for one in hashes),
            "style-src 'unsafe-inline'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
        assert {kind.get("type", "application/json") for kind in document.all("script")} == {"application/json"}
        assert not [kind for kind in document.all("script") if "src" in kind]
        for _, attributes in document.elements:
            for name, value in attributes.items():
                assert not name.startswith("on")
                if name in ("src", "href", "xlink:href", "action", "data"):
                    assert value.startswith(("#", "data:")), value
        markup = page[: page.index("<script>")]
        assert not re.search(r"@import|url\((?!#|\"#)|javascript:", markup)

    def test_no_absolute_path_is_told(self, page, full_store):
        assert str(full_store.root) not in page
        assert "/home/somebody" not in page
        assert "…/runner.py" in page

    def test_the_answer_comes_first(self, document):
        answer = document.text[document.text.index("In short") :]
        words = re.sub(r"\s+", " ", answer)
        assert re.match(
            r"In short On ml-100k, random split, take \w[\w-]*\. Its NDCG@10, 0\.3\d\d\d \(95% interval ", words
        )
        assert re.search(
            r"On ml-1m, random split, take \w[\w-]*\. Its NDCG@10, 0\.3\d+ \(.*?, mean of 2 seeds\)", words
        )
        assert re.search(r"It takes \S+ m?s to fit, \S+ m?s to list for all users and \S+ MB of memory\.", words)
        assert "Recommending what is popular gives 0.1" in answer
        assert words.index("Sanity checks") < words.index("Leaderboards")

    def test_the_sections_stand_in_the_order_of_a_reader_s_questions(self, page):
        found = re.findall(r'<h2 id="(\w+)"', page)
        assert found == [name for name in ORDER if name in found]
        assert {"answer", "leaderboards", "trade", "person", "data", "settings", "reading"} <= set(found)
        assert {"differences", "beside"} <= set(found)

    def test_every_model_and_every_reason_is_there(self, document, fake):
        for model in fake.models:
            assert document.text.count(model) >= 2
        assert document.text.count("scikit-surprise isn't installed") >= 2
        assert "ModelError: lightfm-bpr: the loss is not finite after epoch 3" in document.text

    def test_titles_history_and_hits_are_shown(self, document):
        assert "Similar to Toy Story (1995)" in document.text
        assert "No list of similar items from popularity, bias, random." in re.sub(r"\s+", " ", document.text)
        assert re.search(r"User 4\s+The best rated\s+of the training history; 6 relevant held out", document.text)
        assert re.search(r"hit\.\s+Terminator, The \(1984\)", document.text)
        assert document.text.count("hit\n") > 5

    def test_the_script_has_every_user_s_lists_with_each_title_once(self, page, fake):
        block = data_blocks(page)[1]
        assert len(block["titles"]) == len(set(block["titles"])) == len(fake.titles)
        first, second = block["users"]
        assert [block["titles"][item] for item in second["history"]] == fake.titles[:3]
        assert (second["ratings"], first["heldOut"]) == ([5.0, 4.0, 3.5], 6)
        assert all(len(of_model) == 10 for of_model in first["lists"])
        assert {item for of_model in first["lists"] for item in of_model} >= set(first["hits"])
        assert len(first["lists"]) == len(fake.models) == len(block["similar"][0]["lists"])
        assert len(block["map"]["models"]) == len(fake.models) - 3

    def test_every_metric_at_every_cut_off_can_be_chosen(self, document, page):
        board = page[page.index('id="data-2-1-board"') :]
        headings = re.findall(
            r'<th scope="col" class="(m\d+(?: k\d)?)"[^>]*>([^<]+)</th>', board[: board.index("</thead>")]
        )
        titles = [title for _, title in headings]
        assert {"NDCG@5", "NDCG@10", "NDCG@20", "AUC", "RMSE", "Gini@5", "Fit", "Peak memory"} <= set(titles)
        boxes = re.findall(r'<input type="checkbox" class="p(m\d+|k\d+)"( checked)?>', board[: board.index("<table")])
        assert {name for names, _ in headings for name in names.split()} == {name for name, _ in boxes}
        shown = {name for name, checked in boxes if checked}
        assert [title for names, title in headings if set(names.split()) <= shown] == [
            "NDCG@10", "Recall@10", "AUC", "RMSE", "Fit", "All lists", "Peak memory"
        ]  # fmt: skip
        for name in shown:
            assert f".board:has(.p{name}:not(:checked)) .{name} " in page

    def test_best_values_are_strong_and_only_in_accuracy(self, page):
        leaderboard = re.search(r'<table class="leaders".*?</table>', page, re.DOTALL)[0]
        names = re.findall(r"<th [^>]*>([^<]+)</th>", leaderboard[: leaderboard.index("</thead>")])
        rows = [re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL) for row in leaderboard.split("<tr>")[2:]]
        strong = {name for row in rows for name, cell in zip(names, row, strict=True) if "<strong>" in cell}
        assert {"NDCG@5", "Recall@20", "AUC", "RMSE", "MAE"} <= strong
        assert not strong & {"Coverage@10", "Gini@10", "Novelty@10", "Diversity@5", "Fit", "Peak memory"}

    def test_it_is_made_for_readers_who_do_not_see_it(self, document, page, fake):
        ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        levels = [int(tag[1]) for tag, _ in document.elements if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(below - above <= 1 for above, below in pairwise(levels))
        assert len(document.all("table")) == len(document.all("caption"))
        assert all("scope" in heading for heading in document.all("th"))
        assert page.count('role="img"><title>95%: 0') == 2 * len(fake.models)
        for tag, attributes in document.elements:
            for name in ("aria-labelledby",):
                assert attributes.get(name, ids[0]) in ids
            if attributes.get("role") == "img":
                assert len(attributes.get("aria-label", "")) > 30 or tag in ("svg", "canvas")
        anchors = {link["href"].removeprefix("#") for link in document.all("a")}
        assert anchors <= set(ids)

    def test_it_stays_small(self, page):
        assert len(page) < 1_000_000 + sum(map(len, scripts()))

    def test_columns_and_rows_fit_together(self, page):
        for table in re.findall(r"<table.*?</table>", page, re.DOTALL):
            widths = set()
            for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL):
                cells = re.findall(r"<t[hd]\b([^>]*)>", row)
                spans = [re.search(r'colspan="(\d+)"', cell) for cell in cells]
                widths.add(sum(int(span[1]) if span else 1 for span in spans))
            assert len(widths) == 1, table[:300]


class TestEdges:
    def test_an_empty_folder_gives_a_page_that_says_so(self, tmp_path):
        text = write_html(Store(tmp_path / "none"), tmp_path / "report.html").read_text(encoding="utf-8")
        assert "nothing was run yet" in Document(text).text

    def test_nothing_finished_is_said(self, tmp_path, fake):
        results = [fake.problem("ml-1m", "als", "failed", "broke"), fake.problem("ml-1m", "x", "skipped", "absent")]
        text = Document(report_of(results, tmp_path, fake)).text
        assert "nothing was measured: no model finished (2 failed or skipped)" in text
        assert "broke" in text

    def test_ratings_only_are_sorted_by_rmse(self, tmp_path, fake):
        svd, bias = fake.result("toy", "svd"), fake.result("toy", "bias")
        for result in (svd, bias):
            result.metrics = {name: result.metrics[name] for name in ("rmse", "mae")}
        text = report_of([svd, bias], tmp_path, fake)
        assert re.search(r"take\s+svd\.\s+Its RMSE, 0\.87", Document(text).text)
        assert 'aria-sort="ascending"' in text

    def test_without_a_stored_data_set_the_rest_is_there(self, tmp_path, fake):
        store = Store(tmp_path / "results")
        store.write(fake.result("toy", "als"))
        text = Document(write_html(store, tmp_path / "report.html").read_text(encoding="utf-8")).text
        assert "Similar to item number 0" in text
        assert "Licence" not in text

    def test_cold_users_have_a_table_and_rows_on_other_seeds_a_warning(self, tmp_path, fake):
        results = [fake.result("toy", "als", "temporal", 0), fake.result("toy", "ease", "temporal", 1)]
        text = Document(report_of(results, tmp_path, fake)).text
        assert "Cold users included" in text
        assert "rest on different split seeds" in text

    def test_a_broken_cell_is_named(self, tmp_path, fake):
        store = fake.store(tmp_path / "results", [fake.result("toy", "als")])
        path = next(tmp_path.rglob("lists.parquet"))
        path.write_bytes(b"PAR1")
        with pytest.raises(StoreError, match=r"lists\.parquet"):
            write_html(store, tmp_path / "report.html")
        assert not (tmp_path / "report.html").exists()

    def test_many_users_are_shown_when_asked_for(self, full_store, tmp_path):
        text = write_html(full_store, tmp_path / "r.html", users=1, title="A & B").read_text(encoding="utf-8")
        assert [len(block["users"]) for block in data_blocks(text)] == [1, 1]
        text = write_html(full_store, tmp_path / "r.html", users=2, title="A & B").read_text(encoding="utf-8")
        assert re.findall(r"<option>(\d)</option>", text) == ["4", "9"] * 2
        assert "<h1>A &amp; B</h1>" in text


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, fake):
    return fake.hostile_report(tmp_path_factory.mktemp("hostile folder"))


class TestHostileTexts:
    def test_they_are_text_and_nothing_else(self, hostile):
        text = hostile.read_text(encoding="utf-8")
        document = Document(text)
        assert [kind.get("type") for kind in document.all("script")].count(None) == len(scripts())
        assert not document.all("img")
        assert not [name for _, attributes in document.elements for name in attributes if name.startswith("on")]
        assert "<script>alert(1)</script>" in document.text
        assert "{{ 7 * 7 }}" in document.text
        assert not re.search(r"[\x00-\x08\x0b-\x1f]", text)

    def test_the_script_is_given_them_as_they_are(self, hostile, fake):
        blocks = data_blocks(hostile.read_text(encoding="utf-8"))
        assert len(blocks) == len(fake.hostile)
        for block in blocks:
            assert fake.hostile[0] in block["titles"]
            assert fake.hostile[2] in block["map"]["genres"] + [block["titles"][2]]
            assert max(map(len, block["titles"])) <= LONGEST_TITLE

    def test_they_make_the_page_no_monster(self, hostile):
        assert hostile.stat().st_size < 1_500_000


class TestWords:
    @pytest.mark.parametrize(
        ("text", "shortened"),
        [
            ('File "/home/me/x/runner.py", line 3', 'File "…/runner.py", line 3'),
            ("--dataset /data/my.csv", "--dataset …/my.csv"),
            ("path=/a/b/c file:///a/b", "path=…/c file://…/b"),
            ("https://example.org/a/b", "https://example.org/a/b"),
            ("AC/DC, 1/2, a / b, ../x/y, /", "AC/DC, 1/2, a / b, ../x/y, /"),
        ],
    )
    def test_absolute_paths_lose_their_folders(self, text, shortened):
        assert without_folders(text) == shortened

    def test_the_command_gives_the_last_cell_again(self, fake):
        results = [fake.result("my data.csv", "als", split="random:test_fraction=0.3", seed=seed) for seed in (0, 2)]
        row = leaderboards(results)[0].rows[0]
        assert command(row) == (
            "python -m bench run --dataset 'my data.csv' --split random:test_fraction=0.3 --models als --seeds 3 "
            "--model-seeds 1 --set als.alpha=10.0 --set als.factors=128 --set als.iterations=15 "
            "--set als.regularization=100.0"
        )

    def test_a_stored_command_is_taken(self, fake):
        stored = dataclasses.replace(fake.result("toy", "als"), identity={"command": ["bench", "run", "a b"]})
        assert command(leaderboards([stored])[0].rows[0]) == "bench run 'a b'"

    def test_several_environments_are_all_named(self, fake):
        first, second = fake.result("toy", "als"), fake.result("toy", "ease")
        second.measured["environment"] = {"python": "3.11", "pools": ["a", "b"], "commit": "", "nothing": None}
        page = html.make_page([first, second], lambda cell: None)
        assert dict(page.environment)["python"] == "3.11; 3.12.4"
        assert dict(page.environment)["pools"] == "a, b"
        assert not {"commit", "nothing"} & set(dict(page.environment))
        assert "3.11; 3.12.4" in render(page)
