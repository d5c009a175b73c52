"""samfit validate: predicted against measured memory on this machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import samfit
from samfit.errors import UserError
from samfit.harness.cli.output import Bars, Json, interruptible, print_answer, print_json
from samfit.harness.record.cell import Device
from samfit.harness.record.record import Record


def validate(
    backbone: Annotated[
        str | None, typer.Option(help="Size of SAM. Default: vit_b; vit_tiny with --device cpu.")
    ] = None,
    device: Annotated[
        Device,
        typer.Option(help="Where to measure: the GPU, or the CPU to check only what is traced."),
    ] = "cuda",
    minutes: Annotated[
        float, typer.Option(help="Minutes after which no new Cell begins. Run it again to resume.")
    ] = 10,
    output: Annotated[
        Path, typer.Option(help="Folder for the results, a table and a plot.")
    ] = Path("results/validation"),
    json_: Json = False,
) -> None:
    """Compare predicted with measured memory on this machine, for all methods, as
    published and with levers (memory-saving options).

    The exit code is 0 if the median error of allocated memory is within 1%, the worst within 3%,
    and the worst of reserved memory within 5%.
    """
    store = samfit.Store(output / "results.jsonl")
    found = samfit.validate(
        store, device=device, backbone=backbone, minutes=minutes, progress=Bars()
    )
    with interruptible(f": finished Cells are in {store.path}; run the same command to resume"):
        records = list(found)
    _show_validation(records, output, json_)


def _show_validation(records: Sequence[Record], folder: Path, as_json: bool) -> None:
    """Write and print what ``records`` show; predictions that miss the limits are an error."""
    from samfit.harness.report.agreement.table import figures, validation_table, write_validation

    numbers = figures(records)
    if not numbers["cells"]:
        raise UserError(f"no Cell could be measured: read why in {folder / 'results.jsonl'}.")
    paths = write_validation(records, folder)
    if as_json:
        print_json({**numbers, "files": [str(path) for path in paths]})
    else:
        print_answer(validation_table(records), paths)
    if numbers["missed"]:
        raise UserError(
            f"predictions are off by more than they should: {'; '.join(numbers['missed'])}; "
            f"see {folder / 'table.md'}."
        )
    if any(record.status == "error" for record in records):
        raise UserError(f"some Cells failed, see above and {folder}: run the same command again.")
