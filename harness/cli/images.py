"""Options that commands about images share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from samfit.harness.record.cell import Device

Data = Annotated[
    str, typer.Option(help="Folder of images and masks, a CSV file, or miniature:TASK.")
]
Where = Annotated[
    Device | None,
    typer.Option(help="Where the model runs. Default: the GPU if there is one, else the CPU."),
]
Workers = Annotated[
    int | None,
    typer.Option(min=0, help="Processes that read images. Default: 4 with a GPU, else 0."),
]
Require = Annotated[
    Literal["better-than-baseline"] | None,
    typer.Option(
        help="With better-than-baseline, end with exit code 1 unless the score beats every mask "
        "that needs no model: all background, all foreground, the best grey threshold; of several "
        "classes, the most frequent one everywhere."
    ),
]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that samfit train wrote.")]
Checkpoint = Annotated[
    str | None, typer.Option(help="File with SAM's weights. Default: the file used in training.")
]
AnyBase = Annotated[
    bool, typer.Option("--any-base", help="Use other weights of SAM than the run was trained on.")
]
