"""samfit sweep: run many Cells."""

from pathlib import Path
from typing import Annotated

import typer

from samfit.errors import UserError
from samfit.harness.cli.output import Json, messages, print_json, with_progress
from samfit.harness.run.task import TIME_LIMIT_S


def sweep(
    profile: Annotated[
        str, typer.Argument(help="bench, accuracy, or a JSON file with grids of Cells.")
    ],
    output: Annotated[
        Path, typer.Option(help="Results file; records that are there already are kept.")
    ] = Path("results/results.jsonl"),
    time_limit: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="A Cell that takes longer is stopped.")
    ] = TIME_LIMIT_S,
    json_: Json = False,
) -> None:
    """Run many Cells, each isolated. Run it again to resume after an interruption."""
    from samfit.harness.record.store import Store
    from samfit.harness.run.isolate import Worker
    from samfit.harness.run.profiles import load_profile
    from samfit.harness.run.sweep import sweep as run

    store, records = Store(output), []
    try:
        wanted = load_profile(profile)  # a mistake in it is told before a worker is started
        with store.writing(), Worker() as worker:
            tasks = wanted(worker.machine)
            for record in with_progress(run(tasks, store, worker, time_limit), len(tasks)):
                records.append(record)
    except KeyboardInterrupt:
        done = f"interrupted; what was finished is in {output}"
        raise UserError(f"{done}: run the same command to go on.") from None
    if json_:
        print_json([record.to_json() for record in records])
    else:
        messages.print(f"{len(records)} Cells in {output}; samfit report {output} draws them.")
    if any(record.status == "error" for record in records):
        raise UserError(f"some Cells failed, see above and {output}: run the same command again.")
