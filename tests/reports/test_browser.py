"""report.html in a real browser, as a reader has it: a file opened without a network."""

import base64
import json
import os
import re
import shutil
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import pytest

from reports.html import write_html

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-extensions --disable-default-apps"
)
PHONE, DESKTOP = 360, 1440

pytestmark = pytest.mark.xdist_group("browser")  # with --dist loadgroup: one browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Headless Chromium that tells of every request and every complaint."""
    missing = [path for path in (CHROMIUM, DRIVER) if not shutil.which(path)]
    if not find_spec("selenium"):
        missing.append("selenium")
    if missing:
        told = f"no {' and no '.join(missing)}: apt-get install chromium chromium-driver; pip install selenium"
        (pytest.fail if os.environ.get("BROWSER_REQUIRED") else pytest.skip)(told)  # CI doesn't pass without a browser
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(DRIVER)  # by its path: nothing is looked for, nothing downloaded
    with webdriver.Chrome(options=options, service=service) as driver:
        yield driver


@pytest.fixture(scope="module")
def report(full_store, tmp_path_factory):
    return write_html(full_store, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="module")
def hostile(fake, tmp_path_factory):
    return fake.hostile_report(tmp_path_factory.mktemp("my ratings, 2nd copy"))


@pytest.fixture
def page(browser, report):
    """The page, its tables set up: on a busy machine that may come after the page is there."""
    opened = open_page(browser, report)
    assert becomes_true(opened, lambda: every(opened, "#data-1-1-board .dt-column-order[tabindex='0']"))
    return opened


def open_page(browser, path, width=DESKTOP, scheme="light"):
    """The page at a width, in a colour scheme; what was logged before is forgotten."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 2, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(path.as_uri())
    return browser


def one(root, selector):
    return root.find_element("css selector", selector)


def every(root, selector):
    return root.find_elements("css selector", selector)


def models(page, board="#data-1-1-board"):
    """The names in a leaderboard's first column that can be seen, from top to bottom."""
    return [cell.text for cell in every(page, f"{board} tbody th[scope=row]") if cell.is_displayed()]


def headings(page, board="#data-1-1-board"):
    return [cell.text for cell in every(page, f"{board} thead th") if cell.is_displayed()]


def choose(page, selector, text):
    """Take an option of a select element as a keyboard would: a change event follows."""
    for option in every(one(page, selector), "option"):
        if option.text == text:
            option.click()
            return
    raise AssertionError(f"{selector} has no option {text!r}")


def complaints(page):
    return [entry["message"] for entry in page.get_log("browser")]


def requests(page):
    """Every address that was asked for since the page was opened."""
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    return [told["params"]["request"]["url"] for told in messages if told["method"] == "Network.requestWillBeSent"]


def paint(page):
    """What the map's canvas shows: a hash of its pixels, and how many are not empty."""
    script = """
    const canvas = document.querySelector(arguments[0] + " canvas");
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let painted = 0;
    for (let at = 3; at < pixels.length; at += 4) painted += pixels[at] > 0;
    return [canvas.toDataURL(), painted, canvas.width / canvas.clientWidth];
    """
    data, painted, ratio = page.execute_script(script, "#data-1-map-box")
    return sha256(data.encode()).hexdigest(), painted, ratio


def faults(page):
    """Serious and critical faults that axe-core finds, with the first element of each."""
    page.execute_script(AXE.read_text(encoding="utf-8"))
    found = page.execute_async_script(
        "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then("
        "(result) => done(result.violations), (error) => done([{impact: 'critical', id: String(error), nodes: []}]));"
    )
    serious = [fault for fault in found if fault["impact"] in ("serious", "critical")]
    return [(fault["id"], [node["html"][:200] for node in fault["nodes"][:2]]) for fault in serious]


def is_wider_than_the_window(page):
    script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return page.execute_script(script) > 0


