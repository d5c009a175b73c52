"""Which module is running, in forward and in backward."""

import bisect
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook


class RunningModule:
    """Knows the name of the running module of ``model`` while used as a context manager.

    Autograd numbers its nodes in order of creation. Remembering the number at each change of module
    in forward tells, for any node that runs in backward, which module created it.
    """

    def __init__(self, model: nn.Module) -> None:
        self._names = {module: name for name, module in model.named_modules()}
        self._stack = [""]
        self._numbers: list[int] = []
        self._owners: list[str] = []
        self._hooks: list[Any] = []

    def __enter__(self) -> "RunningModule":
        self._hooks = [
            register_module_forward_pre_hook(lambda module, _: self._push(module)),
            register_module_forward_hook(lambda *_: self._pop(), always_call=True),
        ]
        return self

    def __exit__(self, *error: Any) -> None:
        for hook in self._hooks:
            hook.remove()

    def name(self) -> str:
        """The running module's name; empty outside of modules."""
        node = torch._C._current_autograd_node()
        if node is None:
            return self._stack[-1]
        position = bisect.bisect_right(self._numbers, node._sequence_nr()) - 1
        return self._owners[position] if position >= 0 else ""

    def _push(self, module: nn.Module) -> None:
        self._stack.append(self._names.get(module, self._stack[-1]))
        self._note()

    def _pop(self) -> None:
        self._stack.pop()
        self._note()

    def _note(self) -> None:
        self._numbers.append(torch._C._autograd._get_sequence_nr())
        self._owners.append(self._stack[-1])
