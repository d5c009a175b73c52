"""Dataclasses whose fields have the values that they should, or one plain sentence. Needs no torch.

A dataclass that is read from JSON is a ``Typed``; one that people also build by hand is
``checked``; those of its fields that the command line offers are each an ``option``.
"""

import functools
import inspect
import json
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import asdict, field, fields
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ArgsKwargs, ErrorDetails
from typing_extensions import Self

from samfit.errors import UserError, spelling_hint

T = TypeVar("T")

# The upper end keeps a number within 64 bits.
Count = Annotated[int, Field(ge=0, lt=2**63)]
PositiveCount = Annotated[int, Field(gt=0, lt=2**63)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

# What a value must be, by the type of pydantic's error or the first word of it.
_WANTED = {
    "int": "a whole number",
    "float": "a number",
    "finite_number": "a finite number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "dict": "an object",
    "mapping": "an object",
    "dataclass": "an object",
    "dataclass_exact_type": "a {class_name}",
    "json": "JSON that can be read again",
    "literal_error": "{expected}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "a list of at least {min_length} values",
    "too_long": "a list of at most {max_length} values",
}

_adapter: Callable[[Any], TypeAdapter[Any]] = functools.lru_cache(TypeAdapter)


class Typed:
    """A dataclass that JSON describes as it stands: no value converted, no unknown field."""

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The object that the fields of ``document`` describe.

        Raises:
            UserError: for a missing or unknown field, or a value that is not allowed.
        """
        try:  # as JSON: of Python's objects strict reading takes no dictionary for a dataclass
            return _adapter(cls).validate_json(json.dumps(document))
        except ValidationError as error:
            raise _mistake(error, cls) from None

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return asdict(self)  # type: ignore[call-overload] # what derives from it is a dataclass


def option(default: T, text: str, **bounds: float) -> T:
    """A field that is an option of the command line, too.

    Args:
        default: the field's default, and the option's.
        text: what it is, for ``--help`` and for the docstring.
        bounds: as pydantic takes them: ``ge`` and ``le``, the least and the largest value.
    """
    return field(default=default, metadata={"description": text, **bounds})


def option_name(field: str) -> str:
    """The command-line option of a field."""
    return "--" + field.replace("_", "-")


def checked(kind: type[T]) -> type[T]:
    """Let the dataclass ``kind`` check its fields when it is built, and tell its options.

    Its docstring ends with a section of attributes, to which the options are added.
    """

    @functools.wraps(kind.__init__)
    def build(self: T, **values: Any) -> None:
        given = ArgsKwargs((), values)
        try:
            _adapter(kind).validator.validate_python(given, self_instance=self)
        except ValidationError as error:
            raise _mistake(error, kind) from None

    told = [
        textwrap.fill(f"{name}: {text}", 100, initial_indent=" " * 4, subsequent_indent=" " * 8)
        for name, text in option_texts(kind).items()
    ]
    kind.__init__ = build  # type: ignore[assignment]
    kind.__doc__ = "\n".join([inspect.cleandoc(kind.__doc__ or ""), *told])
    return kind


def option_texts(kind: Any) -> dict[str, str]:
    """The fields of a dataclass that are options, and what each is."""
    told = {f.name: f.metadata.get("description") for f in fields(kind)}
    return {name: text for name, text in told.items() if text}


def convert(kind: Any, value: Any, name: str) -> Any:
    """``value`` as ``kind``, which is no dataclass; text may spell a number, true or false.

    Raises:
        UserError: for another value, infinity among them, which it calls ``name``.
    """
    try:
        return _finite(kind).validate_python(value, strict=not isinstance(value, str))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UserError(f"{name} {_wanted(first)}") from None


@functools.lru_cache
def _finite(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind, config=ConfigDict(allow_inf_nan=False))


def _mistake(error: ValidationError, kind: type) -> UserError:
    """The first thing that is wrong with an object of the dataclass ``kind``, in one sentence."""
    first = error.errors(include_url=False)[0]
    wrong, path = first["type"], first["loc"]
    if wrong == "value_error":  # raised by __post_init__: a sentence of ours
        sentence = str(first["ctx"]["error"])
        return UserError(f"{_name(kind, path)}: {sentence}" if path else sentence)
    if wrong == "missing":
        return UserError(f"{_name(kind, path[:-1])} needs the field {path[-1]!r}.")
    if wrong in ("unexpected_keyword_argument", "extra_forbidden"):
        known = [each.name for each in fields(kind)]
        hint = spelling_hint(str(path[-1]), known) if len(path) == 1 else "leave it out."
        return UserError(f"{_name(kind, path[:-1])} has no field {path[-1]!r}: {hint}")
    return UserError(f"{_name(kind, path)} {_wanted(first)}")


def _name(kind: Any, path: tuple[int | str, ...]) -> str:
    """What a user calls the value at ``path`` within an object of ``kind``."""
    if not path:
        return f"the {kind.__name__}"
    if len(path) == 1 and path[0] in option_texts(kind):
        return option_name(str(path[0]))
    return repr(".".join(map(str, path)))


def _wanted(error: ErrorDetails) -> str:
    """The end of a sentence about a value: what it must be, and what it is."""
    wanted = _WANTED.get(error["type"]) or _WANTED.get(error["type"].split("_")[0], "another value")
    bounds = error.get("ctx", {}).items()
    shown = {name: f"{end:g}" if isinstance(end, float) else end for name, end in bounds}
    return f"must be {wanted.format(**shown)}, got {error['input']!r:.80}."
