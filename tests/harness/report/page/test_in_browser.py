"""The page in a real browser: sorting, filtering, choosing a card; nothing goes to the console."""

from dataclasses import replace

import pytest
from chromium import CHROMIUM, chromium
from synthetic_records import crowd, measured, on_cards, out_of_memory, predicted, scored

import samfit
from samfit.harness.device.cards import find_card

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

NAMES = ("cad", "lora", "full", "ssf")
HOSTILE = "<img src=x onerror=alert(1)></script><b>&amp;"


def cells():
    """CAD fits an RTX 3070 as published, LoRA with levers, full fine-tuning only an A100."""
    small, large = "RTX 3070", "A100 80GB"
    yield on_cards(predicted("cad", 4, 5), small, large)
    yield on_cards(predicted("lora", 4, 20, serial=True), large)
    yield on_cards(predicted("lora", 4, 6, serial=True, attention="sdpa"), small, large)
    yield on_cards(predicted("full", 4, 60, serial=True), large)
    yield on_cards(predicted("cad", 8, 9), large)
    yield from (measured(name, 4, 10 + number) for number, name in enumerate(NAMES))
    yield replace(out_of_memory("lora", 16), message=HOSTILE)
    hostile = replace(predicted("ssf").method, title=HOSTILE)
    yield replace(predicted("ssf", 2), method=hostile)
    yield from (scored(name) for name in NAMES)


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    samfit.report(list(cells()), folder)
    return folder / "report.html"


@pytest.fixture
def page(browser, file):
    """The page, open; what it writes to the console or asks of the network fails the test."""
    page, said, asked = browser.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    yield page
    page.close()
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]


def shown(page, table="#all"):
    return page.locator(f"{table} tbody tr:visible")


def column(page, number):
    return [row.split("\t")[number] for row in shown(page).all_inner_texts()]


def test_a_click_on_a_column_sorts_and_another_turns_it_round(page):
    header = page.locator("#all th", has_text="allocated, MiB")
    values = {}
    for order in ("ascending", "descending"):
        header.get_by_role("button").click()
        assert header.get_attribute("aria-sort") == order
        values[order] = [text.replace(",", "") for text in column(page, 7)]
    for order, found in values.items():
        numbers = [float(text) for text in found if text != "–"]
        assert numbers == sorted(numbers, reverse=order == "descending")
        assert set(found[len(numbers) :]) <= {"–"}, "what is missing stays at the end"
    assert values["ascending"] != values["descending"]


def test_the_keyboard_sorts_too(page):
    page.locator("#all th button").first.focus()
    page.keyboard.press("Enter")
    methods = [method.lower() for method in column(page, 0)]
    assert methods == sorted(methods)


def test_words_and_choices_filter_the_cells(page):
    total = shown(page).count()
    page.fill("#filter [name=text]", "lora")
    assert 0 < shown(page).count() < total
    page.select_option("#filter [name=status]", "oom")
    assert shown(page).count() == 1
    assert page.inner_text("#count") == f"1 of {total} Cells"
    page.fill("#filter [name=text]", "")
    page.select_option("#filter [name=status]", "")
    page.select_option("#filter [name=source]", "predicted")
    assert set(column(page, -1)) == {"predicted"}


def fitting(page, card, batch="4"):
    page.select_option("#question [name=card]", card)
    page.select_option("#question [name=batch]", batch)
    rows = shown(page, "#answers").all_inner_texts()
    return {method: how for method, how, _ in (row.split("\t") for row in rows)}


def test_choosing_a_card_and_a_batch_says_what_fits(page):
    no = "does not fit with any lever that was tried"
    assert fitting(page, "RTX 3070") == {
        "Cad": "as published", "Lora": "with --attention sdpa", "Full": no,
    }  # fmt: skip
    usable = find_card("RTX 3070").usable_bytes / 2**30
    answer = page.inner_text("#answer")
    assert answer == (
        f"2 of 3 methods fit RTX 3070, which has {usable:.2f} GiB for PyTorch, with a batch of 4: "
        "vit_b, 1024 × 1024, training step."
    )
    assert set(fitting(page, "A100 80GB").values()) == {"as published"}
    assert fitting(page, "RTX 3070", "8") == {"Cad": no}


def test_a_plot_is_enlarged_and_closed_with_the_keyboard(page):
    page.locator(".plot").first.click()
    assert page.locator("dialog").is_visible()
    assert page.locator("dialog img").get_attribute("alt")
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()


def test_names_and_messages_are_text_and_nothing_else(page):
    assert page.locator("img[src=x]").count() == 0
    assert HOSTILE in column(page, 0)
    page.fill("#filter [name=text]", "onerror")
    assert shown(page).count() == 2


@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_sticks_out_and_a_usual_screen_shows_whole_tables(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    table = page.locator(".scroll:has(#all)")
    assert width < 1440 or table.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_in_the_dark_text_is_light(page):
    page.emulate_media(color_scheme="dark")
    colours = page.evaluate(
        "['color', 'backgroundColor'].map((n) => getComputedStyle(document.body)[n])"
    )
    ink, paper = (sum(map(int, c.strip("rgb()").split(","))) for c in colours)
    assert paper < 150 < 600 < ink


def test_a_page_of_two_hundred_cells_is_small(browser, tmp_path):
    many = crowd({f"method {number}": bool(number % 2) for number in range(40)})
    samfit.report([on_cards(record, "L4") for record in many], tmp_path)
    file = tmp_path / "report.html"
    assert file.stat().st_size < 2e6
    page = browser.new_page()
    page.goto(file.as_uri())
    assert page.inner_text("#count") == "200 of 200 Cells"
