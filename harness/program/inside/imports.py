"""Act as soon as the program has imported a module, before it goes on."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

Action = Callable[[], None]


class AfterImport(MetaPathFinder):
    """Stands before all finders; runs an action once after a module of that name was executed."""

    def __init__(self, actions: Mapping[str, Action]) -> None:
        self._actions = dict(actions)
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """What the other finders find, with the action behind it."""
        action = self._actions.pop(name, None)
        if action is None:
            return None
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            self._actions[name] = action  # not there now; it may be later
            return None
        execute = spec.loader.exec_module

        def execute_and_act(module: Any) -> None:
            execute(module)
            action()

        spec.loader.exec_module = execute_and_act  # type: ignore[method-assign]
        return spec
