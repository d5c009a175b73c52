"""samfit train: adapt SAM to images with masks."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import samfit
from samfit import UserError
from samfit.harness.cli.data import say_summary
from samfit.harness.cli.forecast import say_step_memory
from samfit.harness.cli.images import Data, Require, Where, Workers
from samfit.harness.cli.options import (
    cell_from_options,
    reading_from_options,
    recipe_from_options,
    takes,
)
from samfit.harness.cli.output import Bars, Json, print_json
from samfit.harness.record.cell import Cell, LossName
from samfit.harness.record.recipe import Recipe

NOT_OF_TRAINING = (
    "phase", "loss", "device", "gpu", "compute_capability", "alloc_conf",
)  # fmt: skip


Loss = Annotated[
    LossName | None,
    typer.Option(help="Loss to train with. Default: cad; samed for several classes."),
]
FACTORS = (1 / 16, 1 / 4, 1.0, 4.0)  # of --learning-rate, that --find-rate tries
FindRate = Annotated[
    bool,
    typer.Option(
        "--find-rate",
        help="Try learning rates of 1/16, 1/4, 1 and 4 times --learning-rate first, each for a "
        "tenth of the steps, and train with the one whose loss is lowest.",
    ),
]
HoldOut = Annotated[
    float,
    typer.Option(help="Share of the training images to validate on if the data has none for that."),
]
Pretrained = Annotated[
    Path | None,
    typer.Option(help="File of the adapter's own pretrained part: SAM-LST's ResNet-18."),
]
Cache = Annotated[
    Path | None,
    typer.Option(help="Folder for --cache-embeddings. Default: embeddings in --output."),
]
Output = Annotated[Path | None, typer.Option(help="Folder of the run. Default: runs/ADAPTER-DATA.")]


@takes("cell", cell_from_options, leave_out=NOT_OF_TRAINING, batch_size=4)
@takes("recipe", recipe_from_options)
@takes("reading", reading_from_options)
def train(
    cell: Cell,
    recipe: Recipe,
    reading: samfit.Reading,
    data: Data,
    loss: Loss = None,
    find_rate: FindRate = False,
    hold_out: HoldOut = 0.1,
    pretrained: Pretrained = None,
    cache: Cache = None,
    device: Where = None,
    workers: Workers = None,
    output: Output = None,
    require: Require = None,
    json_: Json = False,
) -> None:
    """Adapt SAM to images with masks. Run it again to resume after an interruption."""
    from samfit.harness.report.accuracy.history import draw_history
    from samfit.harness.report.data.plot import draw_pairs
    from samfit.harness.report.kit.picture import pictures, write_files

    opened = samfit.open_data(data, image_size=cell.image_size, progress=Bars(), **vars(reading))
    say_summary(opened, cell.image_size)
    if require and hold_out == 0 and not opened.val:
        raise UserError("--require compares the score of a validation: leave out --hold-out 0.")
    several = opened.classes > 1
    cell = replace(cell, loss=loss or ("samed" if several else "cad"))
    of_classes = {**cell.settings, "classes": opened.classes} if several else cell.settings
    say_step_memory(replace(cell, settings=of_classes), device)
    run = samfit.train(
        cell,
        recipe,
        opened,
        output or Path("runs") / f"{cell.adapter}-{opened.name.replace(' ', '-')}",
        rates=[factor * recipe.learning_rate for factor in FACTORS] if find_rate else (),
        hold_out=hold_out,
        pretrained=pretrained,
        cache=cache,
        device=device,
        workers=workers,
        progress=Bars(),
    )
    if run.history.losses:
        drawn = pictures("curves", draw_history(run.history, run.metric))
        write_files(drawn | pictures("data", draw_pairs(opened), ["png"]), run.folder)
    if json_:
        rate = run.description.recipe.learning_rate
        found = {"learning_rate": rate, "problem": run.problem, **asdict(run.history)}
        print_json({"folder": str(run.folder), **found})
    else:
        Console().print(str(run), soft_wrap=True, markup=False, highlight=False)
    if require:
        run.require_better_than_baseline()
