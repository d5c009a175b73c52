"""samfit run: what goes where, and with which exit code."""

import json
import sys
from pathlib import Path

import pytest

from samfit.harness.program.figures import ProgramReport
from samfit.harness.standin.library import unavailable_to_programs

needs_stand_in = pytest.mark.skipif(
    unavailable_to_programs() is not None, reason=str(unavailable_to_programs())
)
PROGRAMS = Path(__file__).parents[2] / "programs" / "misbehaving"


@needs_stand_in
def test_a_program_that_fits_gives_one_document_and_a_page(samfit, tmp_path):
    program = [sys.executable, str(PROGRAMS / "threads.py")]
    page = tmp_path / "new" / "report.html"
    code, out, err = samfit("run", "--gpu", "T4", "--json", "--output", str(page), "--", *program)
    assert code == 0, err
    document = json.loads(out)
    assert code == document.pop("exit_code") == 0
    report = ProgramReport.from_json(document)
    assert (report.verdict, report.command, report.card) == ("fits", program, "T4")
    held = [*report.largest.holdings, *report.largest.holders]
    assert held and report.largest.course.live_bytes
    assert sum(each.nbytes for each in report.largest.holders) == report.peak_allocated_bytes
    assert "threads.py: fits" in page.read_text()
    assert str(page) in err


@needs_stand_in
def test_one_that_cannot_be_judged_gives_a_sentence_and_no_figure(samfit, tmp_path):
    page = tmp_path / "report.html"
    program = [sys.executable, str(PROGRAMS / "without_torch.py")]
    code, out, err = samfit("run", "--output", str(page), "--", *program)
    assert (code, page.exists()) == (2, False)
    assert "MiB" not in out + err
    assert "samfit: without_torch.py ended, and never imported torch." in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--output", "report.pdf"], "--output must end in .html, got 'report.pdf'."),
        (["--gpu", "T4", "--memory", "8GiB"], "--gpu and --memory each name a card"),
        (["--gpu", "T5000"], "card 'T5000' is not known"),
    ],
)
def test_a_mistake_ends_with_2_before_the_program_runs(samfit, tmp_path, options, words):
    ran = tmp_path / "ran"
    code, out, err = samfit("run", *options, "--", "touch", str(ran))
    assert (code, out, ran.exists()) == (2, "", False)
    assert words in err
