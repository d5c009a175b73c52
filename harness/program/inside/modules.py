"""Names of the program's modules, as they are reached from the model that holds them."""

import weakref
from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_module_registration_hook

DEEPEST = 64  # whatever holds itself ends there


class Names:
    """Learns who holds whom whenever a module is put into another. Keeps no module alive."""

    def __init__(self) -> None:
        self._parents: weakref.WeakKeyDictionary[nn.Module, tuple[Any, str]]
        self._parents = weakref.WeakKeyDictionary()
        register_module_module_registration_hook(self._held)

    def name(self, module: nn.Module) -> str:
        """Such as ``sam.image_encoder.blocks.0``; of what nothing holds, its class in brackets."""
        parts: list[str] = []
        parent = self._parents.get(module)
        while parent and len(parts) < DEEPEST:
            parts.append(parent[1])
            holder = parent[0]()
            parent = self._parents.get(holder) if holder is not None else None
        return ".".join(reversed(parts)) or f"({type(module).__name__})"

    def top(self, module: nn.Module) -> nn.Module:
        """The model that holds it, or it itself."""
        for _ in range(DEEPEST):
            parent = self._parents.get(module)
            holder = parent[0]() if parent else None
            if holder is None:
                break
            module = holder
        return module

    def learn(self, root: nn.Module) -> None:
        """Learn of modules that were copied, which nobody put anywhere."""
        for holder in root.modules():
            for name, child in holder._modules.items():
                if child is not None and child not in self._parents:
                    self._held(holder, name, child)

    def _held(self, holder: nn.Module, name: str, child: nn.Module | None) -> None:
        if child is not None:
            self._parents[child] = (weakref.ref(holder), name)
