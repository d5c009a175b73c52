"""Figures as files: in a folder, or one under a name of the user's choice."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from samfit.errors import UserError
from samfit.files import write_whole, writing_to
from samfit.harness.report.kit.style import styled

# Without a date, so that the same figure gives the same bytes.
FORMATS: dict[str, dict[str, Any]] = {"png": {}, "svg": {"metadata": {"Date": None}}}


@styled
def pictures(
    name: str, figure: Figure, formats: Sequence[str] = tuple(FORMATS)
) -> dict[str, bytes]:
    """``figure`` in each of ``formats``, by the name of its file."""
    found = {}
    for suffix in formats:
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix, **FORMATS[suffix])
        found[f"{name}.{suffix}"] = buffer.getvalue()
    return found


def check_picture(path: Path, option: str = "--output") -> None:
    """Refuse a file that ``write_picture`` could not write, before there is a picture.

    Raises:
        UserError: if the name does not end in a known format.
    """
    known = [f".{name}" for name in FORMATS]
    if path.suffix.lower() not in known:
        raise UserError(f"{option} must end in {' or '.join(known)}, got {str(path)!r}.")


def write_picture(figure: Figure, path: Path, option: str = "--output") -> None:
    """Write ``figure`` in the format that the name of ``path`` ends in; folders are made.

    Raises:
        UserError: if ``path`` cannot be written.
    """
    (content,) = pictures("", figure, [path.suffix.lower().removeprefix(".")]).values()
    with writing_to(f"{option} {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)


def write_files(contents: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write files into ``folder``, which is made; each appears as a whole.

    Returns:
        the files, in the order of ``contents``.

    Raises:
        UserError: if ``folder`` cannot be written.
    """
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            write_whole(folder / name, content)
    return [folder / name for name in contents]
