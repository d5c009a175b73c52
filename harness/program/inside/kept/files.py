"""Rules for the standard library's functions: files that hold weights stay as they are."""

import builtins
import io
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from samfit.harness.program.inside.kept.replaced import GO_ON, replace
from samfit.harness.program.inside.kept.weights import absolute, belongs_to_weights, hold_weights

# Modules and packages that bring files from elsewhere, by download or out of an archive.
BRINGERS = {
    *("torch.hub", "torchvision.datasets.utils", "huggingface_hub", "kagglehub", "modelscope"),
    *("urllib", "urllib3", "requests", "httpx", "gdown", "wget", "tarfile", "zipfile"),
}
COPIERS = {"shutil"}  # it asks before it opens a file to copy another there
TEMPORARY = {"tempfile"}

_open, _open_number = io.open, os.open
_remove, _remove_tree = os.remove, shutil.rmtree


class Files:
    """What was asked of files that hold weights, and was not done."""

    def __init__(self) -> None:
        self.not_written: dict[str, None] = {}  # in order
        self.not_removed: dict[str, None] = {}
        self._scratch: set[Path] = set()
        self._gone: set[Path] = set()  # folders of which the program believes it

    def install(self) -> None:
        """Let the rules come before the functions, wherever they can be called from."""
        replace(builtins, "open", self._opening, io)
        replace(os, "open", self._opening_number)
        replace(os, "mkdir", self._making)
        for name in ("remove", "unlink"):
            replace(os, name, self._removing)
        for name in ("rename", "replace"):
            replace(os, name, self._moving)
        for name in ("chmod", "utime"):
            replace(os, name, self._describing)
        for name in ("fsync", "fdatasync"):
            replace(os, name, self._flushing)
        replace(os, "rmdir", self._removing_folder)
        replace(os.path, "exists", self._existing)
        replace(os.path, "getsize", self._weighing)
        replace(os, "truncate", self._truncating)
        replace(os, "link", self._linking)
        replace(os, "symlink", self._pointing)
        replace(shutil, "rmtree", self._removing_tree)
        replace(shutil, "copyfile", self._copying)
        for name in ("copymode", "copystat"):
            replace(shutil, name, self._copying_description)

    def is_scratch(self, path: Path) -> bool:
        """Whether the program made this file, or a folder above it, with ``tempfile``."""
        return _lies_in(path, self._scratch)

    def note_not_written(self, path: Path) -> None:
        """Tell it once."""
        self.not_written.setdefault(str(path))

    def discard_if_empty(self, path: Path) -> None:
        """Remove what the program has just opened, to save in it; none would find it useful."""
        if path.is_file() and not path.stat().st_size:
            _remove(path)

    def _note_not_removed(self, path: Path) -> None:
        self.not_removed.setdefault(str(path))

    def _keeps(self, path: Path) -> bool:
        """Whether a file is not to be written."""
        if self.is_scratch(path) or path.is_dir():
            return False
        return hold_weights(path) or belongs_to_weights(path)

    def _keeps_any(self, path: Path) -> bool:
        """Whether this is a file that is not to be written, or a folder that holds one."""
        return self._keeps(path) or any(
            hold_weights(file) and not self.is_scratch(file) for file in _files_below(path)
        )

    def _was_to_be(self, path: Path) -> bool:
        """Whether the program believes that it has written this file, which is not there."""
        return str(path) in self.not_written and not os.path.lexists(path)

    # The rules, each with the parameters of what it comes before.

    def _opening(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        if not set("wax") & set(mode) or self._writes(absolute(file), exclusive="x" in mode):
            return GO_ON
        return _open(file, mode, buffering, encoding, errors, newline, closefd, _open_nothing)

    def _opening_number(
        self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None
    ) -> Any:
        if not flags & (os.O_WRONLY | os.O_RDWR):
            return GO_ON
        where = absolute(path, dir_fd)
        exclusive = bool(flags & os.O_EXCL)
        if exclusive and not os.path.lexists(where) and _runs(TEMPORARY):
            self._scratch.add(where)
        in_place = flags & os.O_RDWR and not flags & os.O_TRUNC and where.exists()
        if in_place or self._writes(where, exclusive):
            return GO_ON
        return _open_nothing(where, flags)

    def _writes(self, path: Path, exclusive: bool) -> bool:
        """Whether opening it is harmless: it holds no weights, or fails, or real ones come."""
        there = os.path.lexists(path)
        fails = (there and exclusive) or not path.parent.is_dir()
        if fails or not self._keeps(path) or (not there and (_real_ones_come() or _runs(COPIERS))):
            return True
        self.note_not_written(path)
        return False

    def _making(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> Any:
        where = absolute(path, dir_fd)
        if not os.path.lexists(where) and _runs(TEMPORARY):
            self._scratch.add(where)
        if where in self._gone:
            self._gone.remove(where)
            return None
        return GO_ON

    def _existing(self, path: Any) -> Any:
        """Some refuse to save in a folder that is there, and have just removed it."""
        return False if self._gone and _lies_in(absolute(path), self._gone) else GO_ON

    def _removing(self, path: Any, *, dir_fd: int | None = None) -> Any:
        where = absolute(path, dir_fd)
        if self._was_to_be(where):
            return None
        if not os.path.lexists(where) or not self._keeps(where):
            return GO_ON
        self._note_not_removed(where)
        return None

    def _removing_folder(self, path: Any, *, dir_fd: int | None = None) -> Any:
        return None if self._keeps_any(absolute(path, dir_fd)) else GO_ON

    def _removing_tree(self, path: Any, *options: Any, **named: Any) -> Any:
        where = absolute(path, named.get("dir_fd"))
        if not self._keeps_any(where):
            return GO_ON
        self._note_not_removed(where)
        self._gone.add(where)
        return None

    def _moving(
        self, src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> Any:
        source, target = absolute(src, src_dir_fd), absolute(dst, dst_dir_fd)
        if self._was_to_be(source):
            self.note_not_written(target)
            return None
        new = not os.path.lexists(target)
        if not os.path.lexists(source) or (new and _runs(BRINGERS)):
            return GO_ON
        temporary = _runs(BRINGERS) or self.is_scratch(source)
        if not temporary and self._keeps_any(source):
            self._note_not_removed(source)
            return None
        safe = self.is_scratch(target) or not self._would_hold(source, target)
        if safe or (new and not temporary and _real_ones_come()):
            return GO_ON
        self.note_not_written(target)
        if temporary:
            (_remove_tree if source.is_dir() else _remove)(source)
        return None

    def _would_hold(self, source: Path, target: Path) -> bool:
        """Whether a file, or one in a folder, would hold weights once it was moved."""
        if source.is_dir():
            return any(map(hold_weights, _files_below(source)))
        return self._keeps(target) or hold_weights(source)

    def _linking(self, src: Any, dst: Any, **named: Any) -> Any:
        source = absolute(src, named.get("src_dir_fd"))
        return self._naming(source, absolute(dst, named.get("dst_dir_fd")))

    def _pointing(self, src: Any, dst: Any, *options: Any, **named: Any) -> Any:
        target = absolute(dst, named.get("dir_fd"))
        return self._naming(target.parent / os.fsdecode(src), target)

    def _naming(self, source: Path, target: Path) -> Any:
        """A new name for real weights is harmless."""
        new = not os.path.lexists(target)
        if (new and (source.exists() or _real_ones_come())) or not self._keeps(target):
            return GO_ON
        self.note_not_written(target)
        return None

    def _copying(self, src: Any, dst: Any, **named: Any) -> Any:
        source, target = absolute(src), absolute(dst)
        if not self._was_to_be(source):
            real = source.exists() and not self.is_scratch(source)
            if not source.exists() or (real and not os.path.lexists(target)):
                return GO_ON
            if not self._keeps(target):
                return GO_ON
        self.note_not_written(target)
        return dst

    def _copying_description(self, src: Any, dst: Any, **named: Any) -> Any:
        target = absolute(dst)
        return None if self._was_to_be(target) or self._keeps(target) else GO_ON

    def _describing(self, path: Any, *values: Any, **named: Any) -> Any:
        return None if self._was_to_be(absolute(path, named.get("dir_fd"))) else GO_ON

    def _weighing(self, filename: Any) -> Any:
        return 0 if self._was_to_be(absolute(filename)) else GO_ON

    def _truncating(self, path: Any, length: int) -> Any:
        where = absolute(path)
        if not self._keeps(where):
            return GO_ON
        self.note_not_written(where)
        return None

    def _flushing(self, fd: Any) -> Any:
        """Only what is really a file can be written to the disk."""
        status = os.fstat(fd if isinstance(fd, int) else fd.fileno())
        nothing = stat.S_ISCHR(status.st_mode) and status.st_rdev == Path(os.devnull).stat().st_rdev
        return None if nothing else GO_ON


def _lies_in(path: Path, folders: set[Path]) -> bool:
    return not folders.isdisjoint((path, *path.parents))


def _files_below(folder: Path) -> Iterator[Path]:
    return (Path(where, name) for where, _, names in os.walk(folder) for name in names)


def _open_nothing(path: Any, flags: int) -> int:
    """An opener of files that lead nowhere, under the name that they were asked for."""
    return _open_number(os.devnull, flags & (os.O_WRONLY | os.O_RDWR) | os.O_CLOEXEC)


def _real_ones_come() -> bool:
    """Whether a new file may hold real weights: some library brings it, or there are no others."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    return not getattr(cuda, "is_initialized", bool)() or _runs(BRINGERS)


def _runs(modules: set[str]) -> bool:
    """Whether a function of one of these modules or packages is being called."""
    frame: FrameType | None = sys._getframe(1)
    while frame:
        name = frame.f_globals.get("__name__", "")
        if name in modules or name.partition(".")[0] in modules:
            return True
        frame = frame.f_back
    return False
