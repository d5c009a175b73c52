"""The names of PEFT's methods, found without importing PEFT or torch; and how it is imported."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from samfit.errors import UnsupportedError, UserError, spelling_hint

PREFIX = "peft_"
LORA = "lora"

# Methods that PEFT knows as options of its LoRA: those that need no data to start.
LORA_VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "dora": ("DoRA", {"use_dora": True}),
    "rslora": ("rsLoRA", {"use_rslora": True}),
    "pissa": ("PiSSA", {"init_lora_weights": "pissa"}),
    "olora": ("OLoRA", {"init_lora_weights": "olora"}),
    "orthogonal_lora": ("orthogonal LoRA", {"init_lora_weights": "orthogonal"}),
    "mica": ("MiCA", {"init_lora_weights": "mica"}),
}

# What works on layers, but not here; the ends of sentences.
_REFUSED = {
    "adaption_prompt": "it learns prompts for a language model's attention",
    "frod": "it computes with sparse tensors, whose memory samfit cannot account for",
    "poly": "it routes each example by the number of its task, and samfit's images have none",
    "shira": "it computes with sparse tensors, whose memory samfit cannot account for",
    "trainable_tokens": "it trains rows of a table of words, which an image encoder has not",
    "xlora": "it mixes LoRAs that were trained before, in a language model",
}
_NO_LAYERS = "it changes a model's input or the whole model, not layers of an image encoder"


def peft_names() -> list[str]:
    """The methods of PEFT that a SAM can have, in alphabetical order; none without PEFT."""
    folders = _folders()
    if LORA not in folders:
        return []
    with_layers = [name for name, has_layers in folders.items() if has_layers]
    usable = {*with_layers, *LORA_VARIANTS} - _REFUSED.keys()
    return sorted(f"{PREFIX}{name}" for name in usable)


def all_peft_names() -> list[str]:
    """``peft_names``, where there must be some.

    Raises:
        UserError: without PEFT.
    """
    if not (names := peft_names()):
        raise UserError("there are no methods of PEFT without PEFT: pip install 'samfit[hf]'.")
    return names


def is_peft_name(name: object) -> bool:
    """Whether ``name`` asks for a method of PEFT."""
    return isinstance(name, str) and name.startswith(PREFIX)


def check_peft_name(name: str) -> None:
    """Check that PEFT has the method ``name``, and that a SAM can have it.

    Raises:
        UserError: without PEFT, or if it has no such method; ``UnsupportedError`` if the method is
            for other models.
    """
    if name in (known := peft_names()):
        return
    if not known:
        raise UserError(f"{name} is a method of PEFT, which is missing: pip install 'samfit[hf]'.")
    method = name.removeprefix(PREFIX)
    if method in _folders():
        why = _REFUSED.get(method, _NO_LAYERS)
        raise UnsupportedError(f"PEFT's {method} cannot be attached to a SAM: {why}.")
    raise UserError(f"PEFT has no method {name!r}: {spelling_hint(name, known)}")


@contextmanager
def without_bitsandbytes() -> Iterator[None]:
    """Let PEFT not import it: it uses CUDA at once, which a process that forks must not have done,
    and no layer of a SAM is quantised."""
    hidden = "bitsandbytes"
    if hidden in sys.modules:
        yield
        return
    sys.modules[hidden] = None  # type: ignore[assignment] # as import has it: there is none
    try:
        yield
    finally:
        del sys.modules[hidden]


@cache
def _folders() -> dict[str, bool]:
    """The folders of PEFT that hold a method each, and whether it adapts layers."""
    spec = find_spec("peft")
    if spec is None or spec.origin is None:
        return {}
    tuners = Path(spec.origin).with_name("tuners")
    return {
        config.parent.name: config.with_name("layer.py").is_file()
        for config in tuners.glob("*/config.py")
    }
