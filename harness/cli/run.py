"""samfit run: any program, unmodified, on a card that is not there."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

import samfit
from samfit.harness.cli.output import Bars, Json, interruptible, messages, print_answer, print_json
from samfit.harness.run.program import TIME_LIMIT_S, Reads

NOT_JUDGED = 2

Program = Annotated[
    list[str], typer.Argument(metavar="PROGRAM ARGS...", help="The program, after --.")
]


def run(
    program: Program,
    gpu: Annotated[
        str | None, typer.Option(help='The card, such as "RTX 3060". Default: a large one.')
    ] = None,
    memory: Annotated[
        str | None, typer.Option(help="In place of --gpu: a card's memory, such as 8GiB.")
    ] = None,
    gpus: Annotated[int, typer.Option(min=1, max=8, help="How many such cards there are.")] = 1,
    steps: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Stop after so many optimizer steps; 0: never. Default: 3; with --batches, one "
            "after the first evaluation.",
        ),
    ] = None,
    batches: Annotated[
        int | None,
        typer.Option(
            min=1, help="End every data loader after so many batches, to reach evaluation."
        ),
    ] = None,
    alloc_conf: Annotated[
        str, typer.Option(help="As PYTORCH_CUDA_ALLOC_CONF, the allocator's options.")
    ] = "",
    reads: Annotated[
        Reads,
        typer.Option(
            help="What the program is told where it reads a value that was never computed."
        ),
    ] = "usual",
    time_limit: Annotated[
        float, typer.Option(min=1, help="Seconds after which the program is ended.")
    ] = TIME_LIMIT_S,
    output: Annotated[
        Path | None, typer.Option(help="Write the report as a page, too: a .html file.")
    ] = None,
    json_: Json = False,
) -> None:
    """Run your own program on a card that is not there: does it fit? Needs no GPU.

    For example: samfit run --gpu "RTX 3060" -- python train.py --batch-size 2

    The program runs as it is, with PyTorch's own CUDA code; kernels compute nothing, and no weights
    are written. Exit code: 0 it fits, 1 it ran out of memory, 2 it could not be judged.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing is left running
    try:
        if output:
            from samfit.harness.report.program.page import check_page

            check_page(output)
        with interruptible("; the program was ended"):
            report = samfit.run_program(
                program,
                _card(gpu, memory),
                gpus=gpus,
                steps=steps,
                batches=batches,
                alloc_conf=alloc_conf,
                reads=reads,
                time_limit_s=time_limit,
                output_to_errors=json_,
                progress=Bars(),
            )
        _tell(report, output, json_)
    except samfit.UserError as error:
        print(f"samfit: {error}", file=sys.stderr)
        raise typer.Exit(NOT_JUDGED) from None
    raise typer.Exit(report.exit_code)


def _tell(report: samfit.ProgramReport, output: Path | None, as_json: bool) -> None:
    """Print it, and write the page; of what could not be judged there is but a sentence."""
    judged = report.verdict != "not judged"
    if as_json:
        print_json({**report.to_json(), "exit_code": report.exit_code})
    elif judged:
        from samfit.harness.report.program.summary import program_summary

        print_answer(program_summary(report))
    if not judged:
        _say(f"samfit: {report.message}")
    elif output:
        from samfit.harness.report.program.page import write_page

        write_page(report, output)
        _say(str(output))


def _say(text: str) -> None:
    messages.print(text, soft_wrap=True, markup=False, highlight=False)


def _card(gpu: str | None, memory: str | None) -> samfit.Card | None:
    if gpu and memory:
        raise samfit.UserError("--gpu and --memory each name a card: give one of them.")
    return samfit.find_card(gpu) if gpu else samfit.unnamed_card(memory) if memory else None
