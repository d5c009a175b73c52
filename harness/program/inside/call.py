"""The program that ``samfit.rehearse`` starts: it calls one function of the user's.

    python call.py FILE

``FILE`` holds a ``Call``, as ``harness/run/function.py`` writes it.
"""

import importlib
import importlib.util
import itertools
import pickle
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

MAIN, LIKE_MAIN = "__main__", "__mp_main__"  # as multiprocessing calls it where it is imported

Call = tuple[list[str], str, str | None, bytes]  # sys.path, module, its file, pickled call


def main(file: str) -> None:
    """Make the call that is described in ``file``."""
    path, name, source, call = pickle.loads(Path(file).read_bytes())
    sys.path[:] = path
    sys.argv[:] = [source or name]
    if source is not None:
        _bring(name, source)
    function, arguments = pickle.loads(call)
    function(*arguments)


def _bring(name: str, source: str) -> None:
    """Let the module be found by its name, although only a file may be known of it."""
    if name == MAIN:  # what stands below if __name__ == "__main__" is not for here
        sys.modules[MAIN] = _run(source, LIKE_MAIN)
        return
    spec = _found(name)
    if spec is None or spec.origin != source:
        _stand_in_for_packages(name)
        _run(source, name)


def _stand_in_for_packages(name: str) -> None:
    """Python imports what a module lies in before it, even where that is no package."""
    *parents, _ = itertools.accumulate(name.split("."), "{}.{}".format)
    for parent in parents:
        if _found(parent) is None:
            sys.modules[parent] = package = ModuleType(parent)
            package.__path__ = []


def _found(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _run(source: str, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, source)
    if spec is None or spec.loader is None:
        raise ImportError(f"{source} is no file of Python's")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main(sys.argv[1])
