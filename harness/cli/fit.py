"""samfit fit: the largest batch on a card, and the levers that it takes."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from samfit.errors import UserError
from samfit.harness.cli.output import (
    Json,
    print_json,
    with_bar,
)
from samfit.harness.record.cell import Cell


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
    from samfit.harness.record.environment import environment
    from samfit.harness.report.fit.plot import draw_fit
    from samfit.harness.report.fit.table import fit_tables
    from samfit.harness.report.kit.picture import check_picture, write_picture
    from samfit.harness.run.fit import fit_methods

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
