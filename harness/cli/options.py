"""The command line's options that together describe a Cell: one name everywhere."""

import dataclasses
import functools
import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, TypeVar, get_origin, get_type_hints

import typer

from samfit import Cell, Reading, Recipe, UserError
from samfit.adapters.core.registry import canonical_settings
from samfit.typed import option_name, option_texts

Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Hyper-parameter of the adapter, such as rank=8; repeatable.",
    ),
]
Build = TypeVar("Build", bound=Callable[..., Any])


def has_options_of(kind: type) -> Callable[[Build], Build]:
    """Give a function, as its signature, the options of ``kind``, and options of its own.

    Its own are annotated as such; they replace those of the same name, and others follow.
    """

    def decorate(build: Build) -> Build:
        options = {option.name: option for option in options_of(kind)}
        for name, own in inspect.signature(build).parameters.items():
            if get_origin(own.annotation) is Annotated:
                options[name] = own.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        build.__signature__ = inspect.Signature([*options.values()])  # type: ignore[attr-defined]
        return build

    return decorate


def options_of(kind: type) -> Iterator[inspect.Parameter]:
    """The command line's options for a dataclass: name, type, default and help of each field.

    Bounds are left to the dataclass, whose sentence is plainer than that of typer.
    """
    types, texts = get_type_hints(kind), option_texts(kind)
    for field in dataclasses.fields(kind):
        text = texts.get(field.name)
        if text is None:
            continue
        default, shown = field.default, typer.Option(option_name(field.name), help=text)
        if default is dataclasses.MISSING:
            default, shown = inspect.Parameter.empty, typer.Argument(help=text)
        yield inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=Annotated[types[field.name], shown],
        )


@has_options_of(Cell)
def cell_from_options(adapter: str, settings: Set = None, **given: Any) -> Cell:
    """The Cell that the options describe.

    Raises:
        UserError: for values that do not make a Cell.
    """
    found = canonical_settings(adapter, settings_given(settings))
    return Cell(adapter=adapter, settings=found, **given)


@has_options_of(Recipe)
def recipe_from_options(**given: Any) -> Recipe:
    """The recipe that the options describe."""
    return Recipe(**given)


@has_options_of(Reading)
def reading_from_options(**given: Any) -> Reading:
    """How the options say that a data set is to be read."""
    return Reading(**given)


def takes(
    name: str, build: Callable[..., Any], leave_out: Sequence[str] = (), **defaults: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of ``build`` in place of its argument ``name``.

    Options in ``leave_out`` are not there; ``defaults`` replace those of ``build``.
    """
    given = [
        parameter.replace(
            kind=inspect.Parameter.KEYWORD_ONLY,
            default=defaults.get(parameter.name, parameter.default),
        )
        for parameter in inspect.signature(build).parameters.values()
        if parameter.name not in leave_out
    ]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(command).parameters.values()
            if parameter.name != name
        ]

        @functools.wraps(command)
        def with_options(**values: Any) -> Any:
            options = {parameter.name: values.pop(parameter.name) for parameter in given}
            return command(**{name: build(**options)}, **values)

        with_options.__signature__ = inspect.Signature([*given, *own])  # type: ignore[attr-defined]
        return with_options

    return decorate


takes_cell = takes("cell", cell_from_options)


def settings_given(texts: list[str] | None) -> dict[str, Any]:
    """What each ``--set KEY=VALUE`` says.

    Raises:
        UserError: for another form, or a name that is given twice.
    """
    found: dict[str, Any] = {}
    for name, value in map(_setting, texts or []):
        if name in found:
            raise UserError(f"--set {name} is given twice: give it once.")
        found[name] = value
    return found


def _setting(text: str) -> tuple[str, Any]:
    """``key=value``, the value as JSON where it is JSON (8, 0.1, true), as text elsewhere."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UserError(f"--set takes KEY=VALUE, got {text!r}.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
