"""A second Cell, described by how it differs from the first: what ``--against`` takes."""

import inspect
import json
import shlex
from typing import Any

import typer

from samfit.errors import UserError
from samfit.harness.cli.options import cell_from_options
from samfit.harness.record.cell import Cell

# What typer raises for wrong options; where it is defined changes with typer's version.
UsageError: Any = typer.BadParameter.__base__


def cell_against(first: Cell, text: str) -> Cell:
    """The Cell that ``text`` describes, written as on the command line: "ADAPTER OPTIONS".

    What it does not mention is as in ``first``; so are settings, unless it names another adapter.

    Raises:
        UserError: for options that do not exist or values that do not make a Cell.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(add_help_option=False)(_command(first))
    try:
        cell: Cell = app(shlex.split(text), standalone_mode=False)
    except UsageError as error:
        raise _mistake(text, error.format_message()) from None
    except ValueError as error:  # of shlex, or a UserError
        raise _mistake(text, str(error)) from None
    return cell


def _command(first: Cell) -> Any:
    """``cell_from_options`` whose defaults are the values of ``first``."""

    def command(adapter: str, settings: list[str] | None, **given: Any) -> Cell:
        texts = list(settings or [])
        mentioned = {text.partition("=")[0] for text in texts}
        if adapter == first.adapter:
            texts += [
                f"{name}={json.dumps(value)}"
                for name, value in first.settings.items()
                if name not in mentioned
            ]
        return cell_from_options(adapter, settings=texts, **given)

    defaults = {**vars(first), "settings": None}
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, default=defaults[name])
        for name, parameter in inspect.signature(cell_from_options).parameters.items()
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {}  # those of the signature count
    return command


def _mistake(text: str, message: str) -> UserError:
    end = "" if message.endswith((".", "?")) else "."
    return UserError(f"--against {text!r}: {message}{end}")
