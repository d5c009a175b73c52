"""Where in the program something happens: the innermost line that is neither torch's nor ours."""

import functools
import sys
import sysconfig
from pathlib import Path
from types import FrameType
from typing import NamedTuple

OURS = str(Path(__file__).parent)
STANDARD_LIBRARY = sysconfig.get_path("stdlib")
PACKAGES = ("site-packages", "dist-packages")


class Place(NamedTuple):
    """A line of the program, or of a package that it uses."""

    file: str
    line: int
    function: str


def frame_here() -> FrameType | None:
    """The innermost frame of this thread that is the program's; None in a thread without one."""
    frame: FrameType | None = sys._getframe(1)
    while frame and not is_programs(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def here() -> Place | None:
    """The line of ``frame_here``."""
    frame = frame_here()
    return frame and Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


@functools.cache
def is_programs(file: str) -> bool:
    """Whether a file is the program's, or of a package that it uses beside torch."""
    if file.startswith(("<", OURS)):
        return False
    parts = Path(file).parts
    for folder in PACKAGES:
        if folder in parts:
            package = parts[parts.index(folder) + 1 :][0]
            return package not in ("torch", "torch.py")
    return not file.startswith(STANDARD_LIBRARY)
