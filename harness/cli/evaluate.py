"""samfit evaluate: score the masks of a trained model."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer
from rich.console import Console

from samfit.errors import UserError
from samfit.harness.cli.images import (
    Classes,
    Layout,
    Where,
    Workers,
    check_images,
    enough_memory,
    open_data,
    readers,
    torch_device,
)
from samfit.harness.cli.output import Json, messages, print_json, progress_bar, writing_to

if TYPE_CHECKING:  # these import torch
    from samfit.harness.data.dataset import DataSet
    from samfit.harness.data.example import Example
Split = Literal["test", "val", "train"]
Run = Annotated[Path, typer.Argument(help="Folder of samfit train.")]
Checkpoint = Annotated[
    str | None, typer.Option(help="SAM's weights, if they are elsewhere than in training.")
]


def evaluate(
    run: Run,
    data: Annotated[
        str | None, typer.Option(help="Images to score; those that it was trained on without.")
    ] = None,
    layout: Layout = "auto",
    classes: Classes = 0,
    split: Annotated[
        Split | None, typer.Option(help="test without; val or train if there is none.")
    ] = None,
    checkpoint: Checkpoint = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images at a time.")] = 1,
    device: Where = None,
    workers: Workers = None,
    output: Annotated[Path | None, typer.Option(help="CSV file: the scores of each image.")] = None,
    json_: Json = False,
) -> None:
    """Score the masks of a trained model, with intervals over the images."""
    from samfit.files import write_whole
    from samfit.harness.data.dataset import hold_out as held_out
    from samfit.harness.report.accuracy.scores import (
        per_image_table,
        score_table,
        scores_to_json,
    )
    from samfit.harness.report.kit.tables import terminal_table
    from samfit.harness.train.evaluate import evaluate as run_evaluation
    from samfit.harness.train.run_folder import RunFolder, load_run

    description = RunFolder(run).describe()
    origin, is_own = description.data, data is None
    if data is None:
        data, layout, classes = origin.path, origin.layout, origin.classes
    opened = open_data(data, layout, classes or description.classes)
    if opened.classes != description.classes:
        raise UserError(
            f"{opened.name} has masks of {opened.classes} classes, and the model was trained for "
            f"{description.classes}: check --data and --classes."
        )
    if is_own and origin.hold_out and not opened.val:
        opened = held_out(opened, origin.hold_out, description.cell.seed)
    chosen, examples = _split(opened, split)
    if is_own and chosen == "train":
        messages.print("these are the images that it was trained on: on others it scores lower.")
    check_images(examples)
    where = torch_device(device)
    cell, model = load_run(RunFolder(run), checkpoint, where)
    cell = replace(cell, batch_size=batch_size)
    with progress_bar() as bar, enough_memory(cell):
        task = bar.add_task(f"scoring {opened.name}, {chosen}", total=len(examples))
        metrics, _ = run_evaluation(
            cell,
            model,
            examples,
            where,
            readers(workers, where),
            progress=lambda: bar.advance(task),
            keep=0,
        )
    if json_:
        print_json({"data": opened.name, "split": chosen, **scores_to_json(metrics)})
    else:
        Console().print(
            terminal_table(*score_table(metrics, opened.name, chosen, opened.class_names))
        )
    if output:  # last: if it cannot be written, the scores have been said
        content = per_image_table(metrics).to_csv(index=False, lineterminator="\n").encode()
        with writing_to(output):
            write_whole(output, content)


def _split(data: "DataSet", split: Split | None) -> "tuple[Split, Sequence[Example]]":
    """The images to score, and the name of their split."""
    filled: list[Split] = [name for name in get_args(Split) if getattr(data, name)]
    chosen = split or filled[0]
    if chosen not in filled:
        raise UserError(f"{data.name} has no split {chosen}: choose {' or '.join(filled)}.")
    return chosen, getattr(data, chosen)
