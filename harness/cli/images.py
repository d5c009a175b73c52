"""What commands about images share: the data set, the device, and where memory ends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samfit.errors import UserError
from samfit.harness.cli.output import messages, progress_bar
from samfit.harness.record.cell import Cell, Device

if TYPE_CHECKING:  # these import torch
    import torch

    from samfit.harness.data.dataset import DataSet
    from samfit.harness.data.example import Example

GENERATED = "miniature:"  # how --data begins for a task that comes with samfit

Layout = Annotated[
    str, typer.Option(help="How the folder is organised: auto, or a data set such as cod10k.")
]
Classes = Annotated[
    int, typer.Option(help="1 for masks of one object, K for class indices; 0 looks at the masks.")
]
Where = Annotated[Device | None, typer.Option(help="The card without, if there is one.")]
Workers = Annotated[
    int | None, typer.Option(min=0, help="Processes that read images; 4 for a card, else none.")
]


def open_data(data: str, layout: str, classes: int) -> "DataSet":
    """The data set that --data means; what is remarkable about it goes to the user."""
    from samfit.harness.data.dataset import open_folder
    from samfit.harness.miniature.dataset import miniature

    if data.startswith(GENERATED):
        return miniature(data.removeprefix(GENERATED))
    opened = open_folder(Path(data), layout, classes)
    for remark in opened.remarks:
        messages.print(remark)
    return opened


def check_images(examples: "Sequence[Example]") -> None:
    """Read every image and mask once, so that a bad one does not end the work later."""
    from samfit.harness.data.check import check

    with progress_bar() as bar:
        task = bar.add_task("checking images and masks", total=len(examples))
        check(examples, lambda: bar.advance(task))


def torch_device(device: Device | None) -> "torch.device":
    import torch

    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UserError("--device cuda: there is no CUDA device here; use --device cpu.")
    return torch.device(device or ("cuda" if available else "cpu"))


@contextmanager
def enough_memory(cell: Cell) -> Iterator[None]:
    """Say in one sentence that memory ran out, and how to find what needs less."""
    from samfit.harness.memory.exhausted import is_out_of_memory

    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(
            f"out of memory with --batch-size {cell.batch_size}: use a smaller one, or levers; "
            f"samfit fit {cell.adapter} --backbone {cell.backbone} says which a card needs."
        ) from error


def readers(workers: int | None, device: "torch.device") -> int:
    """Processes that read images: a card must not wait for them, a CPU has other work."""
    if workers is not None:
        return workers
    return 4 if device.type == "cuda" else 0
