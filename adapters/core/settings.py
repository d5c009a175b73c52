"""Hyper-parameters given as text (``--set rank=8``) turned into a method's settings."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import Field

from samfit.errors import UserError, spelling_hint
from samfit.typed import NotNegative as NotNegative, convert

SAME_FUNCTION = "same function"  # in a field's metadata

Positive = Annotated[int, Field(ge=1, le=65536)]  # so that no size exceeds 64 bits
Share = Annotated[float, Field(ge=0, le=1)]


def parse_settings(settings_class: type, method: str, given: Mapping[str, Any]) -> Any:
    """Build ``settings_class`` from ``given``, whose values may be text or typed already.

    Args:
        settings_class: the method's dataclass of hyper-parameters.
        method: the method's registered name, for messages.
        given: hyper-parameters that differ from the defaults.

    Raises:
        UserError: for an unknown name, or a value that does not fit its type.
    """
    hints = get_type_hints(settings_class, include_extras=True)
    for name in given:
        if name not in hints:
            raise UserError(f"{method} has no setting {name!r}: {spelling_hint(name, hints)}")
    values = {
        name: _value(hints[name], value, f"{method}: setting {name}")
        for name, value in given.items()
    }
    return settings_class(**values)


def same_function(default: Any) -> Any:
    """A hyper-parameter that changes how a method computes, but not what: its trained files fit
    whatever its value."""
    return dataclasses.field(default=default, metadata={SAME_FUNCTION: True})


def changed_settings(settings: Any) -> dict[str, Any]:
    """The settings that differ from the defaults, by name, as JSON values."""
    return {
        field.name: list(value) if isinstance(value, tuple) else value
        for field in dataclasses.fields(settings)
        if (value := getattr(settings, field.name)) != field.default
    }


def changed_function(settings: Any) -> dict[str, Any]:
    """Those of ``changed_settings`` that change what the method computes."""
    same = {f.name for f in dataclasses.fields(settings) if SAME_FUNCTION in f.metadata}
    return {name: value for name, value in changed_settings(settings).items() if name not in same}


def lean_settings(settings_class: type) -> dict[str, Any]:
    """Switches of ``settings_class`` that change only how a method computes: to take less."""
    fields = dataclasses.fields(settings_class)
    return {f.name: True for f in fields if SAME_FUNCTION in f.metadata and f.default is False}


def _value(kind: Any, value: Any, name: str) -> Any:
    """``value`` as ``kind``: what ``convert`` takes, or a tuple of it, whose text has commas.

    A tuple has at least one value; choices may not repeat. Where text is wanted, a whole number is
    the text that spells it: a command line cannot tell the two apart, as in ``--set blocks=11``.
    """
    if kind is str and type(value) is int:
        value = str(value)
    if get_origin(kind) is not tuple:
        return convert(kind, value, name)
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    parts = parts if isinstance(parts, list | tuple) else [parts]
    element = get_args(kind)[0]
    found = tuple(convert(element, part, f"{name}: each value") for part in parts)
    repeats = get_origin(element) is Literal and len(set(found)) < len(found)
    if not found or repeats:
        raise UserError(f"{name} must be a list of different values, got {value!r}.")
    return found
