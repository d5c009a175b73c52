"""samfit validate: predicted against measured memory, or traced against rehearsed."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import samfit
from samfit.errors import UserError
from samfit.harness.cli.output import Bars, Json, interruptible, print_answer, print_json
from samfit.harness.record.cell import Device
from samfit.harness.record.record import Record

if TYPE_CHECKING:
    from samfit.harness.report.agreement.agreement import Agreement


def validate(
    backbone: Annotated[
        str | None,
        typer.Option(
            help="Size of SAM. Default: vit_b; vit_tiny with --device cpu; vit_b and some Cells of "
            "vit_l and vit_h with --trace."
        ),
    ] = None,
    device: Annotated[
        Device,
        typer.Option(help="Where to measure: the GPU, or the CPU to check only what is traced."),
    ] = "cuda",
    trace: Annotated[
        bool,
        typer.Option(
            "--trace",
            help="Compare traces with rehearsals, on cards of every kind, instead of predictions "
            "with measurements. Needs no GPU.",
        ),
    ] = False,
    minutes: Annotated[
        float, typer.Option(help="Minutes after which no new Cell begins. Run it again to resume.")
    ] = 10,
    output: Annotated[
        Path, typer.Option(help="Folder for the results, tables, a plot and its figures as CSV.")
    ] = Path("results/validation"),
    json_: Json = False,
) -> None:
    """Compare predicted with measured memory on this machine, for all methods, as
    published and with levers (memory-saving options).

    The exit code is 0 if the median error of allocated memory is within 1%, the worst within 3%,
    and the worst of reserved memory within 5%; with --trace within 0.05%, 0.6% and 5%, and the
    median of reserved memory within 1%.
    """
    from samfit.harness.report.agreement.agreement import of_predictions, of_traces

    if not trace:
        store = samfit.Store(output / "measured.jsonl")
        found = samfit.validate(
            store, device=device, backbone=backbone, minutes=minutes, progress=Bars()
        )
        _show_validation(found, of_predictions, store.path, json_)
    elif device == "cpu":
        raise UserError("--trace compares steps on CUDA: leave out --device cpu.")
    else:
        store = samfit.Store(output / "rehearsed.jsonl")
        found = samfit.validate_trace(store, backbone=backbone, minutes=minutes, progress=Bars())
        _show_validation(found, of_traces, store.path, json_)


def _show_validation(
    found: Iterator[Record],
    compared: Callable[[Sequence[Record]], "Agreement"],
    file: Path,
    as_json: bool,
) -> None:
    """Write and print what records show; figures that miss the limits are an error."""
    from samfit.harness.report.agreement.table import summary_table, write_validation

    with interruptible(f": finished Cells are in {file}; run the same command to resume"):
        records = list(found)
    agreement = compared(records)
    if not agreement.pairs:
        raise UserError(f"no Cell has both figures: allow more --minutes, or read why in {file}.")
    paths, numbers = write_validation(agreement, file.parent), agreement.figures()
    if as_json:
        print_json({**numbers, "files": [str(path) for path in paths]})
    else:
        print_answer(summary_table(agreement), paths)
    if numbers["missed"]:
        raise UserError(
            f"{agreement.words.claim} memory is off by more than it should be: "
            f"{'; '.join(numbers['missed'])}; see {paths[0]}."
        )
    if any(record.status == "error" for record in records):
        raise UserError(f"some Cells failed, see above and {paths[0]}: run the same command again.")
