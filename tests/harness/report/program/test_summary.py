"""What a terminal shows of a program, at 80 columns and without colour."""

import json
from dataclasses import replace

import pytest
from readable import printed
from synthetic_programs import ENCODER, evaluating, exhausted, fitting, on_card, on_two_cards, read
from synthetic_records import GIB, MIB

from samfit.harness.program.figures import ProgramReport
from samfit.harness.report.program.summary import MOST_FILES, MOST_READS, program_summary

REPORTS = {
    "fits": fitting(),
    "evaluation": evaluating(),
    "two cards": on_two_cards(),
    "out of memory": exhausted(),
    "out of memory, nothing else known": exhausted(cards=[]),
    "reads": fitting(reads=[read(3), read(4, known=True)], not_written=["/elsewhere/best.pth"]),
}


def lines(report: ProgramReport, width: int = 80) -> list[str]:
    """What is shown, with single spaces between words."""
    return [" ".join(line.split()) for line in printed(program_summary(report), width).splitlines()]


@pytest.mark.parametrize("report", REPORTS.values(), ids=list(REPORTS))
def test_it_fits_80_columns_and_no_path_is_broken_in_a_name(report):
    text = printed(program_summary(report))
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert ENCODER not in text, "paths of packages are shown from the package on"
    for line in text.splitlines():
        assert ".py:" not in line or line.split(".py:")[1][:1].isdigit()


def test_the_verdict_and_the_figures_of_the_fullest_card():
    shown = lines(fitting())
    assert shown[0] == "train.py fits RTX 3090, with 12,288 MiB to spare."
    for line in (
        "card RTX 3090, compute capability 8.6, 23,552 MiB for PyTorch",
        "peak allocated 10,240.0 MiB",
        "peak reserved 11,264.0 MiB, 1,024.0 of them in fragments",
        "in nvidia-smi about 11,764 MiB",
        "left on the card 12,288.0 MiB",
        "steps 2, with peaks of 10,239.0 and 10,240.0 MiB",
        "peak at backward, image_encoder.blocks.11.attn",
    ):
        assert line in shown
    assert not any(line.startswith(("training", "values read")) for line in shown)


def test_every_table_sums_to_the_peak():
    shown = lines(fitting())
    for line in (
        "allocator rounding 256.0", "sum 10,240.0",  # by category
        "image_encoder.blocks.*.attn saved activations 6,144 60.0 12 × 512", "sum 10,240 100",
        "segment_anything/modeling/image_encoder.py:236 saved activations 48 6,144",
        "autograd in image_encoder.blocks.*.attn temporaries 1 3,072",
        "/elsewhere/train.py:9 weights frozen 170 512",
    ):  # fmt: skip
        assert line in shown


def test_lines_beyond_the_largest_are_one_row():
    card = on_card()
    held = [replace(each, line=f"train.py:{i}") for i, each in enumerate(card.holdings)]
    shown = lines(fitting(cards=[replace(card, holdings=held)]))
    assert "others 482 2,304" in shown
    assert "What autograd makes" not in printed(
        program_summary(fitting(cards=[replace(card, holdings=held)]))
    )


@pytest.mark.parametrize(
    ("peaks", "words"),
    [
        ([5, 5, 5], "steps 3"),
        ([4, 5, 5], "steps 3, with peaks of 4.0 and 2 × 5.0 MiB"),
        ([1, 2, 3, 4, 5], "steps 5, with peaks of 1.0 to 5.0 MiB"),
    ],
)
def test_steps_of_equal_peaks_are_told_together(peaks, words):
    card = on_card()
    each = [replace(card.peak, allocated_bytes=n * MIB) for n in peaks]
    assert words in lines(fitting(cards=[replace(card, steps=len(peaks), each_step=each)]))


def test_training_and_evaluation_stand_apart():
    shown = lines(evaluating(), 120)
    assert "training 4,096.0 MiB allocated, 5,120.0 reserved" in shown
    evaluation = "evaluation 10,240.0 MiB allocated, 11,264.0 reserved, outside of torch.no_grad()"
    assert evaluation in shown
    assert "- evaluation runs outside of torch.no_grad()." in shown


def test_what_needs_most_outside_of_steps_is_told():
    card = on_card(elsewhere=replace(on_card().peak, allocated_bytes=20 * GIB))
    assert "outside of these 20,480.0 MiB allocated" in lines(fitting(cards=[card]))


def test_several_cards_have_a_row_each_and_the_fullest_is_shown():
    shown = lines(on_two_cards())
    assert "card 0, rank 0 2 10,240.0 11,264.0 11,764" in shown
    assert "card 1, rank 1 2 10,496.0 11,520.0 12,020" in shown
    assert "card 1, rank 1" in shown
    assert "sum 10,496.0" in shown
    assert "NCCL" in " ".join(shown)
    assert "NCCL" not in " ".join(lines(fitting()))


def test_a_program_that_ran_out_has_pytorchs_figures_and_then_its_own():
    shown = lines(exhausted())
    for line in (
        "card 9GiB, compute capability 8.6, 8,192 MiB for PyTorch",
        "tried to allocate 1.50 GiB",
        "it had 7.00 GiB allocated, 7.50 GiB reserved; 512 MiB were free",
        "in forward, image_encoder.blocks.2.attn",
        "line segment_anything/modeling/image_encoder.py:358",
    ):
        assert line in shown
    assert shown.index("with enough memory") < shown.index("peak allocated 10,240.0 MiB")
    assert not any(line.startswith("left on the card") for line in shown)
    assert "with enough memory" not in lines(exhausted(cards=[]))


def test_a_card_that_is_large_enough_is_not_named():
    shown = lines(fitting(card=""))
    assert "card any of compute capability 8.6 that is large enough" in shown
    assert not any(line.startswith("left on the card") for line in shown)


def test_unknown_reads_are_listed_known_ones_counted():
    reads = [read(line, times=line) for line in range(1, MOST_READS + 3)]
    shown = lines(fitting(reads=[*reads, reads[-1], read(99, known=True, times=7)]))
    assert "values read 97, of which 7 are known" in shown
    assert "/elsewhere/train.py:12 item() of a float32 1.0 24" in shown
    assert "And 2 more." in shown
    assert not any("train.py:99" in line or "train.py:2 " in line for line in shown)
    assert "values read 7, of which 7 are known" in lines(
        fitting(reads=[read(99, known=True, times=7)])
    )


def test_tensors_of_many_shapes_at_one_line_are_one_row():
    what = "copy to the host of float32"
    reads = [read(7, what=f"{what} ({n}, 4)", told="zeros", times=n) for n in (2, 3)]
    shown = lines(fitting(reads=[*reads, read(8, what=f"{what} (9, 9)", told="zeros")]), 100)
    assert "/elsewhere/train.py:7 copy to the host of float32, 2 shapes zeros 5" in shown
    assert "/elsewhere/train.py:8 copy to the host of float32 (9, 9) zeros 2" in shown


def test_files_that_were_left_alone_are_named_a_few_of_many(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = [str(tmp_path / "runs" / f"{i}.pth") for i in range(MOST_FILES + 2)]
    shown = lines(fitting(not_written=files, not_removed=["/old"]))
    assert "7 files not written, since weights are zeros here" in shown
    assert "runs/0.pth" in shown and "and 2 more" in shown and "runs/5.pth" not in shown
    assert shown[shown.index("1 file not removed") + 1] == "/old"


@pytest.mark.parametrize("report", REPORTS.values(), ids=list(REPORTS))
def test_a_report_survives_json(report):
    assert ProgramReport.from_json(json.loads(json.dumps(report.to_json()))) == report
