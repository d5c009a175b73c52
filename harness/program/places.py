"""Lines of code as people call them. Needs no torch."""

from pathlib import Path

PACKAGES = ("site-packages", "dist-packages")


def short(place: str) -> str:
    """The path FILE:LINE, or FILE, as seen from the current folder, or from that of packages."""
    path = Path(place)
    parts = path.parts
    for folder in PACKAGES:
        if folder in parts:
            return Path(*parts[parts.index(folder) + 1 :]).as_posix()
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else place
