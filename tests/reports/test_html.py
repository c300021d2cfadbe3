"""report.html."""

import dataclasses
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from reports import html
from reports.html import command, render, without_folders, write_html
from reports.store import Store, StoreError
from reports.table import leaderboards

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Document(HTMLParser):
    """The page as a flat list of elements with their texts; complains where tags don't match."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.text = [], [], ""
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
        if not set(self.open) & {"style", "title"}:
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


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

    def test_the_page_asks_for_nothing_and_runs_nothing(self, document, page):
        policy = document.all("meta")[1]
        assert policy["http-equiv"] == "Content-Security-Policy"
        assert policy["content"].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
        assert not document.all("script")
        for _, attributes in document.elements:
            for name, value in attributes.items():
                assert not name.startswith("on")
                if name in ("src", "href", "xlink:href", "action", "data"):
                    assert value.startswith(("#", "data:")), value
        assert not re.search(r"@import|url\((?!#|\"#)|javascript:", page)

    def test_no_absolute_path_is_told(self, page, full_store):
        assert str(full_store.root) not in page
        assert "/home/somebody" not in page
        assert "…/runner.py" in page

    def test_the_answer_comes_first(self, document):
        answer = document.text[document.text.index("In short") :]
        assert re.search(r"On\s+ml-100k, random split,\s+als\s+has the best NDCG@10, 0\.3", answer)
        assert re.search(
            r"On\s+ml-1m, random split,\s+implicit-als\s+has the best NDCG@10, 0\.38\d\d \(mean of 2 seeds\)", answer
        )
        assert "Recommending what is popular gives 0.1" in answer

    def test_every_model_and_every_reason_is_there(self, document, fake):
        for model in fake.models:
            assert document.text.count(model) >= 2
        assert document.text.count("scikit-surprise isn't installed") >= 2
        assert "ModelError: lightfm-bpr: the loss is not finite after epoch 3" in document.text

    def test_titles_history_and_hits_are_shown(self, document):
        assert "Similar to Toy Story (1995)" in document.text
        assert "No list of similar items from popularity, bias, random." in re.sub(r"\s+", " ", document.text)
        assert re.search(r"User 4\s+From the history:\s+Terminator, The \(1984\)", document.text)
        assert document.text.count("hit\n") > 5

    def test_best_values_are_strong_and_only_in_accuracy(self, page):
        leaderboard, beside = re.findall(r"<table>.*?</table>", page[page.index('id="data-1"') :], re.DOTALL)[:2]
        assert leaderboard.count("<strong>") >= 8
        assert "<strong>" not in beside

    def test_it_is_made_for_readers_who_do_not_see_it(self, document):
        ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        levels = [int(tag[1]) for tag, _ in document.elements if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(below - above <= 1 for above, below in pairwise(levels))
        assert len(document.all("table")) == len(document.all("caption"))
        assert all("scope" in heading for heading in document.all("th"))
        for _, attributes in document.elements:
            for name in ("aria-labelledby",):
                assert attributes.get(name, ids[0]) in ids
            if attributes.get("role") == "img":
                assert attributes["aria-label"].startswith("NDCG@10 and time to fit")
        anchors = {link["href"].removeprefix("#") for link in document.all("a")}
        assert anchors <= set(ids)

    def test_it_stays_small(self, page):
        assert len(page) < 300_000

    def test_columns_and_rows_fit_together(self, page):
        for table in re.findall(r"<table>.*?</table>", page, re.DOTALL):
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
        assert re.search(r"svd\s+has the best RMSE, 0\.87", Document(text).text)
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
        text = write_html(full_store, tmp_path / "r.html", users=2, title="A & B").read_text(encoding="utf-8")
        assert re.findall(r"User <bdi>(\d)", text) == ["4", "9"] * 2
        assert "<h1>A &amp; B</h1>" in text


HOSTILE = [
    "<script>alert(1)</script>",
    "</title></style></script><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "{{ 7 * 7 }} {% raw %}",
    "שלום עולם \u202e reversed",
    "🎬 emoji & ' \" quotes",
    "nul \0 bell \a",
    "half \udc80",
    "x" * 10_000,
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, fake):
    """A report in which every text from outside is hostile."""
    folder = tmp_path_factory.mktemp("hostile folder")
    results = []
    for place, text in enumerate(HOSTILE):
        result = fake.result(text, "als", seed=place, split=text, model=text, parameters={text: text}, notes=[text])
        result.measured["environment"] = {text: text, "nested": {text: [text]}}
        result.identity = {"parameters_from": text, "command": text}
        results += [result, fake.problem(text, text, "failed", text + "\n" + text, split=text)]
    titles = (HOSTILE * 10)[: len(fake.titles)]
    store = fake.store(folder, results, titles=titles)
    return write_html(store, folder / "report.html", title=HOSTILE[1])


class TestHostileTexts:
    def test_they_are_text_and_nothing_else(self, hostile):
        text = hostile.read_text(encoding="utf-8")
        document = Document(text)
        assert not document.all("script")
        assert not document.all("img")
        assert not [name for _, attributes in document.elements for name in attributes if name.startswith("on")]
        assert "<script>alert(1)</script>" in document.text
        assert "{{ 7 * 7 }}" in document.text
        assert not re.search(r"[\x00-\x08\x0b-\x1f]", text)

    def test_they_make_the_page_no_monster(self, hostile):
        assert hostile.stat().st_size < 1_500_000

    @pytest.mark.slow
    @pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium to open the page with")
    def test_a_browser_runs_none_of_it_and_the_page_is_no_wider_than_a_phone(self, hostile, tmp_path):
        """The browser's own tree holds no script, and the window needn't be scrolled sideways."""
        probe = tmp_path / "probe.html"
        probe.write_text(
            f'<iframe src="{hostile.as_uri()}" style="width:390px;height:800px" onload="document.title='
            f"'wide '+(this.contentDocument.documentElement.scrollWidth>390)+' scripts '"
            f'+this.contentDocument.scripts.length"></iframe>'
        )
        options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
        ran = subprocess.run(
            ["chromium", *options.split(), "--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'profile'}",
             "--virtual-time-budget=5000", "--dump-dom", probe.as_uri()],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert "<title>wide false scripts 0</title>" in ran.stdout, ran.stderr[-2000:]


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
