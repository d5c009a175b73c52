"""The application to which the commands belong."""

import typer

app = typer.Typer(
    help="Which adapter of the Segment Anything Model fits your GPU, how fast it trains there, and "
    "how good its masks are.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
