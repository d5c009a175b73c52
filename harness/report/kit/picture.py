"""One plot as a file of the user's choice."""

import io
from pathlib import Path

from matplotlib.figure import Figure

from samfit.errors import UserError
from samfit.files import write_whole
from samfit.harness.report.kit.style import styled
from samfit.harness.report.write import FORMATS


def check_picture(path: Path) -> None:
    """Refuse a file that ``write_picture`` could not write, before there is a picture.

    Raises:
        UserError: if the name does not end in a known format.
    """
    known = [f".{name}" for name in FORMATS]
    if path.suffix.lower() not in known:
        raise UserError(f"--output must end in {' or '.join(known)}, got {str(path)!r}.")


@styled
def write_picture(figure: Figure, path: Path) -> None:
    """Write ``figure`` in the format that the name of ``path`` ends in; folders are made.

    Raises:
        UserError: if ``path`` cannot be written.
    """
    name = path.suffix.lower().removeprefix(".")
    content = io.BytesIO()
    figure.savefig(content, format=name, **FORMATS[name])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content.getvalue())
    except OSError as error:
        raise UserError(f"cannot write --output {path}: {error.strerror}.") from error
