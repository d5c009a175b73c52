"""Reference vectors of the official implementations: ``golden/README.md`` describes the files."""

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
from segment_anything.modeling.image_encoder import Block
from small_sam import small_sam
from torch import Tensor, nn
from torch.func import functional_call

FOLDER = Path(__file__).parent / "golden"
NORM = partial(nn.LayerNorm, eps=1e-6)

in_both_precisions = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)


def golden(*names: str) -> pytest.MarkDecorator:
    """Runs a test with each ``case`` of these names, in both precisions.

    A case is one file in ``golden``, or several of one name in folders there.
    """
    files = [path for name in names for path in sorted(FOLDER.rglob(f"{name}.safetensors"))]
    found = [path.relative_to(FOLDER).with_suffix("").as_posix() for path in files]
    assert len(found) >= len(names), names
    every = [(name, dtype) for name in found for dtype in (torch.float64, torch.float32)]
    return pytest.mark.parametrize(
        "case", every, indirect=True, ids=[f"{name}-{dtype}" for name, dtype in every]
    )


def relative_error(ours: Tensor, reference: Tensor) -> float:
    """max|a - b| / max|b|."""
    assert ours.shape == reference.shape
    ours, reference = ours.detach().double(), reference.detach().double()
    return float((ours - reference).abs().max() / reference.abs().max())


class GoldenCase:
    """One case: set up a module with ``load``, run it on ``inputs``, hand results to ``check``.

    Sizes are those of the file: from its ``config``, or from the tensors where that is silent.
    """

    def __init__(self, name: str, dtype: torch.dtype) -> None:
        self.dtype = dtype
        with safe_open(FOLDER / f"{name}.safetensors", "pt") as file:
            metadata = file.metadata()
            self.tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        self.output_limit, self.gradient_limit = self._limits(metadata)
        self.config: dict[str, Any] = json.loads(metadata["config"])
        self.mode = metadata["mode"]
        self.in_loss: list[str] = json.loads(metadata["outputs_in_loss"])
        self.inputs = {
            key: tensor.to(dtype).requires_grad_(f"grad.input.{key}" in self.tensors)
            for key, tensor in self.part("input.").items()
        }
        self.leaves = {f"input.{key}": tensor for key, tensor in self.inputs.items()}

    def _limits(self, metadata: Mapping[str, str]) -> tuple[float, float]:
        """Largest relative errors of outputs and gradients."""
        if self.dtype is torch.float64:
            # SAM's prompt encoder computes in float32 whatever it is given.
            in_float32 = any("prompt_encoder" in key for key in self.tensors)
            return (1e-5, 1e-4) if in_float32 else (1e-6, 1e-6)
        outputs, gradients = (
            20 * float(metadata[f"f32_vs_f64_{of}_relmax"]) for of in ("output", "grad")
        )
        return max(1e-5, outputs), max(1e-4, gradients)

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The stored tensors whose key starts with ``prefix``, by the rest of their key."""
        return {
            key.removeprefix(prefix): tensor
            for key, tensor in self.tensors.items()
            if key.startswith(prefix)
        }

    def call(
        self,
        modules: Mapping[str, nn.Module],
        ours: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]],
        run: Callable[[], Mapping[str, Tensor]],
    ) -> Mapping[str, Tensor]:
        """The outputs of ``run`` with the parameters of ``modules`` made from the stored ones.

        ``ours`` computes them, by name, from the official ones: for parameters that are cut or put
        together otherwise here.
        """
        official = {
            name: tensor.to(self.dtype).requires_grad_()
            for name, tensor in self.part("param.").items()
        }
        self.leaves |= {f"param.{name}": tensor for name, tensor in official.items()}
        caller = _Caller(modules, run).to(self.dtype)
        state = {f"modules_by_name.{name}": tensor for name, tensor in ours(official).items()}
        assert state.keys() == dict(caller.named_parameters()).keys()
        return functional_call(caller, state, ())

    def load(self, module: nn.Module, ours: Callable[[str], str] = str) -> None:
        """Give every parameter and buffer of ``module`` its stored value.

        ``ours`` maps an official name to the name in ``module``; an empty one leaves it out.
        """
        official = self.part("param.")
        state = {ours(name): tensor for name, tensor in (official | self.part("buffer.")).items()}
        state.pop("", None)
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
        own = f"output_weight.{key}"
        return (output * self.inputs[own if own in self.inputs else "output_weight"]).sum()


class _Caller(nn.Module):
    """Runs a function as the forward pass of a module that owns ``modules``."""

    def __init__(
        self, modules: Mapping[str, nn.Module], run: Callable[[], Mapping[str, Tensor]]
    ) -> None:
        super().__init__()
        self.modules_by_name, self.run = nn.ModuleDict(modules), run

    def forward(self) -> Mapping[str, Tensor]:
        return self.run()


def sam_with_blocks(config: Mapping[str, Any]) -> Sam:
    """A SAM whose encoder has the blocks, and only these, that a case's ``config`` describes."""
    width, grid = config["dim"], tuple(config.get("grid", (2, 2)))
    sam = small_sam()
    sam.image_encoder.patch_embed.proj = nn.Conv2d(3, width, kernel_size=16)
    sam.image_encoder.blocks = nn.ModuleList(
        Block(
            width,
            config["heads"],
            config["mlp_ratio"],
            norm_layer=NORM,
            use_rel_pos=config.get("positions", "window" in config),
            window_size=window,
            input_size=(window, window) if window else grid,
        )
        for window in config.get("window", [0])
    )
    return sam


def run_blocks(sam: Sam, x: Tensor) -> dict[str, Tensor]:
    """Outputs ``qkv0``, ``mlp0``, ``block0``, ... of the blocks on x (B, H, W, D), and ``y``."""
    outputs: dict[str, Tensor] = {}
    for index, block in enumerate(sam.image_encoder.blocks):
        for site, module in (("qkv", block.attn.qkv), ("mlp", block.mlp)):
            name = f"{site}{index}"
            module.register_forward_hook(lambda _, __, y, name=name: outputs.update({name: y}))
        x = outputs[f"block{index}"] = block(x)
    return {**outputs, "y": x}


def sam_of(config: Mapping[str, Any]) -> Sam:
    """A SAM with the sizes in a case's ``config``, which may leave out those of the decoder."""
    side, channels = config["img_size"], config["out_chans"]
    grid = (side // config["patch_size"],) * 2
    shared = ("img_size", "patch_size", "embed_dim", "depth", "num_heads", "mlp_ratio", "out_chans")
    shared += ("window_size", "global_attn_indexes")
    sam = small_sam()
    sam.image_encoder = ImageEncoderViT(
        **{key: config[key] for key in shared}, norm_layer=NORM, use_rel_pos=True
    )
    if "dec_heads" in config:
        sam.prompt_encoder = PromptEncoder(channels, grid, (side, side), mask_in_chans=4)
        sam.mask_decoder = MaskDecoder(
            transformer_dim=channels,
            num_multimask_outputs=config.get("num_classes", 3),
            transformer=TwoWayTransformer(2, channels, config["dec_heads"], config["dec_mlp"]),
            iou_head_hidden_dim=config["iou_hidden"],
        )
        for name in ("pixel_mean", "pixel_std"):  # persistent, so that ``load`` sets them
            sam.register_buffer(name, sam.get_buffer(name))
    return sam
