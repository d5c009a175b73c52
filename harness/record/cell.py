"""Cell: the complete description of one measurement. Needs no torch."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

from samfit.adapters.sam.sizes import PATCH_SIZE, backbone_sizes
from samfit.errors import UserError
from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.record.recipe import Recipe

Phase = Literal["train", "infer"]
Precision = Literal["fp32", "bf16"]
Attention = Literal["eager", "sdpa"]
Optimizer = Literal["adamw", "adamw_fused", "adamw_8bit"]
Prompt = Literal["box", "none", "mask_box", "points"]
LossName = Literal[
    "cad",
    "sam_adapter",
    "structure",
    "weighted_structure",
    "balanced_bce",
    "dice_ce",
    "samed",
]
Device = Literal["cuda", "cpu"]

# The upper ends keep every tensor's size within 64 bits.
BOUNDS = {
    "batch_size": (1, 65536),
    "prompts_per_image": (1, 1024),
    "image_size": (2 * PATCH_SIZE, 8192),
    "encoder_micro_batch": (0, 65536),
    "gradient_accumulation": (1, 65536),
    "seed": (0, 2**63 - 1),
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is run, in full: nothing outside a Cell changes what a measurement means.

    Attributes:
        adapter: registered name of the method.
        settings: hyper-parameters that differ from the method's defaults.
        backbone: ``vit_tiny``, ``vit_b``, ``vit_l`` or ``vit_h``.
        image_size: side of the encoder's input in pixels; 0 stands for the backbone's own.
        batch_size: images per step.
        prompts_per_image: box prompts, and masks, per image.
        phase: ``train`` is a full training step; ``infer`` is a forward pass without gradients.
        precision: ``fp32``, or ``bf16``: matrix products and convolutions run in bfloat16
            (autocast), for which frozen weights are held in it.
        attention: ``eager`` as shipped by segment-anything, or ``sdpa``: the same function by a
            fused kernel, without N x N matrices.
        checkpointing: compute activations again in backward: of each encoder block, where
            gradients flow through it, and of the mask decoder, which runs image by image.
        encoder_micro_batch: images that the encoder takes at a time; 0 stands for all.
        cache_embeddings: image embeddings are read from a cache; the encoder is not there.
        gradient_accumulation: parts of equal size into which a step's batch is cut, one forward
            and backward pass after another.
        optimizer: ``adamw`` as torch runs it by default, for many tensors at a time;
            ``adamw_fused``, one kernel; ``adamw_8bit``, whose state takes 2 bytes a parameter.
        prompt: ``box`` of the whole image, ``none``, ``mask_box``, the box of the mask, or
            ``points`` within it; the last two come from the masks of a data set.
        loss: the recipe whose loss is trained, see ``accuracy/losses.py``.
        device: where it runs, or for which kind of device memory is predicted.
        compute_capability: of the CUDA card; it decides what the matrix library keeps for itself.
        alloc_conf: options of the CUDA allocator, as PYTORCH_CUDA_ALLOC_CONF takes them.
        seed: of weights and data.
        checkpoint: file with SAM's weights, ``miniature`` for those that come with samfit, or None
            for random ones.
        task: the miniature task on whose images the model is trained and scored; none for random
            images, on which nothing can be scored.
        recipe: how long and how it is trained on the task; None for the weights as they are.
    """

    adapter: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    backbone: str = "vit_b"
    image_size: int = 0
    batch_size: int = 1
    prompts_per_image: int = 1
    phase: Phase = "train"
    precision: Precision = "fp32"
    attention: Attention = "eager"
    checkpointing: bool = False
    encoder_micro_batch: int = 0
    cache_embeddings: bool = False
    gradient_accumulation: int = 1
    optimizer: Optimizer = "adamw"
    prompt: Prompt = "box"
    loss: LossName = "cad"
    device: Device = "cuda"
    compute_capability: str = "8.0"
    alloc_conf: str = ""
    seed: int = 0
    checkpoint: str | None = None
    task: str = ""
    recipe: Recipe | None = None

    def __post_init__(self) -> None:
        self._check_types()
        sizes = backbone_sizes(self.backbone)
        object.__setattr__(self, "image_size", self.image_size or sizes.image_size)
        object.__setattr__(self, "settings", dict(sorted(self.settings.items())))
        for name, (least, most) in BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                raise UserError(
                    f"{option(name)} must be a whole number from {least} to {most}, "
                    f"got {getattr(self, name)}."
                )
        if self.image_size % PATCH_SIZE:
            raise UserError(
                f"--image-size must be a multiple of {PATCH_SIZE}, the patch size, "
                f"got {self.image_size}."
            )
        if self.batch_size % self.gradient_accumulation:
            raise UserError(
                f"--gradient-accumulation cuts a batch into equal parts: --batch-size "
                f"{self.batch_size} cannot be cut into {self.gradient_accumulation}."
            )
        if self.prompt in ("none", "points") and self.prompts_per_image > 1:
            raise UserError(
                f"--prompt {self.prompt} gives one mask per image, got --prompts-per-image "
                f"{self.prompts_per_image}: use --prompt box."
            )
        if not re.fullmatch(r"\d+\.\d+", self.compute_capability):
            raise UserError(
                f"--compute-capability must look like 8.0, got {self.compute_capability!r}."
            )
        AllocatorOptions.parse(self.alloc_conf)

    def _check_types(self) -> None:
        """Cells also come from files, where anything can stand for anything."""
        for name, kind in get_type_hints(Cell).items():
            value = getattr(self, name)
            if get_origin(kind) is Literal:
                _check_choice(name, value, get_args(kind))
            elif name in BOUNDS and (not isinstance(value, int) or isinstance(value, bool)):
                raise UserError(f"{option(name)} must be a whole number, got {value!r}.")
            elif name == "settings" and not isinstance(value, Mapping):
                raise UserError(f"settings must be an object of hyper-parameters, got {value!r}.")
            elif kind is bool and not isinstance(value, bool):
                raise UserError(f"{option(name)} must be true or false, got {value!r}.")
            elif kind is str and not isinstance(value, str):
                raise UserError(f"{option(name)} must be a text, got {value!r}.")
        if not isinstance(self.checkpoint, str | None):
            raise UserError(f"--checkpoint must be a path, got {self.checkpoint!r}.")
        if not isinstance(self.recipe, Recipe | None):
            raise UserError(f"recipe must be an object of a recipe's fields, got {self.recipe!r}.")

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
        digest = hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()[:8]
        return f"{self.adapter}-{self.backbone}-b{self.batch_size}-{self.phase}-{digest}"

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Cell":
        """The Cell that ``to_json`` described.

        Raises:
            UserError: for a field that does not exist or a value that is not allowed.
        """
        if not isinstance(data, Mapping):
            raise UserError(f"a Cell must be an object, got {data!r}.")
        known = {f.name for f in dataclasses.fields(cls)}
        unknown = sorted(data.keys() - known)
        if unknown:
            raise UserError(
                f"a Cell has no field {unknown[0]!r}: it has {', '.join(sorted(known))}."
            )
        if "adapter" not in data:
            raise UserError("a Cell needs the field 'adapter'.")
        recipe = data.get("recipe")
        if isinstance(recipe, Mapping):
            data = {**data, "recipe": Recipe.from_json(recipe)}
        return cls(**data)


def option(name: str) -> str:
    """The command-line option of a Cell's field."""
    return "--" + name.replace("_", "-")


def _check_choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UserError(f"{option(name)} must be {' or '.join(allowed)}, got {value!r}.")
