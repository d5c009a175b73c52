"""Let nothing that saves a model write, and no file that holds weights be harmed."""

import functools
import inspect
import io
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from operator import attrgetter
from pathlib import Path
from typing import Any

from samfit.harness.program.inside.kept.files import Files
from samfit.harness.program.inside.kept.weights import absolute

# By the module that brings it: what saves a model, and its parameter that names the file.
SAVES = {
    "torch": {
        "torch.save": "f",
        "torch.serialization.save": "f",
        "torch.jit.save": "f",
        "torch.jit.RecursiveScriptModule.save": "f",
    },
    "torch.export": {"torch.export.save": "f"},
    "safetensors": {"safetensors.serialize_file": "filename"},
    "safetensors.torch": {
        "safetensors.torch.save_file": "filename",
        "safetensors.torch.save_model": "filename",
    },
    "safetensors.numpy": {"safetensors.numpy.save_file": "filename"},
    # It would save in memory first, write that to a temporary file, and move it.
    "lightning.fabric.utilities.cloud_io": {
        "lightning.fabric.utilities.cloud_io._atomic_save": "filepath"
    },
    "lightning_fabric.utilities.cloud_io": {
        "lightning_fabric.utilities.cloud_io._atomic_save": "filepath"
    },
}
PASSES_ON = ("pipe:", "socket:", "anon_inode:")  # what a number of an open file may stand for
NAMELESS = ("(deleted)", "memfd:")  # in its place: a temporary file that has no name


class Kept:
    """What has been kept from harm in this process."""

    def __init__(self, quietly: Callable[[], AbstractContextManager[Any]] = nullcontext) -> None:
        """Begin.

        Args:
            quietly: gives the context in which saving to memory runs: it reads from the card, but
                these are not values that the program looks at.
        """
        self._quietly = quietly
        self._files = Files()

    @property
    def not_written(self) -> list[str]:
        """Files that were to be written or replaced, each once; some of them are there."""
        return list(self._files.not_written)

    @property
    def not_removed(self) -> list[str]:
        """Files and folders that were to be removed or moved, each once."""
        return list(self._files.not_removed)

    def install(self) -> None:
        """Stand before functions for files, and before what saves a model if it is there."""
        self.install_files()
        for name in SAVES:
            if name in sys.modules:
                self.install_saves(name)

    def install_files(self) -> None:
        """Stand before the standard library's functions for files; best before any import."""
        self._files.install()

    def after_imports(self) -> dict[str, Callable[[], None]]:
        """What to call as soon as a module of that name was imported."""
        return {name: functools.partial(self.install_saves, name) for name in SAVES}

    def install_saves(self, module: str) -> None:
        """Stand before what saves a model and came with this module; some versions lack some."""
        for path, parameter in SAVES[module].items():
            holder, _, name = path.rpartition(".")
            top, _, rest = holder.partition(".")
            try:
                owner = attrgetter(rest)(sys.modules[top]) if rest else sys.modules[top]
                setattr(owner, name, self._instead_of(getattr(owner, name), parameter))
            except (AttributeError, KeyError):
                continue

    def _instead_of(self, original: Callable[..., Any], parameter: str) -> Callable[..., Any]:
        """It saves in memory, and in the program's own temporary files; elsewhere nothing."""
        signature = inspect.signature(original)

        @functools.wraps(original)
        def save(*arguments: Any, **named: Any) -> Any:
            try:
                file = signature.bind(*arguments, **named).arguments[parameter]
            except (KeyError, TypeError):  # the original says what is wrong
                return original(*arguments, **named)
            if not self._may_be_written(file):
                return None
            with self._quietly():
                return original(*arguments, **named)

        return save

    def _may_be_written(self, file: Any) -> bool:
        """Whether nothing lasts of what is written to a path or a file object; noted if not."""
        try:
            if isinstance(file, io.BytesIO) or type(file).__module__ == "tempfile":
                return True
            place = file if isinstance(file, (str, bytes)) or hasattr(file, "__fspath__") else None
            place = getattr(file, "name", None) if place is None else place
            if isinstance(place, int):
                place = str(Path(f"/proc/self/fd/{place}").readlink())
                if place.startswith(PASSES_ON) or any(mark in place for mark in NAMELESS):
                    return True
            path = absolute(place)
            if self._files.is_scratch(path):
                return True
            self._files.note_not_written(path)
            if file is not place and not file.tell():
                self._files.discard_if_empty(path)
        except Exception:  # an object of another kind: where it leads to is not known
            return False
        return False
