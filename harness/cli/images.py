"""Options that commands about images share."""

from pathlib import Path
from typing import Annotated

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
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that samfit train wrote.")]
Checkpoint = Annotated[
    str | None, typer.Option(help="File with SAM's weights. Default: the file used in training.")
]
AnyBase = Annotated[
    bool, typer.Option("--any-base", help="Use other weights of SAM than the run was trained on.")
]
