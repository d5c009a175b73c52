"""Libraries that some families are written in, and samfit itself does not need."""

from importlib import import_module
from typing import Any

from samfit.errors import UserError


def need(library: str, extra: str) -> Any:
    """The module ``library``, which comes with the ``extra`` of samfit.

    Raises:
        UserError: if it is not installed.
    """
    try:
        return import_module(library)
    except ImportError as error:
        raise UserError(
            f"this backbone needs the library {library}: pip install 'samfit[{extra}]'."
        ) from error
