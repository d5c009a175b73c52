"""The page of a program: everything is in it, and all that the program named is text."""

import html
import re

from synthetic_programs import evaluating, exhausted, fitting, on_two_cards, read
from user_error import user_error

from samfit.harness.report.program.page import check_page, program_page, write_page

HOSTILE = "</script><img src=x onerror=alert(1)>.py"


def text_of(page: bytes) -> str:
    return html.unescape(re.sub(r"<(?!wbr)[^>]*>", "\n", page.decode()).replace("<wbr>", ""))


def test_it_holds_the_verdict_figures_tables_pictures_and_the_command():
    page = program_page(fitting(advice=["take less."]))
    text = text_of(page)
    for part in (
        "train.py: fits", "train.py fits RTX 3090, with 12,288 MiB to spare.",
        "python /elsewhere/train.py --name 'a b'", "peak reserved", "take less.",
        "by category, at the peak", "by module, at the peak", "by line of code, at the peak",
        "segment_anything/modeling/image_encoder.py:236", "cuDNN 9.24.0", "Rehearsed:",
    ):  # fmt: skip
        assert part in text
    assert page.count(b"data:image/webp;base64,") == 2
    assert not re.search(r"(src|href)=\"(?!data:|#)", page.decode()), "it needs no other file"


def test_the_same_report_gives_the_same_bytes():
    assert program_page(evaluating()) == program_page(evaluating())


def test_of_several_cards_each_has_a_row():
    text = text_of(program_page(on_two_cards()))
    assert "each card" in text and "card 0, rank 0" in text


def test_one_that_ran_out_says_where_and_what_it_needs():
    text = text_of(program_page(exhausted()))
    assert text.index("tried to allocate") < text.index("With enough memory")
    alone = program_page(exhausted(cards=[]))
    assert b"With enough memory" not in alone and b"<img src" not in alone


def test_all_reads_and_files_are_listed():
    report = fitting(reads=[read(line) for line in range(30)], not_written=["a.pth"] * 9)
    text = text_of(program_page(report))
    assert all(f"/elsewhere/train.py:{line}\n" in text for line in range(30))
    assert text.count("a.pth") == 9
    assert "What it read" not in text_of(program_page(fitting()))


def test_names_are_text_and_nothing_else():
    report = fitting(
        program=HOSTILE,
        command=["python", HOSTILE],
        reads=[read(1, what=HOSTILE)],
        not_written=[HOSTILE],
    )
    assert b"<img src=x" not in program_page(report)


def test_it_is_written_whole_into_a_new_folder(tmp_path):
    write_page(fitting(), tmp_path / "new" / "report.html")
    assert (tmp_path / "new" / "report.html").read_bytes() == program_page(fitting())


def test_another_ending_is_refused(tmp_path):
    check_page(tmp_path / "a.HTML")
    with user_error("--output must end in .html, got 'report.pdf'."):
        check_page(tmp_path.__class__("report.pdf"))
