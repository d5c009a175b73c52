"""samfit data: what a data set holds, and how samfit reads it."""

import ctypes
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

import samfit
from samfit.harness.cli.options import reading_from_options, takes
from samfit.harness.cli.output import Bars, Json, messages, print_answer, print_json

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's names, in malloc.h


@takes("reading", reading_from_options)
def data(
    reading: samfit.Reading,
    directory: Annotated[
        str,
        typer.Argument(
            metavar="DIR", help="Folder of images and masks, a CSV or COCO file, or miniature:TASK."
        ),
    ],
    image_size: Annotated[
        int, typer.Option(min=32, help="Side of SAM's input, at which objects may vanish.")
    ] = 1024,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Picture of five pairs, PNG or SVG. Default: data-NAME.png; none with --json."
        ),
    ] = None,
    json_: Json = False,
) -> None:
    """Summarise a data set: what it holds, how samfit reads it, and a picture of five pairs."""
    from samfit.harness.report.data.plot import draw_pairs
    from samfit.harness.report.data.table import summary_table
    from samfit.harness.report.kit.picture import check_picture, write_picture

    if output:
        check_picture(output)
    _keep_memory()
    found = samfit.open_data(directory, image_size=image_size, progress=Bars(), **vars(reading))
    summary = samfit.summarise(found, image_size, Bars())
    picture = output or (None if json_ else Path(f"data-{found.name.replace(' ', '-')}.png"))
    if picture:
        write_picture(draw_pairs(found), picture)
    if json_:
        print_json(asdict(summary))
    else:
        print_answer(summary_table(summary), [picture])


def _keep_memory() -> None:
    """Let glibc keep what it is given back: asking anew for each large mask takes time."""
    with suppress(OSError, AttributeError):  # another C library
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_TRIM_THRESHOLD, 2**29)
        libc.mallopt(M_MMAP_THRESHOLD, 2**25)  # the most that it takes


def say_summary(found: samfit.DataSet, image_size: int) -> None:
    """Print what a data set of files holds, before it is used; its own remarks are said there."""
    if found.intensity is None:
        return  # generated: nobody need be told, and drawing it all takes time
    from samfit.harness.report.data.table import summary_figures

    summary = samfit.summarise(found, image_size, Bars())
    messages.print(summary_figures(summary))
    for remark in summary.remarks[len(found.remarks) :]:
        Bars().say(remark)
