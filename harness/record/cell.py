"""Cell: the complete description of one measurement. Needs no torch."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from samfit.adapters.sam.find import backbone_names, family_of
from samfit.errors import UserError
from samfit.harness.device.cards import find_card
from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.record.recipe import Recipe
from samfit.typed import Typed, checked, option

Phase = Literal["train", "infer"]
Attention = Literal["", "eager", "sdpa"]  # empty stands for the backbone's own
Precision = Literal["fp32", "fp16", "bf16", "bf16-pure"]
Optimizer = Literal["adamw", "adamw_fused", "adamw_8bit"]
Prompt = Literal["box", "none", "mask_box", "points"]
LossName = Literal[
    "cad", "sam_adapter", "structure", "weighted_structure", "balanced_bce", "dice_ce", "samed",
]  # fmt: skip
Device = Literal["cuda", "cpu"]

DEFAULT_CAPABILITY = "8.0"
LARGEST_SIDE = 8192


def defaults_of(backbone: str) -> dict[str, Any]:
    """The fields of a Cell with this backbone that nobody set, by name."""
    plain = {f.name: f.default for f in dataclasses.fields(Cell)}
    return {**plain, "attention": family_of(backbone).attention}


@checked
@dataclass(frozen=True, kw_only=True)
class Cell(Typed):
    """What is run, in full: nothing outside a Cell changes what a measurement means.

    Attributes:
        settings: hyper-parameters that differ from the adapter's defaults.
        task: the miniature task whose images the model is trained and scored on; empty for random
            images, on which nothing can be scored.
        recipe: how long and how it is trained on the task; None leaves the weights as they are.
    """

    adapter: str = field(metadata={"description": "Name of the adapter: samfit list shows all."})
    settings: Mapping[str, Any] = field(default_factory=dict)
    backbone: str = option("vit_b", f"SAM's family and size: {', '.join(backbone_names())}.")
    image_size: int = option(0, "Side of SAM's input in pixels; 0 stands for the backbone's own.")
    # The upper ends keep every tensor's size within 64 bits.
    batch_size: int = option(1, "Images per step.", ge=1, le=65536)
    prompts_per_image: int = option(1, "Prompts, and so masks, per image.", ge=1, le=1024)
    phase: Phase = option(
        "train",
        "What is run: a training step (train), or a forward pass without gradients (infer).",
    )
    precision: Precision = option(
        "fp32",
        "Precision of the computation. With bf16 or fp16, matrix products and convolutions run in "
        "bfloat16 or float16 (autocast), and frozen weights are stored in it; fp16 also scales the "
        "loss. With bf16-pure, the whole model is in bfloat16.",
    )
    attention: Attention = option(
        "",
        "Attention in the image encoder: with N x N matrices (eager), or the same function by a "
        "fused kernel, without them (sdpa). Default: as the family's own code has it, which is "
        "eager in segment-anything.",
    )
    checkpointing: bool = option(
        False,
        "Recompute activations in the backward pass instead of storing them: those of encoder "
        "blocks that gradients flow through, and of the mask decoder, image by image.",
    )
    encoder_micro_batch: int = option(
        0, "Images that the image encoder takes at a time; 0 takes them all.", ge=0, le=65536
    )
    cache_embeddings: bool = option(
        False, "Read image embeddings from a cache and leave out the image encoder."
    )
    gradient_accumulation: int = option(
        1, "Equal parts into which a batch is split, run one after another.", ge=1, le=65536
    )
    optimizer: Optimizer = option(
        "adamw",
        "AdamW: torch's default (adamw), as one kernel (adamw_fused), or with 2 bytes of state per "
        "parameter (adamw_8bit).",
    )
    prompt: Prompt = option(
        "box",
        "Prompt of each image: the box of the whole image (box), no prompt (none), the box of its "
        "mask (mask_box), or points inside its mask (points).",
    )
    loss: LossName = option(
        "cad",
        "Loss to train with, as in the code of CAD (cad), SAM-Adapter (sam_adapter, balanced_bce), "
        "Conv-LoRA (structure), SAM-COBOT (dice_ce) or SAMed (samed, for several classes); "
        "weighted_structure is structure with its BCE weighted, too, as published.",
    )
    device: Device = option("cuda", "Kind of device that the step runs on.")
    gpu: str = option(
        "",
        'Card that the step is predicted for, such as "RTX 3060". Default: a card of '
        "--compute-capability with more memory than any step takes.",
    )
    compute_capability: str = option(
        "",
        "Compute capability of the GPU: it decides which kernels PyTorch and its libraries choose, "
        "and how much memory these take. Default: that of --gpu; without --gpu 8.0.",
    )
    alloc_conf: str = option(
        "",
        "Options of PyTorch's CUDA allocator, written as in PYTORCH_CUDA_ALLOC_CONF, such as "
        "expandable_segments:True. Default: none.",
    )
    cudnn_benchmark: bool = option(
        False,
        "Let cuDNN try its algorithms and keep the fastest (torch.backends.cudnn.benchmark), as "
        "many scripts do: each is tried with its workspace.",
    )
    seed: int = option(0, "Random seed of weights and data.", ge=0, le=2**63 - 1)
    checkpoint: str | None = option(
        None,
        "File with SAM's weights, or miniature for those of vit_tiny that come with samfit. "
        "Default: random weights; in samfit train, miniature for vit_tiny.",
    )
    task: str = ""
    recipe: Recipe | None = None

    def __post_init__(self) -> None:
        family = family_of(self.backbone)
        sizes = family.sizes[self.backbone]
        object.__setattr__(self, "image_size", self.image_size or sizes.image_size)
        object.__setattr__(self, "attention", self.attention or family.attention)
        object.__setattr__(self, "settings", dict(sorted(self.settings.items())))
        self._settle_card()
        each = sizes.multiple
        if self.image_size not in range(2 * each, LARGEST_SIDE + 1, each):
            raise UserError(
                f"--image-size must be a multiple of {each}, as {self.backbone} needs, from "
                f"{2 * each} to {LARGEST_SIDE}, got {self.image_size}."
            )
        if self.batch_size % self.gradient_accumulation:
            raise UserError(
                f"--gradient-accumulation splits a batch into equal parts: --batch-size "
                f"{self.batch_size} cannot be split into {self.gradient_accumulation}."
            )
        if self.prompt == "none" and self.prompts_per_image > 1:
            raise UserError(
                f"--prompt {self.prompt} gives one mask per image, got --prompts-per-image "
                f"{self.prompts_per_image}: use --prompt box."
            )
        if not re.fullmatch(r"\d+\.\d+", self.compute_capability):
            raise UserError(
                f"--compute-capability must look like 8.0, got {self.compute_capability!r}."
            )
        AllocatorOptions.parse(self.alloc_conf)

    def _settle_card(self) -> None:
        """Let the card's name and its compute capability agree, whichever is given."""
        capability = self.compute_capability or DEFAULT_CAPABILITY
        if self.gpu:
            card = find_card(self.gpu)
            capability = card.compute_capability
            object.__setattr__(self, "gpu", card.name)
        if self.compute_capability not in ("", capability):
            raise UserError(
                f"--compute-capability {self.compute_capability} is not that of {self.gpu}, which "
                f"has {capability}: leave one of them out."
            )
        object.__setattr__(self, "compute_capability", capability)

    @property
    def classes(self) -> int:
        """Classes that masks tell apart, the background included; 1 for masks of one object."""
        return int(self.settings.get("classes", 1))

    @property
    def key(self) -> str:
        """Stable name: readable head, then a hash of every field that is not at its default.

        A field added later with a default leaves the keys of existing Cells as they are.
        """
        defaults = Cell(adapter=self.adapter, backbone=self.backbone)
        changed = {
            name: value
            for name, value in dataclasses.asdict(self).items()
            if value != getattr(defaults, name)
        }
        changed |= {"adapter": self.adapter, "backbone": self.backbone}
        if self.recipe:
            changed["recipe"] = self.recipe.told
        digest = hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()[:8]
        return f"{self.adapter}-{self.backbone}-b{self.batch_size}-{self.phase}-{digest}"
