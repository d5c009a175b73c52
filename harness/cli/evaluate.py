"""samfit evaluate: score the masks of a trained model."""

from pathlib import Path
from typing import Annotated

import typer

import samfit
from samfit.files import write_whole, writing_to
from samfit.harness.cli.images import AnyBase, Checkpoint, Require, RunArgument, Where, Workers
from samfit.harness.cli.options import reading_from_options, takes
from samfit.harness.cli.output import Bars, Json, print_answer, print_json


@takes("reading", reading_from_options)
def evaluate(
    reading: samfit.Reading,
    run: RunArgument,
    data: Annotated[
        str | None,
        typer.Option(help="Images and masks to score. Default: the data set used in training."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="test|val|train",
            help="Part of the data to score. Default: test, else val, else train.",
        ),
    ] = None,
    checkpoint: Checkpoint = None,
    any_base: AnyBase = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Images at a time.")] = 1,
    device: Where = None,
    workers: Workers = None,
    output: Annotated[
        Path | None, typer.Option(help="CSV file for the scores of each image.")
    ] = None,
    worst: Annotated[
        Path | None, typer.Option(help="Draw the images with the worst masks: a .png or .svg file.")
    ] = None,
    worst_count: Annotated[int, typer.Option(min=1, help="Images that --worst draws.")] = 8,
    require: Require = None,
    json_: Json = False,
) -> None:
    """Score the masks of a trained model, with intervals over the images."""
    from samfit.harness.report.accuracy.table import per_image_table, score_table, scores_to_json
    from samfit.harness.report.accuracy.worst import draw_worst
    from samfit.harness.report.kit.picture import check_picture, write_picture

    if worst:
        check_picture(worst, "--worst")
    trained = samfit.Run(run, checkpoint, device, any_base)
    found = samfit.evaluate(
        trained,
        data,
        reading=reading,
        split=split,
        batch_size=batch_size,
        worst=worst_count if worst else 0,
        workers=workers,
        progress=Bars(),
    )
    if json_:
        print_json(
            {
                "data": found.data,
                "split": found.split,
                **scores_to_json(found.metrics),
                "baselines": found.baselines,
                "problem": found.problem,
            }
        )
    else:
        told = (found.data, found.split, found.class_names, found.baselines)
        print_answer(score_table(found.metrics, *told))
    if found.problem:
        Bars().say(f"warning: {found.problem}")
    if output:  # last: if it cannot be written, the scores have been said
        content = per_image_table(found.metrics).to_csv(index=False, lineterminator="\n").encode()
        with writing_to(output):
            write_whole(output, content)
    if worst:
        name = f"{found.data}, {found.split}"
        figure = draw_worst(found.worst, name, found.classes, found.class_names)
        write_picture(figure, worst, "--worst")
    if require:
        found.require_better_than_baseline()
