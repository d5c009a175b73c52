"""Stand in the place of functions of the standard library."""

import functools
import os
import pathlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

GO_ON: Any = object()  # a rule's answer: let the original do it

Rule = Callable[..., Any]


class Replaced:
    """Asks a rule of the same parameters first; what it answers is returned.

    The original goes to work where the rule answers ``GO_ON`` or fails. As a function of Python's
    own does, it stays what it is as an attribute of a class, and is pickled by its name.
    """

    def __init__(self, module: ModuleType, name: str, rule: Rule) -> None:
        self._original = getattr(module, name)
        self._rule = rule
        functools.update_wrapper(self, self._original)
        self.__module__, self.__qualname__ = module.__name__, name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        try:
            answer = self._rule(*arguments, **named)
        except Exception:  # a mistake of the program's, which the original tells of; or ours
            answer = GO_ON
        return self._original(*arguments, **named) if answer is GO_ON else answer

    def __reduce__(self) -> str:
        return self.__qualname__


def replace(module: ModuleType, name: str, rule: Rule, *also_in: ModuleType) -> None:
    """Let ``rule`` come before the function ``name`` of ``module``, and of others that share it."""
    if not hasattr(module, name):  # not on this system
        return
    original, replaced = getattr(module, name), Replaced(module, name, rule)
    for holder in (module, *also_in):
        setattr(holder, name, replaced)
    for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if original in able:
            able.add(replaced)
    accessor = getattr(pathlib, "_NormalAccessor", None)  # where Python 3.10 keeps what paths call
    if accessor and getattr(accessor, name, None) is original:
        setattr(accessor, name, replaced)
