"""samfit validate: predicted against measured memory on this machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from samfit.errors import UserError
from samfit.harness.cli.output import (
    Json,
    messages,
    print_json,
    with_progress,
)
from samfit.harness.record.cell import Device
from samfit.harness.record.record import Record


def validate(
    backbone: Annotated[
        str | None, typer.Option(help="vit_b without; vit_tiny with --device cpu.")
    ] = None,
    device: Annotated[
        Device, typer.Option(help="The card, or cpu: a check of the tracer, on real tensors.")
    ] = "cuda",
    minutes: Annotated[
        float, typer.Option(help="After these no further Cell is begun; run again to go on.")
    ] = 10,
    output: Annotated[Path, typer.Option(help="Folder for results, table and plot.")] = Path(
        "results/validation"
    ),
    json_: Json = False,
) -> None:
    """Compare predicted with measured memory on this machine, over all methods and levers.

    The exit code is 0 if the median error of allocated memory is within 1%, the worst within 3%,
    and the worst of reserved memory within 5%.
    """
    from samfit.harness.record.store import Store
    from samfit.harness.run.isolate import Worker
    from samfit.harness.run.sweep import sweep as run
    from samfit.harness.run.validation import until, validation_tasks

    if not minutes > 0:
        raise UserError(f"--minutes must be more than 0, got {minutes:g}.")
    store, records = Store(output / "results.jsonl"), []
    try:
        with Worker() as worker:
            tasks = validation_tasks(worker.machine, device, backbone)
            with store.writing():
                given = until(run(tasks, store, worker), 60 * minutes)
                for record in with_progress(given, len(tasks)):
                    records.append(record)
    except KeyboardInterrupt:
        done = f"interrupted; what was finished is in {store.path}"
        raise UserError(f"{done}: run the same command to go on.") from None
    _show_validation(records, len(tasks), output, json_)


def _show_validation(records: Sequence[Record], asked: int, folder: Path, as_json: bool) -> None:
    """Write and print what ``records`` show; predictions that miss the limits are an error."""
    from samfit.harness.report.agreement.table import (
        figures,
        validation_table,
        write_validation,
    )
    from samfit.harness.report.kit.tables import terminal_table

    numbers = figures(records)
    if not numbers["cells"]:
        raise UserError(f"no Cell could be measured: read why in {folder / 'results.jsonl'}.")
    paths = write_validation(records, folder)
    if as_json:
        print_json({**numbers, "files": [str(path) for path in paths]})
    else:
        console = Console()
        console.print(terminal_table(*validation_table(records)))
        console.print("\n".join(str(path) for path in paths), soft_wrap=True)
    if len(records) < asked:
        messages.print(f"{len(records) // 2} of {asked // 2} Cells: run it again to go on.")
    if numbers["missed"]:
        raise UserError(
            f"predictions are off by more than they should: {'; '.join(numbers['missed'])}; "
            f"see {folder / 'table.md'}."
        )
    if any(record.status == "error" for record in records):
        raise UserError(f"some Cells failed, see above and {folder}: run the same command again.")
