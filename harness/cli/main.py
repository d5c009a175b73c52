"""The command ``samfit``: parse, build a Cell, call, print.

torch is imported only by the commands that need it.
"""

import gc
import os
import sys
import warnings
from contextlib import suppress
from typing import NoReturn, TextIO

import typer

from samfit.errors import Remark, UserError
from samfit.harness.cli.blame import blame
from samfit.harness.cli.compare import compare
from samfit.harness.cli.data import data
from samfit.harness.cli.evaluate import evaluate
from samfit.harness.cli.export import export
from samfit.harness.cli.fit import fit
from samfit.harness.cli.list import list_adapters
from samfit.harness.cli.measure import measure
from samfit.harness.cli.merge import merge
from samfit.harness.cli.predict import predict
from samfit.harness.cli.published import published
from samfit.harness.cli.report import report
from samfit.harness.cli.run import run
from samfit.harness.cli.segment import segment
from samfit.harness.cli.sweep import sweep
from samfit.harness.cli.train import train
from samfit.harness.cli.usage import UsageError, in_plain_words
from samfit.harness.cli.validate import validate

app = typer.Typer(
    help="Which adapter of the Segment Anything Model fits your GPU, how fast it trains there, and "
    "how good its masks are.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
app.command("list")(list_adapters)
for each in (
    predict, fit, blame, measure, validate, published, data, train, evaluate, segment, merge,
    export, sweep, report, compare,
):  # fmt: skip
    app.command()(each)
# What follows the program's name is the program's.
app.command(context_settings={"allow_interspersed_args": False})(run)


def command() -> NoReturn:
    """``main`` as a process of its own.

    It is over soon: collecting garbage while torch is imported, and taking everything apart at the
    end, would add a second and a half to every command.
    """
    gc.disable()
    try:
        main()
    except SystemExit as end:
        code = end.code
    if isinstance(code, str):
        print(code, file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # it was reported, or nobody reads it
            stream.flush()
    os._exit(code if isinstance(code, int) else bool(code))


def main() -> NoReturn:
    """Run the command line; a mistake of the user ends in one sentence and exit code 1, one in the
    options in a sentence below the usage and exit code 2.
    """
    warnings.showwarning = _show_warning
    try:
        sys.exit(app(standalone_mode=False))
    except UsageError as error:
        error.message = in_plain_words(error)
        error.show()
        sys.exit(error.exit_code)
    except typer.Abort:  # Ctrl-C
        sys.exit("Aborted.")
    except UserError as error:
        sys.exit(f"samfit: {_readable(str(error))}")
    except OSError as error:  # a full disk, most often: the answer itself cannot be written
        sys.exit(f"samfit: {_readable(str(error))}.")


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A remark as its sentence; any other warning as Python shows it."""
    shown = warnings.formatwarning(message, category, filename, lineno, line)
    sentence = f"{_readable(str(message))}\n" if issubclass(category, Remark) else shown
    print(sentence, end="", file=file or sys.stderr)


def _readable(sentence: str) -> str:
    """``sentence``, in which a name that came from a file breaks no line and moves no cursor."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in sentence)
