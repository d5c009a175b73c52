"""Files that are there in full or not at all. Needs no torch."""

import os
import uuid
from pathlib import Path

PACKAGE = Path(__file__).parent  # this very samfit
PARTIAL = ".samfit-partial"  # how the name of a file ends while it is being written


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there in full or not at all, even if the machine stops."""
    partial = path.parent / f"{uuid.uuid4().hex}{PARTIAL}"
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # its name must not be there before its content
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
