"""Hyper-parameters given as text (``--set rank=8``) turned into a method's settings."""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

from adapters.core.errors import UserError

_TRUE_FALSE = {"true": True, "false": False}


def parse_settings(settings_class: type, method: str, given: Mapping[str, Any]) -> Any:
    """Build ``settings_class`` from ``given``, whose values may be text or typed already.

    Args:
        settings_class: the method's dataclass of hyper-parameters.
        method: the method's registered name, for messages.
        given: hyper-parameters that differ from the defaults.

    Raises:
        UserError: for an unknown name or a value that does not fit its type.
    """
    hints = get_type_hints(settings_class)
    for name in given:
        if name not in hints:
            raise UserError(_unknown(method, name, list(hints)))
    values = {name: _convert(method, name, hints[name], given[name]) for name in given}
    return settings_class(**values)


def changed_settings(settings: Any) -> dict[str, Any]:
    """The settings that differ from the defaults, by name."""
    return {
        field.name: value
        for field in dataclasses.fields(settings)
        if (value := getattr(settings, field.name)) != field.default
    }


def _unknown(method: str, name: str, known: list[str]) -> str:
    if not known:
        return f"{method} has no setting {name!r}: it has no settings at all."
    near = difflib.get_close_matches(name, known, n=1)
    guess = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}."
    return f"{method} has no setting {name!r}: {guess}"


def _convert(method: str, name: str, kind: Any, value: Any) -> Any:
    """``value`` as ``kind``: bool, int, float, str or a Literal of these."""
    allowed = get_args(kind) if get_origin(kind) is Literal else None
    base = type(allowed[0]) if allowed else kind
    if base is bool:
        converted = _TRUE_FALSE.get(str(value).lower())
    else:
        try:
            converted = base(value)
        except (TypeError, ValueError):
            converted = None
    if converted is None or (allowed and converted not in allowed):
        wanted = "one of " + ", ".join(map(str, allowed)) if allowed else f"of type {base.__name__}"
        wanted = "true or false" if base is bool else wanted
        raise UserError(f"{method}: setting {name} must be {wanted}, got {value!r}.")
    return converted
