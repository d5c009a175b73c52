"""Reference vectors of the official implementations; ``golden/README.md`` describes the files."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from torch import Tensor, nn

FOLDER = Path(__file__).parent / "golden"

# Limits of the relative error: (outputs, gradients).
FLOAT64 = (1e-6, 1e-6)
FLOAT32 = (1e-5, 1e-4)
WIDER_LIMITS = {
    ("cad_adapter_pool64", torch.float32): (1e-5, 7e-4),
    ("cad_fusion", torch.float32): (3e-5, 3e-4),
    ("cad_fusion", torch.float64): (1e-5, 1e-4),
    ("sam_adapter_kyyle_encoder", torch.float32): (2e-5, 1e-4),
    ("sam_adapter_official_encoder", torch.float32): (2e-5, 1e-4),
}

in_both_precisions = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)


def relative_error(ours: Tensor, reference: Tensor) -> float:
    """max|a - b| / max|b|."""
    assert ours.shape == reference.shape
    ours, reference = ours.detach().double(), reference.detach().double()
    return float((ours - reference).abs().max() / reference.abs().max())


class GoldenCase:
    """One case: set up a module with ``load``, run it on ``inputs``, hand results to ``check``."""

    def __init__(self, name: str, dtype: torch.dtype) -> None:
        self.dtype = dtype
        default = FLOAT64 if dtype is torch.float64 else FLOAT32
        self.output_limit, self.gradient_limit = WIDER_LIMITS.get((name, dtype), default)
        with safe_open(FOLDER / f"{name}.safetensors", "pt") as file:
            metadata = file.metadata()
            self.tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        self.config: dict[str, Any] = json.loads(metadata["config"])
        self.in_loss: list[str] = json.loads(metadata["outputs_in_loss"])
        self.inputs = {
            key: tensor.to(dtype).requires_grad_(f"grad.input.{key}" in self.tensors)
            for key, tensor in self.part("input.").items()
        }
        self.leaves = {f"input.{key}": tensor for key, tensor in self.inputs.items()}

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The stored tensors whose key starts with ``prefix``, by the rest of their key."""
        return {
            key.removeprefix(prefix): tensor
            for key, tensor in self.tensors.items()
            if key.startswith(prefix)
        }

    def load(self, module: nn.Module, ours: Callable[[str], str] = str) -> None:
        """Give every parameter and buffer of ``module`` its stored value.

        ``ours`` maps an official name to the name in ``module``.
        """
        official = self.part("param.")
        state = {ours(name): tensor for name, tensor in (official | self.part("buffer.")).items()}
        missing, unexpected = module.to(self.dtype).load_state_dict(state, strict=False)
        assert not unexpected
        assert all(name.endswith("num_batches_tracked") for name in missing)
        self.leaves |= {f"param.{name}": module.get_parameter(ours(name)) for name in official}

    def check(self, outputs: Mapping[str, Tensor]) -> None:
        """Compare ``outputs``, then the gradients of the scalar loss of those that enter it."""
        self.check_outputs(outputs)
        torch.stack([self.term(key, outputs[key]) for key in self.in_loss]).sum().backward()
        references = self.part("grad.")
        assert references
        largest = max(float(reference.abs().max()) for reference in references.values())
        for key, reference in references.items():
            gradient = self.leaves[key].grad
            if reference.abs().max() < 1e-9:
                zero = 1e-9 if self.dtype is torch.float64 else 1e-5 * largest
                assert gradient is None or gradient.abs().max() < zero, key
            else:
                assert gradient is not None, key
                assert relative_error(gradient, reference) <= self.gradient_limit, key

    def check_outputs(self, outputs: Mapping[str, Tensor]) -> None:
        """Compare ``outputs`` by name."""
        for key, output in outputs.items():
            assert output.dtype is self.dtype, key
            error = relative_error(output, self.tensors[f"output.{key}"])
            assert error <= self.output_limit, key

    def term(self, key: str, output: Tensor) -> Tensor:
        """What the output ``key`` adds to the scalar loss."""
        weight = self.inputs.get("output_weight")
        if weight is None:
            weight = self.inputs[f"output_weight.{key}"]
        return (output * weight).sum()


def sam_of(config: Mapping[str, Any]) -> Sam:
    """A SAM whose encoder has the sizes in a case's ``config``."""
    side, channels = config["img_size"], config["out_chans"]
    grid = (side // config["patch_size"],) * 2
    shared = ("img_size", "patch_size", "embed_dim", "depth", "num_heads", "mlp_ratio", "out_chans")
    shared += ("window_size", "global_attn_indexes")
    return Sam(
        image_encoder=ImageEncoderViT(
            **{key: config[key] for key in shared},
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
        ),
        prompt_encoder=PromptEncoder(channels, grid, (side, side), mask_in_chans=4),
        mask_decoder=MaskDecoder(
            transformer_dim=channels,
            transformer=TwoWayTransformer(
                2, channels, config.get("dec_heads", 2), config.get("dec_mlp", 16)
            ),
            iou_head_hidden_dim=config.get("iou_hidden", 16),
        ),
    )
