"""Python imports a module of this name when it starts: here the watching of a program begins.

The folder of this file comes first on PYTHONPATH; a ``sitecustomize`` of
the user's is imported, too.
"""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
STAND_INS = {"samfit": HERE.parents[3], "samfit.harness": HERE.parents[2]}
OLDEST = (3, 10)  # this file alone is for older ones, too


@contextmanager
def _rooms() -> Iterator[None]:
    """Meanwhile what watches can be imported by its own name, be samfit installed here or not.

    The packages above it are stood in for: the program may have a samfit of its own.
    """
    own = {name: sys.modules.pop(name) for name in STAND_INS if name in sys.modules}
    for name, folder in STAND_INS.items():
        sys.modules[name] = module = ModuleType(name)
        module.__path__ = [str(folder)]
    try:
        yield
    finally:
        for name in STAND_INS:
            del sys.modules[name]
        sys.modules.update(own)


def _begin() -> None:
    with _rooms():
        import_module("samfit.harness.program.inside.start").begin(_rooms)


def _say_too_old() -> None:
    """Leave word of a Python that cannot import what watches."""
    folder = os.environ.get("SAMFIT_PROGRAM_FOLDER")
    if folder:
        with (Path(folder) / f"{os.getpid()}.log").open("a", encoding="utf-8") as file:
            file.write(f"too-old {platform.python_version()}\n")


def _give_way() -> None:
    """Import the user's module of this name, if there is one, in the place of this."""
    sys.path[:] = [entry for entry in sys.path if Path(entry) != HERE]
    spec = PathFinder.find_spec("sitecustomize")
    if spec and spec.loader:
        sys.modules["sitecustomize"] = module = module_from_spec(spec)
        spec.loader.exec_module(module)


if sys.version_info >= OLDEST:
    _begin()
else:
    _say_too_old()
_give_way()
