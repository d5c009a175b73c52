"""Python imports a module of this name when it starts: here the watching of a program begins.

The folder of this file comes first on PYTHONPATH; a ``sitecustomize`` of
the user's is imported, too.
"""

import os
import platform
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
STAND_INS = {"samfit": HERE.parents[3], "samfit.harness": HERE.parents[2]}
OLDEST = (3, 10)  # this file alone is for older ones, too


def _begin() -> None:
    """Import what watches, whether samfit is installed here or not, under its own name.

    The packages above it are stood in for meanwhile: the program may import its own samfit later.
    """
    for name, folder in STAND_INS.items():
        module = ModuleType(name)
        module.__path__ = [str(folder)]
        sys.modules[name] = module
    try:
        import_module("samfit.harness.program.inside.start").begin()
    finally:
        for name in STAND_INS:
            del sys.modules[name]


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
