"""Commands about methods and one step: what it takes, and what fits."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from samfit.errors import UserError
from samfit.harness.cli.app import app
from samfit.harness.cli.options import cell_from_options, takes, takes_cell
from samfit.harness.cli.output import (
    Json,
    messages,
    plain_interrupt,
    print_json,
    with_bar,
    with_progress,
)
from samfit.harness.record.cell import Cell, Device
from samfit.harness.record.record import Record


@app.command("list")
def list_adapters(json_: Json = False) -> None:
    """List the adapters: source, serial or parallel, parameters on each backbone."""
    from samfit.harness.predict.catalogue import catalogue
    from samfit.harness.report.kit.terminal import catalogue_table

    entries = catalogue()
    if json_:
        print_json(entries)
    else:
        Console().print(catalogue_table(entries))


@app.command()
@takes_cell
def predict(cell: Cell, json_: Json = False) -> None:
    """Predict the memory of one training step or forward pass. Needs no GPU."""
    from samfit.harness.predict.predict import predict as run

    with plain_interrupt():
        record = run(cell)
    _show(record, json_)


@app.command()
@takes("cell", cell_from_options, leave_out=("device", "compute_capability"))
def measure(
    cell: Cell,
    device: Annotated[
        Device | None, typer.Option(help="The card without, if there is one.")
    ] = None,
    json_: Json = False,
) -> None:
    """Measure one step on this machine, in a process of its own."""
    from samfit.harness.run.isolate import Worker
    from samfit.harness.run.task import Task

    try:
        with Worker() as worker:
            cell = replace(cell, device=device or ("cuda" if worker.machine["gpu"] else "cpu"))
            capability = worker.machine["gpu_capability"]
            if cell.device == "cuda" and capability:
                cell = replace(cell, compute_capability=capability)
            with messages.status(f"measuring {cell.key} on {cell.device}"):
                record = worker.run(Task("measure", cell))
    except KeyboardInterrupt:
        raise UserError("interrupted; nothing was measured.") from None
    _show(record, json_)


@app.command()
def fit(
    adapter: Annotated[
        list[str] | None, typer.Argument(help="Adapters to ask about; all without.")
    ] = None,
    memory: Annotated[
        list[str] | None, typer.Option(help="A card's memory, such as 8GiB; repeatable.")
    ] = None,
    gpu: Annotated[
        list[str] | None, typer.Option(help='A card, such as "RTX 3060"; repeatable.')
    ] = None,
    backbone: Annotated[str, typer.Option(help="vit_tiny, vit_b, vit_l or vit_h.")] = "vit_b",
    image_size: Annotated[
        int, typer.Option(help="Side of SAM's input in pixels; 0 for the backbone's own.")
    ] = 0,
    batch_size: Annotated[int, typer.Option(help="The batch that should fit.")] = 1,
    up_to: Annotated[
        int,
        typer.Option(min=1, help="The largest batch to look for; it takes longer with it."),
    ] = 8,
    output: Annotated[Path | None, typer.Option(help="Heat map: a .png or .svg file.")] = None,
    json_: Json = False,
) -> None:
    """Say which batch of each method fits a card, and with which levers. Needs no GPU.

    Without --memory and --gpu, for cards of 8 to 80 GB. About a minute for all methods on ViT-B and
    one card.
    """
    from samfit.adapters.core.registry import adapter_names, check_adapter_name
    from samfit.harness.device.cards import COMMON_CARDS, find_card, unnamed_card
    from samfit.harness.predict.answers import document
    from samfit.harness.predict.everyone import fit_methods
    from samfit.harness.record.environment import environment
    from samfit.harness.report.fit.plot import draw_fit
    from samfit.harness.report.fit.table import fit_tables
    from samfit.harness.report.kit.picture import check_picture, write_picture

    names = list(dict.fromkeys(adapter or adapter_names()))
    for name in names:
        check_adapter_name(name)
    if output:
        check_picture(output)
    cards = [*map(unnamed_card, memory or []), *map(find_card, gpu or [])]
    cards = list(dict.fromkeys(cards)) or [find_card(name) for name in COMMON_CARDS]
    cells = [
        Cell(adapter=name, backbone=backbone, image_size=image_size, batch_size=batch_size)
        for name in names
    ]
    try:
        found = list(
            with_bar(fit_methods(cells, cards, batch_size, max(up_to, batch_size)), len(cells))
        )
    except KeyboardInterrupt:
        raise UserError("interrupted; nothing was found.") from None
    fits = [answer for answers in found for answer in answers]
    side = cells[0].image_size
    where = f"Predicted, {backbone}, {side} × {side}, fp32, one training step."
    if output:
        write_picture(draw_fit(fits, where), output)
    if json_:
        print_json(document(fits, cells[0], environment(cells[0])))
        return
    console = Console()
    console.print(fit_tables(fits, batch_size))
    if output:
        console.print(str(output), soft_wrap=True)


@app.command()
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


@app.command()
@takes_cell
def blame(
    cell: Cell,
    against: Annotated[
        str | None,
        typer.Option(
            metavar='"ADAPTER OPTIONS"',
            help="Compare with this Cell; what is not mentioned is as in the first.",
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Draw it, too: a .png or .svg file.")] = None,
    json_: Json = False,
) -> None:
    """Show which modules hold the memory at the peak, and why another Cell needs more or less."""
    from samfit.harness.cli.against import cell_against
    from samfit.harness.predict.answers import difference_to_json
    from samfit.harness.predict.blame import blame as run
    from samfit.harness.report.blame.table import blame_summary, difference_summary

    if output:
        from samfit.harness.report.blame.plot import icicle
        from samfit.harness.report.kit.picture import check_picture, write_picture

        check_picture(output)
    cells = [cell] if against is None else [cell, cell_against(cell, against)]
    with plain_interrupt():
        one, *others = [run(cell) for cell in cells]
    if output:
        write_picture(icicle([one, *others]), output)
    if json_:
        print_json(difference_to_json(one, *others) if others else one.to_json())
        return
    console = Console()
    console.print(difference_summary(one, *others) if others else blame_summary(one))
    if output:
        console.print(str(output), soft_wrap=True)


def _show(record: Record, as_json: bool) -> None:
    """Print one record; a record without figures is an error."""
    from samfit.harness.report.kit.terminal import record_summary

    if as_json:
        print_json(record.to_json())
    elif record.status == "ok":
        Console().print(record_summary(record))
    if record.status != "ok":
        raise UserError(f"{record.cell.key}: {record.message}")


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
