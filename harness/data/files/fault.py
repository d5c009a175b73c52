"""Whatever is wrong with a file, in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samfit.errors import UserError


class PictureError(Exception):
    """Why a picture cannot be used, as the end of a sentence that begins with its file's name."""


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Whatever goes wrong with ``path`` in this block becomes one sentence that names it.

    Raises:
        UserError: with that sentence.
    """
    try:
        yield
    except UserError:
        raise
    except PictureError as error:
        raise UserError(f"{path} {error}.") from error
    except Exception as error:  # a damaged file makes libraries raise almost anything
        if isinstance(error, OSError) and error.strerror:
            raise UserError(f"{path} cannot be read: {error.strerror}.") from error
        raise UserError(f"{path} is damaged or not a picture: replace or remove it.") from error


def library_missing(name: str, extra: str) -> PictureError:
    """The fault of a file whose format needs a library that is not there."""
    return PictureError(f'needs the library {name}: pip install "samfit[{extra}]"')
