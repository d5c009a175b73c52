"""The page of a program in a real browser."""

import pytest
from chromium import CHROMIUM, chromium
from synthetic_programs import evaluating, exhausted, on_two_cards, read

from samfit.harness.report.program.page import write_page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

LONG = "/a/path/that/is/longer/than/a/telephone/is/wide/" * 3 + "train.py"


def test_nothing_sticks_out_tables_sort_and_plots_are_enlarged(tmp_path):
    said: list[str] = []
    reports = {
        "evaluation": evaluating(),
        "two cards": on_two_cards(),
        "out of memory": exhausted(
            command=["python", LONG], not_written=[LONG], reads=[read(1, file=LONG)]
        ),
    }
    with chromium() as browser:
        for name, report in reports.items():
            file = tmp_path / f"{name}.html"
            write_page(report, file)
            page = browser.new_page()
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.goto(file.as_uri())
            for width in (360, 1440):
                page.set_viewport_size({"width": width, "height": 800})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        header = page.locator("th", has_text="MiB").first
        header.get_by_role("button").click()
        assert header.get_attribute("aria-sort") == "ascending"
        page.locator(".plot").first.click()
        assert page.locator("dialog").is_visible()
    assert said == []
