"""How a change to a SAM is made and undone.

A change is a hook or an override of one object's method, never an edit: SAM's modules, parameter
names and checkpoints stay what they are, and removing the change restores the base model exactly.
"""

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

ChangeInput = Callable[[Tensor], Tensor]
ChangeOutput = Callable[[Tensor, Tensor], Tensor]


class Removable(Protocol):
    """What undoes a change."""

    def remove(self) -> None:
        """Undo the change."""


def before(module: nn.Module, change: ChangeInput) -> RemovableHandle:
    """Replace the input ``x`` of ``module`` by ``change(x)`` until the handle is removed."""
    return module.register_forward_pre_hook(lambda _, inputs: (change(inputs[0]), *inputs[1:]))


def after(module: nn.Module, change: ChangeOutput) -> RemovableHandle:
    """Replace the output ``y`` of ``module`` by ``change(x, y)`` until the handle is removed."""
    return module.register_forward_hook(lambda _, inputs, output: change(inputs[0], output))


def override(owner: object, name: str, method: Callable[..., Any]) -> Removable:
    """Let ``owner`` run ``method`` in place of its own method ``name`` until the handle is removed.

    A module's hooks still run around its ``forward``.
    """
    return _Override(owner, name, method)


def leave_out(owner: nn.Module, name: str) -> Removable:
    """Put an empty module in the place of the submodule ``name`` of ``owner`` until removed.

    It keeps ``img_size``, which segment-anything reads of an image encoder that it does not run.
    """
    empty, left_out = nn.Module(), getattr(owner, name)
    if hasattr(left_out, "img_size"):
        empty.img_size = left_out.img_size
    return _Replaced(owner, name, empty)


class _Replaced:
    """A submodule in the place of another."""

    def __init__(self, owner: nn.Module, name: str, module: nn.Module) -> None:
        self._owner, self._name, self._before = owner, name, getattr(owner, name)
        setattr(owner, name, module)

    def remove(self) -> None:
        setattr(self._owner, self._name, self._before)


class _Override:
    """Shadows a method of a class by an attribute of one of its objects."""

    def __init__(self, owner: object, name: str, method: Callable[..., Any]) -> None:
        self._owner, self._name = owner, name
        self._before = vars(owner).get(name)
        setattr(owner, name, method)

    def remove(self) -> None:
        if self._before is None:
            delattr(self._owner, self._name)
        else:
            setattr(self._owner, self._name, self._before)
