"""samfit fit: the largest batch on a card, and the levers that it takes."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

import samfit
from samfit.errors import UserError
from samfit.harness.cli.instrument import say_why_traced
from samfit.harness.cli.options import Set, cell_from_options, has_options_of, takes
from samfit.harness.cli.output import Bars, Json, interruptible, print_answer, print_json
from samfit.harness.record.cell import Cell

Names = Annotated[list[str] | None, typer.Argument(help="Adapters to ask about. Default: all.")]


@has_options_of(Cell)
def cells_from_options(adapter: Names = None, settings: Set = None, **given: Any) -> list[Cell]:
    """The Cells that the options describe, one for each of the named adapters."""
    from samfit.adapters.core.registry import adapter_names, broken_adapters

    names = list(dict.fromkeys(adapter or adapter_names()))
    for name, problem in ({} if adapter else broken_adapters()).items():
        Bars().say(f"left out: {problem}")
        names.remove(name)
    return [cell_from_options(name, settings, **given) for name in names]


@takes("cells", cells_from_options, leave_out=("device", "gpu", "compute_capability"))
def fit(
    cells: list[Cell],
    memory: Annotated[
        list[str] | None, typer.Option(help="A card's memory, such as 8GiB; repeatable.")
    ] = None,
    gpu: Annotated[
        list[str] | None, typer.Option(help='A card, such as "RTX 3060"; repeatable.')
    ] = None,
    up_to: Annotated[
        int, typer.Option(min=1, help="Largest batch to look for; larger values take longer.")
    ] = 8,
    output: Annotated[
        Path | None, typer.Option(help="Draw a heat map, too: a .png or .svg file.")
    ] = None,
    json_: Json = False,
) -> None:
    """Find the largest batch of each method that fits a card. Needs no GPU.

    If --batch-size does not fit, samfit looks for the fewest levers (memory-saving options) that
    make it fit. Default cards: one of each usual size, from 8 to 80 GB.
    """
    from samfit.harness.report.fit.plot import draw_fit
    from samfit.harness.report.fit.table import fit_document, fit_tables
    from samfit.harness.report.kit.picture import check_picture, write_picture

    if output:
        check_picture(output)
    cards = [*map(samfit.unnamed_card, memory or []), *map(samfit.find_card, gpu or [])]
    say_why_traced(cells[0], None)
    cards = list(dict.fromkeys(cards)) or list(samfit.COMMON_CARDS)
    wanted = cells[0].batch_size
    with interruptible("; nothing was found"):
        answers = Bars().track(
            samfit.fit_methods(cells, cards, wanted, up_to), len(cells), "methods"
        )
        fits, unsupported = _sorted(answers)
    if not fits:
        raise UserError(" ".join(each.reason for each in unsupported))
    if output:
        write_picture(draw_fit(fits), output)
    if json_:
        print_json(fit_document(fits, cells[0], unsupported))
    else:
        print_answer(fit_tables(fits, wanted, unsupported), [output])


def _sorted(
    answers: Iterable[list[samfit.MethodFit] | samfit.Unsupported],
) -> tuple[list[samfit.MethodFit], list[samfit.Unsupported]]:
    """What was found, and the methods of which nothing can be."""
    fits: list[samfit.MethodFit] = []
    unsupported: list[samfit.Unsupported] = []
    for found in answers:
        if isinstance(found, samfit.Unsupported):
            unsupported.append(found)
        else:
            fits += found
    return fits, unsupported
