"""samfit sweep: run many Cells."""

from pathlib import Path
from typing import Annotated

import typer

import samfit
from samfit.errors import UserError
from samfit.harness.cli.output import Bars, Json, interruptible, messages, print_json


def sweep(
    profile: Annotated[
        str,
        typer.Argument(
            help="What to run: bench, accuracy, backbones, peft, or a JSON file, see above."
        ),
    ],
    output: Annotated[
        Path, typer.Option(help="Results file. Records that are there already are kept.")
    ] = Path("results/results.jsonl"),
    time_limit: Annotated[
        float, typer.Option(min=1, help="Seconds after which a Cell is stopped.")
    ] = samfit.TIME_LIMIT_S,
    json_: Json = False,
) -> None:
    """Predict, measure and score many Cells. Run it again to resume.

    A Cell is one method with all options of its training step, such as backbone and batch size. A
    JSON file lists Cells under predict, measure and score; a list of values gives a Cell for each:
    {"predict": [{"adapter": ["cad", "lora"], "batch_size": [1, 4], "backbone": "vit_b"}]}

    What is scored needs a task and a recipe as well: {"score": [{"adapter": "lora", "backbone":
    "vit_tiny", "checkpoint": "miniature", "device": "cpu", "task": "polyp", "recipe":
    [{"epochs": 3}, {"epochs": 3, "learning_rate": 0.004}]}]}
    """
    store = samfit.Store(output)
    with interruptible(f": finished Cells are in {output}; run the same command to resume"):
        records = list(samfit.sweep(profile, store, limit_s=time_limit, progress=Bars()))
    if json_:
        print_json([record.to_json() for record in records])
    else:
        messages.print(f"{len(records)} Cells in {output}; samfit report {output} draws them.")
    if any(record.status == "error" for record in records):
        raise UserError(f"some Cells failed, see above and {output}: run the same command again.")
