"""JSON that anyone may have written, as objects whose fields have their types. Needs no torch."""

import functools
import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from samfit.errors import UserError

T = TypeVar("T")

# The upper end keeps a number within 64 bits.
Count = Annotated[int, Field(ge=0, lt=2**63)]
PositiveCount = Annotated[int, Field(gt=0, lt=2**63)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Typed:
    """A dataclass that ``read`` takes as it stands: no value converted, no unknown field."""

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")


def read(kind: type[T], document: Mapping[str, Any]) -> T:
    """The ``kind`` that the fields of ``document`` describe.

    Raises:
        UserError: for a missing or unknown field, or a value that is not of the field's type.
    """
    adapter: TypeAdapter[T] = _adapter(kind)  # type: ignore[arg-type] # a class can be hashed
    try:  # as JSON: of Python's objects strict reading takes no dictionary for a dataclass
        return adapter.validate_json(json.dumps(document))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "all of it"
        reason = first["msg"].removeprefix("Value error, ").rstrip(".")  # one of ours, perhaps
        raise UserError(f"{where!r}: {reason}") from error


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
