"""A second Cell, described by how it differs from the first: what ``--against`` takes."""

import shlex
from dataclasses import replace
from typing import Any

import typer

from samfit import Cell, UserError
from samfit.adapters.core.registry import canonical_settings
from samfit.harness.cli.options import Set, has_options_of, settings_given, takes
from samfit.harness.cli.usage import UsageError, in_plain_words


def cell_against(first: Cell, text: str) -> Cell:
    """The Cell that ``text`` describes, written as on the command line: "ADAPTER OPTIONS".

    What it does not mention is as in ``first``; so are settings, unless it names another adapter.

    Raises:
        UserError: for options that do not exist or values that do not make a Cell.
    """

    @has_options_of(Cell)
    def build(adapter: str, settings: Set, **given: Any) -> Cell:
        kept = first.settings if adapter == first.adapter else {}
        found = canonical_settings(adapter, {**kept, **settings_given(settings)})
        return replace(first, adapter=adapter, settings=found, **given)

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    defaults = {**vars(first), "settings": None}
    app.command(add_help_option=False)(takes("cell", build, **defaults)(lambda cell: cell))
    try:
        return app(shlex.split(text), standalone_mode=False)
    except (UsageError, ValueError) as error:  # of shlex, or a UserError
        if isinstance(error, UsageError):
            error.message = in_plain_words(error)
        message = error.format_message() if isinstance(error, UsageError) else str(error)
        end = "" if message.endswith((".", "?")) else "."
        raise UserError(f"--against {text!r}: {message}{end}") from None
