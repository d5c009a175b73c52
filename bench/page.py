"""How long a report's page takes to open: ``python -m samfit.bench.page RESULTS.jsonl ...``.

It needs playwright and a Chromium.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samfit.bench.pairs import milliseconds, statistics
from samfit.errors import UserError
from samfit.harness.record.record import Record
from samfit.harness.record.store import Store
from samfit.harness.report.write import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
DRAWN = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


@contextmanager
def chromium() -> Iterator["Browser"]:
    """The browser that is installed, without a window.

    Raises:
        UserError: if there is none, or no playwright to drive it with.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise UserError("opening pages needs playwright: pip install playwright.") from error
    if CHROMIUM is None:
        raise UserError("there is no Chromium here: install chromium or Google Chrome.")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def opening(records: Sequence[Record], rounds: int) -> dict[str, float]:
    """Write the page of ``records``, and open it so many times.

    Returns:
        how many Cells and megabytes it holds, and the milliseconds until it is drawn.
    """
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        write_report(records, Path(folder))
        file = Path(folder) / "report.html"
        times = [milliseconds(partial(_open, browser, file)) for _ in range(rounds)]
        megabytes = file.stat().st_size / 1e6
    return {"cells": len(records), "megabytes": megabytes, **statistics("opening_ms", times)}


def _open(browser: "Browser", file: Path) -> None:
    """Open a page that was never seen before, until its scripts have run and it is drawn."""
    page = browser.new_context().new_page()
    page.goto(file.as_uri())
    page.evaluate(DRAWN)
    page.context.close()


def main(
    results: Annotated[list[Path], typer.Argument(help="Results files; one page shows all.")],
    rounds: Annotated[int, typer.Option(min=1, help="How often it is opened.")] = 9,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON in place of words.")] = False,
) -> None:
    """Time how long the page of these results takes to open in Chromium."""
    figures = opening([r for path in results for r in Store(path).latest()], rounds)
    if json_:
        print(json.dumps(figures, indent=2))
        return
    print(
        "{cells} Cells, {megabytes:.1f} MB: drawn after {opening_ms_median:,.0f} ms "
        "({opening_ms_p10:,.0f} to {opening_ms_p90:,.0f}).".format(**figures)
    )


if __name__ == "__main__":
    typer.run(main)
