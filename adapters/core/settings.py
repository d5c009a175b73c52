"""Hyper-parameters given as text (``--set rank=8``) turned into a method's settings."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from samfit.errors import UserError, spelling_hint

SAME_FUNCTION = "same function"  # in a field's metadata
_TRUE_FALSE = {"true": True, "false": False}


@dataclasses.dataclass(frozen=True)
class Range:
    """The values that a number may take, both ends included."""

    least: float
    most: float = math.inf

    def __contains__(self, value: float) -> bool:
        return self.least <= value <= self.most

    def __str__(self) -> str:
        return f"{self.least:g} to {self.most:g}" if self.most < math.inf else f"{self.least:g} up"


Positive = Annotated[int, Range(1, 65536)]  # so that no size exceeds 64 bits
Share = Annotated[float, Range(0, 1)]
NotNegative = Annotated[float, Range(0)]


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
    values = {}
    for name, value in given.items():
        try:
            values[name] = _convert(hints[name], value)
        except _DoesNotFitError as error:
            raise UserError(f"{method}: setting {name} must be {error}, got {value!r}.") from None
    return settings_class(**values)


def same_function(default: Any) -> Any:
    """A hyper-parameter that changes how a method computes, but not what: its trained files fit
    whatever its value."""
    return dataclasses.field(default=default, metadata={SAME_FUNCTION: True})


def changed_settings(settings: Any) -> dict[str, Any]:
    """The settings that differ from the defaults, by name, as JSON values."""
    return _changed(settings, dataclasses.fields(settings))


def changed_function(settings: Any) -> dict[str, Any]:
    """Those of ``changed_settings`` that change what the method computes."""
    fields = dataclasses.fields(settings)
    return _changed(settings, [f for f in fields if SAME_FUNCTION not in f.metadata])


def lean_settings(settings_class: type) -> dict[str, Any]:
    """Switches of ``settings_class`` that change only how a method computes: to take less."""
    fields = dataclasses.fields(settings_class)
    return {f.name: True for f in fields if SAME_FUNCTION in f.metadata and f.default is False}


def _changed(settings: Any, fields: Iterable[dataclasses.Field]) -> dict[str, Any]:
    return {
        field.name: list(value) if isinstance(value, tuple) else value
        for field in fields
        if (value := getattr(settings, field.name)) != field.default
    }


class _DoesNotFitError(Exception):
    """Says what is wanted instead."""


def _convert(kind: Any, value: Any) -> Any:
    """``value`` as ``kind``: bool, int, float, str, a Literal of these, a number in a Range, or a
    tuple of any of these, which may be given as text with commas."""
    if get_origin(kind) is tuple:
        return _convert_all(get_args(kind)[0], value)
    base, allowed = kind, None
    if get_origin(kind) is Literal:
        base, allowed = type(get_args(kind)[0]), get_args(kind)
    elif get_origin(kind) is Annotated:
        base, allowed = get_args(kind)
    if base is bool:
        converted = _TRUE_FALSE.get(str(value).lower())
    else:
        try:
            converted = base(value)
        except (TypeError, ValueError, OverflowError):
            converted = None
    # 2.5 or true given for an int
    changed = converted != value or (isinstance(value, bool) and base is not bool)
    rounded = changed and not isinstance(value, str)
    endless = base is float and converted is not None and not math.isfinite(converted)
    if converted is None or rounded or endless or (allowed and converted not in allowed):
        raise _DoesNotFitError(_wanted(base, allowed))
    return converted


def _convert_all(kind: Any, value: Any) -> tuple[Any, ...]:
    """A tuple of at least one value, each of ``kind``; choices may not repeat."""
    if isinstance(value, str):
        value = value.split(",")
    elements = value if isinstance(value, list | tuple) else [value]
    try:
        converted = tuple(_convert(kind, e.strip() if isinstance(e, str) else e) for e in elements)
    except _DoesNotFitError as error:
        raise _DoesNotFitError(f"a list, each {error}") from None
    repeats = get_origin(kind) is Literal and len(set(converted)) < len(converted)
    if not converted or repeats:
        raise _DoesNotFitError("a list of different values")
    return converted


def _wanted(base: type, allowed: Any) -> str:
    if base is bool:
        return "true or false"
    if isinstance(allowed, tuple):
        return "one of " + ", ".join(map(str, allowed))
    number = "a whole number" if base is int else "a number" if base is float else "text"
    return f"{number} from {allowed}" if allowed else number