def becomes_true(page, question):
    """Whether the page comes to it: a table is sorted a moment after the click."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(page, 10, poll_frequency=0.02).until(lambda _: question())
    return True


# Leaderboards


def test_a_click_on_a_heading_sorts_by_it_and_what_has_no_figure_stays_last(page):
    assert models(page)[0] != "random"
    heading = next(cell for cell in every(page, "#data-1-1-board thead th") if cell.text == "RMSE")
    heading.click()
    assert becomes_true(page, lambda: models(page)[:2] == ["svd", "bias"])
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.click()
    assert becomes_true(page, lambda: models(page)[:2] == ["bias", "svd"])
    fit = next(cell for cell in every(page, "#data-1-1-board thead th") if cell.text == "Fit")
    fit.click()
    assert becomes_true(page, lambda: (models(page)[0], models(page)[-1]) == ("random", "lightfm-warp"))


def test_a_heading_is_sorted_by_with_the_keyboard(page):
    button = every(page, "#data-1-1-board .dt-column-order[tabindex='0']")[0]
    page.execute_script("arguments[0].focus()", button)
    assert becomes_true(page, lambda: page.switch_to.active_element == button)
    button.send_keys("\ue007")
    assert becomes_true(page, lambda: models(page) == sorted(models(page)))


def test_the_filter_leaves_the_models_with_these_letters_and_says_how_many(page):
    total = len(models(page))
    box = one(page, "#data-1-1-board .filter input")
    box.send_keys("als")
    assert models(page) == [name for name in models(page) if "als" in name] != []
    count = one(page, "#data-1-1-board [role=status]")
    assert count.text == f"{len(models(page))} of {total} models"
    box.send_keys("\ue003" * 3)
    assert (len(models(page)), count.text) == (total, "")
    box.send_keys("no such model")
    assert "No model has this in its name" in one(page, "#data-1-1-board").text


def test_the_reader_chooses_metrics_and_cut_offs(page):
    before = headings(page)
    assert {"NDCG@10", "Recall@10", "Fit"} <= set(before)
    assert not {"NDCG@5", "MRR@10"} & set(before)
    one(page, "#data-1-1-board .chooser summary").click()
    for text in ("MRR", "5"):
        label = next(label for label in every(page, "#data-1-1-board .choices label") if label.text == text)
        label.click()
    assert {"NDCG@5", "NDCG@10", "MRR@5", "MRR@10"} <= set(headings(page))
    mrr = next(cell for cell in every(page, "#data-1-1-board thead th") if cell.text == "MRR@5")
    mrr.click()
    assert becomes_true(page, lambda: mrr.get_attribute("aria-sort") == "descending")
    assert headings(page, "#data-2-1-board") == before  # another leaderboard keeps its own


def test_one_data_set_alone_can_be_shown(page):
    choose(page, "#board-choice", "ml-1m, random")
    hidden = {part.get_attribute("data-of"): part.is_displayed() for part in every(page, "main section[data-of]")}
    assert {of for of, shown in hidden.items() if shown} == {"data-2-1"}
    choose(page, "#board-choice", "all data sets")
    assert all(part.is_displayed() for part in every(page, "main section[data-of]"))


# A person's view


def test_another_user_has_another_history_and_other_lists(page):
    before = [entry.text for entry in every(page, "#data-1-user-box .card")]
    choose(page, "#data-1-user-box select", "9")
    after = [entry.text for entry in every(page, "#data-1-user-box .card")]
    assert all(one != other for one, other in zip(before, after, strict=True))
    history = [entry.text for entry in every(page, "#data-1-user-box .history li")]
    assert history == ["Toy Story (1995)\n5", "Toy Story 2 (1999)\n4", "Bug's Life, A (1998)\n3.5"]
    hits = [int(entry.text.split()[0]) for entry in every(page, "#data-1-user-box .hits")]
    assert sum(hits) == len(every(page, "#data-1-user-box .card li.hit")) > 0
    choose(page, "#data-1-user-box select", "4")
    assert [entry.text for entry in every(page, "#data-1-user-box .card")] == before


def test_another_title_has_other_similar_ones(page):
    before = [entry.text for entry in every(page, "#data-1-similar-box .card")]
    choose(page, "#data-1-similar-box select", "Godfather, The (1972)")
    assert one(page, "#data-1-similar").text == "Similar to Godfather, The (1972)"
    assert [entry.text for entry in every(page, "#data-1-similar-box .card")] != before
    assert "popularity" in one(page, "#data-1-similar-box .silent").text


def hover(page, places, size=12):
    """Move over the canvas until something is told; what is told."""
    canvas, tip = one(page, "#data-1-map-box canvas"), one(page, "#data-1-map-box .tip")
    page.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", canvas)
    box = page.execute_script("const b = arguments[0].getBoundingClientRect(); return [b.x, b.y, b.width]", canvas)
    for step in range(size * size):
        x, y = ((step % size) + 0.5) / size, (step // size + 0.5) / size
        event = {"type": "mouseMoved", "x": box[0] + x * box[2], "y": box[1] + y * box[2]}
        page.execute_cdp_cmd("Input.dispatchMouseEvent", event)
        if tip.is_displayed():
            places.append(event)
            return tip.text
    raise AssertionError("no point of the map tells its title")


def test_a_point_of_the_map_tells_its_title_and_is_chosen_with_a_click(page, fake):
    places = []
    title = hover(page, places).partition(" · ")[0]
    assert title in fake.titles
    for kind in ("mousePressed", "mouseReleased"):
        page.execute_cdp_cmd("Input.dispatchMouseEvent", {**places[0], "type": kind, "button": "left", "clickCount": 1})
    assert one(page, "#data-1-map-box .map-title").text == f"Nearest to {title}"


def test_each_model_has_its_map_and_its_neighbours_in_words(page):
    first, painted, ratio = paint(page)
    assert painted > 300
    assert ratio == pytest.approx(2, abs=0.01)  # as fine as the screen
    names = [option.text for option in every(page, "#data-1-map-box .map-model option")]
    near = one(page, "#data-1-map-box .map-near").text
    choose(page, "#data-1-map-box .map-model", names[-1])
    assert paint(page)[0] != first
    assert one(page, "#data-1-map-box .map-near").text != near
    assert names[-1] in one(page, "#data-1-map-box canvas").get_attribute("aria-label")


def test_a_title_is_found_on_the_map_without_a_mouse(page):
    find = one(page, "#data-1-map-box .map-find")
    find.send_keys("GODFATHER")
    found = every(page, "#data-1-map-box .map-found button")
    assert [button.text for button in found] == ["Godfather, The (1972)", "Godfather: Part II, The (1974)"]
    found[1].send_keys("\ue007")
    assert one(page, "#data-1-map-box .map-title").text == "Nearest to Godfather: Part II, The (1974)"
    assert len(every(page, "#data-1-map-box .map-near li")) == 8
    find.send_keys(" IX")
    assert "No title on this map" in one(page, "#data-1-map-box .map-found").text


def test_a_genre_alone_can_be_looked_at(page):
    before = paint(page)[0]
    button = every(page, "#data-1-map-box .legend button")[0]
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert paint(page)[0] != before
    button.click()
    assert paint(page)[0] == before


# The page as a whole


def test_nothing_is_asked_of_anybody_and_nothing_complains(browser, report, hostile):
    for path in (report, hostile):
        page = open_page(browser, path)
        hover(page, [])
        choose(page, "#data-1-user-box select", every(page, "#data-1-user-box option")[-1].text.strip())
        assert {address for address in requests(page) if not address.startswith("data:")} == {path.as_uri()}
        assert complaints(page) == []


def test_the_policy_lets_no_other_script_run(page):
    page.execute_script(
        "const script = document.createElement('script'); script.textContent = 'document.title = \"owned\"';"
        "document.body.append(script);"
    )
    assert page.title != "owned"
    (told,) = complaints(page)
    assert "Content Security Policy" in told


def test_it_prints_with_all_details_open_and_no_controls(page):
    script = """
    dispatchEvent(new Event("beforeprint"));
    const open = document.querySelectorAll("details:not([open]):not(.chooser)").length;
    dispatchEvent(new Event("afterprint"));
    return [open, document.querySelectorAll("details[open]").length];
    """
    assert page.execute_script(script) == [0, 0]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    for selector in (".bar", ".tools", ".pick", ".map-tools"):
        assert not any(element.is_displayed() for element in every(page, selector)), selector
    assert one(page, ".leaders").is_displayed()
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    paper = base64.b64decode(page.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    assert paper.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) >= 4
    assert len(paper) > 50_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, report, scheme):
    page = open_page(browser, report, scheme=scheme)
    for details in every(page, "details"):
        page.execute_script("arguments[0].open = true", details)
    assert faults(page) == []


def test_axe_is_as_it_was_published():
    assert sha256(AXE.read_bytes()).hexdigest() == AXE_SHA256
    assert AXE_SHA256 in (AXE.parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [PHONE, 820, DESKTOP])
def test_the_page_is_never_wider_than_its_window(browser, report, hostile, width):
    for path in (report, hostile):
        page = open_page(browser, path, width)
        for details in every(page, "details"):
            page.execute_script("arguments[0].open = true", details)
        assert not is_wider_than_the_window(page), path


def test_hostile_texts_run_nowhere_and_are_shown_as_they_are(browser, hostile, fake):
    page = open_page(browser, hostile, PHONE)
    places = range(1, len(fake.hostile) + 1)
    for place in places:
        user = f"#data-{place}-user-box"
        choose(page, f"{user} select", "9")
    for text in fake.hostile[:4]:
        assert page.execute_script("return document.body.innerText.includes(arguments[0])", text)
    scripts = page.execute_script(
        "return [...document.scripts].map((script) => [script.type, script.parentNode.tagName])"
    )
    assert scripts == [["application/json", "BODY"]] * len(places) + [["", "BODY"]] * 2
    assert page.execute_script("return document.images.length") == 0
    assert complaints(page) == []
    assert not is_wider_than_the_window(page)


def test_without_scripts_the_page_still_says_it_all(browser, report, fake):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page = open_page(browser, report)
        body = one(page, "body").text
        assert models(page)[0] in ("als", "implicit-als", "ease")
        for text in (
            "take",
            "Similar to Toy Story (1995)",
            "User 4",
            "Terminator, The (1984)",
            "scripts don't run here",
        ):
            assert text in body
        assert not any(element.is_displayed() for element in every(page, ".filter, .pick, .switch, .map-body"))
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
