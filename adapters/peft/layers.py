"""PEFT's layers, made for layers of a SAM, which stays as it is.

PEFT edits the tree of a model: each chosen layer gives its place to one of PEFT's that holds it as
``base_layer``. So PEFT is given a tree of *twins* to edit: modules with the parameters of SAM's.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from peft import PeftConfig
from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners._buffer_dict import BufferDict
from peft.tuners.tuners_utils import BaseTuner
from peft.utils import PeftType
from torch import Tensor, nn

from samfit.adapters.core.peft_names import without_bitsandbytes

ADAPTER = "default"  # PEFT can hold several in one layer, each with a name
PROBED_TOKENS = 64


class Facts(NamedTuple):
    """What PEFT's method does to a layer, found by trying it.

    Attributes:
        keeps_weights: whether the layer's own weights stay what they were.
        identity: whether the layer's output is the same before the first step, bit for bit.
        merges: whether the update can be folded into the layer's weights.
    """

    keeps_weights: bool
    identity: bool
    merges: bool


Sites = list[dict[str, nn.Module]]  # of each block, the chosen layers by name


def build(sites: Sites, config: PeftConfig) -> BaseTuner:
    """PEFT's tuner for twins of ``sites``; its ``model[block][name]`` are the layers.

    What PEFT changes in a module's weights it changes in those of ``sites``.
    """
    tree = nn.ModuleList(
        nn.ModuleDict({name: twin(module) for name, module in block.items()}) for block in sites
    )
    tuner_class: Any = PEFT_TYPE_TO_TUNER_MAPPING[PeftType(config.peft_type)]
    with _alike_everywhere():
        tuner: BaseTuner = tuner_class(tree, copy.deepcopy(config), ADAPTER)
    for _, _, layer in layers_of(tuner):
        _register_tensors(layer)
    return tuner


def _register_tensors(layer: nn.Module) -> None:
    """Let tensors that a layer keeps in a plain dictionary, indices mostly, be buffers, which move
    with the model: PEFT copies them to the GPU in each forward pass. They are not saved."""
    for name, value in list(vars(layer).items()):
        if isinstance(value, dict) and isinstance(value.get(ADAPTER), Tensor):
            setattr(layer, name, BufferDict(value, persistent=False))


@contextmanager
def _alike_everywhere() -> Iterator[None]:
    """Let PEFT make the same layers on every machine: without bitsandbytes, CUDA code of its own
    (BOFT's, which would be compiled now), or a number format chosen by the GPU (RandLoRA's)."""
    no_code = patch("peft.tuners.boft.layer.get_fbd_cuda", return_value=None)
    no_cuda = patch("torch.cuda.is_available", return_value=False)
    with no_code, no_cuda, without_bitsandbytes():
        yield


def build_without_data(sites: Sites, config: PeftConfig) -> BaseTuner:
    """``build`` where tensors have no data: of random data where PEFT needs some."""
    try:
        return build(sites, config)
    except (NotImplementedError, RuntimeError):  # of operations that have no result without data
        with torch.random.fork_rng(devices=[]), torch.device("cpu"):
            return build(copied(sites, with_data), config).to("meta")


def copied(sites: Sites, copy_module: Callable[[nn.Module], nn.Module]) -> Sites:
    """``sites`` with a copy of each module."""
    return [{name: copy_module(module) for name, module in block.items()} for block in sites]


def layers_of(tuner: BaseTuner) -> Iterator[tuple[int, str, Any]]:
    """Each of PEFT's layers, with its block's place among the chosen ones, and its name there."""
    model: Any = tuner.model
    for index, block in enumerate(model):
        yield from ((index, name, layer) for name, layer in block.items())


def twin(module: nn.Module) -> nn.Module:
    """A module of the same class with the same parameters, whatever becomes of them; no hooks."""
    found = copy.copy(module)
    vars(found).update({name: value for name, value in vars(nn.Module()).items() if "hook" in name})
    return found


def with_data(module: nn.Module) -> nn.Module:
    """A module of the same class and sizes on the CPU, with random weights."""
    found = copy.deepcopy(module).to_empty(device="cpu")
    for parameter in found.parameters():
        nn.init.normal_(parameter, std=0.02)
    return found


def probe(block: dict[str, nn.Module], config: PeftConfig) -> Facts:
    """Try the method on layers of the sizes of one block's; the random numbers are not used up."""
    with torch.random.fork_rng(devices=[]), torch.device("cpu"), torch.no_grad():
        torch.default_generator.manual_seed(0)  # of the CPU alone
        sites = {name: with_data(module) for name, module in block.items()}
        own = {name: copy.deepcopy(module) for name, module in sites.items()}
        tuner = build([sites], config).eval()
        keeps, same, merges = True, True, True
        for _, name, layer in layers_of(tuner):
            base, x = own[name], _tokens(own[name])
            theirs = layer.get_base_layer().parameters()
            keeps &= all(map(torch.equal, theirs, base.parameters()))
            same &= torch.equal(layer(x), base(x))
            merges &= _merges(layer)
    return Facts(keeps, same, merges)


def _tokens(module: Any) -> Tensor:
    """Random tokens (1, N, D) as ``module``, a linear layer or a norm, takes them."""
    width = module.in_features if isinstance(module, nn.Linear) else module.weight.shape[0]
    return torch.randn(1, PROBED_TOKENS, width, dtype=module.weight.dtype)


def runs_without_data(layer: Any) -> bool:
    """Whether one of PEFT's layers, on the meta device, computes without looking at any value."""
    try:
        layer(_tokens(layer.get_base_layer()).to("meta"))
    except (NotImplementedError, RuntimeError):
        return False
    return True


def _merges(layer: Any) -> bool:
    try:
        layer.merge()
    except (NotImplementedError, ValueError):
        return False
    return bool(layer.merged)


def give_base(layer: nn.Module, base: nn.Module) -> None:
    """Let ``layer`` be one of ``base``, a module of SAM, which is no part of its own state."""
    vars(layer)["_modules"].pop("base_layer", None)
    vars(layer)["base_layer"] = twin(base)


def on_sequences(layer: nn.Module) -> Callable[[Tensor], Tensor]:
    """``layer`` for tokens (B, h, w, D), which some of PEFT's layers would take for channels of a
    picture: they get (B, h·w, D)."""

    def forward(x: Tensor) -> Tensor:
        if x.dim() < 4:
            return layer(x)
        return layer(x.flatten(1, -2)).unflatten(1, x.shape[1:-1])

    return forward
