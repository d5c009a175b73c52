"""What a file is that is not a SAM, by the names in it."""

from collections.abc import Callable, Iterable

Names = list[str]
Cause = tuple[Callable[[Names], bool], str]
OPTIMIZER = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", ".step")
USE_METAS = "use one of Meta's files, such as sam_vit_b_01ec64.pth"


def _any(*parts: str) -> Callable[[Names], bool]:
    """Whether a name contains one of ``parts``."""
    return lambda names: any(part in name for name in names for part in parts)


def _only(part: str) -> Callable[[Names], bool]:
    """Whether all names are of one part of SAM."""
    return lambda names: bool(names) and all(f"{part}." in f".{name}" for name in names)


def _encoder_without_prefix(names: Names) -> bool:
    ends = ("patch_embed.proj.weight", "neck.0.weight")
    has_them = all(any(name.endswith(end) for name in names) for end in ends)
    return has_them and not any("mask_decoder." in name for name in names)


# What a file is, by the names of its tensors; the first that fits is said. Names: the official code
# of SAM 2, SAM 3, MobileSAM, EdgeSAM, RepViT-SAM, EfficientViT-SAM, EfficientSAM, HQ-SAM,
# SAM-Med2D, Medical-SAM-Adapter, SAMed, and PEFT.
OTHERS: tuple[Cause, ...] = (
    (
        _any("vision_backbone.", "detector.backbone.", "detector_model."),
        "is a checkpoint of SAM 3, another architecture than SAM",
    ),
    (
        _any(
            "image_encoder.trunk.", "vision_encoder.backbone.", "sam_mask_decoder.",
            "memory_attention.", "obj_ptr_proj.",
        ),
        "is a checkpoint of SAM 2: choose --backbone sam2.1_hiera_base_plus or another size",
    ),
    (
        _any(".hf_token", ".hf_mlp", ".hq_token", "compress_vit_", "embedding_maskfeature"),
        "is a checkpoint of HQ-SAM, whose mask decoder has parts that SAM has not: choose "
        "--backbone sam_hq_vit_b, _l or _h",
    ),
    (
        _any("image_encoder.patch_embed.seq.", "attention_biases"),
        "is a checkpoint of MobileSAM (vit_t, a TinyViT): use --backbone mobile_sam",
    ),
    (
        _any("image_encoder.features.", "image_encoder.stages.", "token_mixer."),
        "is a checkpoint of EdgeSAM or RepViT-SAM, another architecture than SAM's ViT",
    ),
    (
        _any("image_encoder.backbone.", "image_encoder.norm.op"),
        "is a checkpoint of EfficientViT-SAM, another architecture than SAM's ViT",
    ),
    (
        _any("prompt_encoder.invalid_points", "final_output_upscaling_layers"),
        "is a checkpoint of EfficientSAM, another architecture than SAM",
    ),
    (
        _any("lora_A", "lora_B", "lora_embedding", "base_layer."),
        "has a LoRA beside or instead of SAM's weights: merge it into its base with the library "
        "that wrote it (in PEFT: merge_and_unload)",
    ),
    (
        _any("w_a_0", "w_b_0", "linear_a_q", "linear_b_q"),
        "is a LoRA as SAMed saves it, without SAM's own weights",
    ),
    (
        lambda names: any("adapter" in name.lower() for name in names),
        "is a SAM with adapters in it (as SAM-Med2D or Medical-SAM-Adapter make it), and without "
        "these it would be another model",
    ),
)  # fmt: skip
PARTS: tuple[Cause, ...] = (
    (_only("mask_decoder"), "holds a mask decoder only, not a whole SAM"),
    (_only("image_encoder"), "holds an image encoder only, not a whole SAM"),
    (_only("vision_encoder"), "holds an image encoder only, not a whole SAM"),
    (_encoder_without_prefix, "holds an image encoder only, not a whole SAM"),
)  # fmt: skip


def cause_of_names(names: Iterable[str]) -> str | None:
    """What a file with tensors of these names is, as the end of a sentence; None if unknown."""
    every = list(names)
    weights = [name for name in every if not name.endswith(OPTIMIZER)]
    if every and not weights:
        return "holds the state of an optimizer and no weights"
    return next((what for fits, what in (*OTHERS, *PARTS) if fits(weights)), None)


def cause_of_rest(names: Iterable[str]) -> str | None:
    """What a file is that holds tensors of these names beside a SAM; None if it is a SAM."""
    rest = list(names)
    return next((what for fits, what in OTHERS if fits(rest)), None)


def cause_of_class(name: str) -> str | None:
    """What a file is that needs the class ``name`` to be unpickled; None if that does not tell."""
    if name.startswith("ultralytics."):
        return "is a pickled model of ultralytics (YOLO or FastSAM), another architecture than SAM"
    is_module = name.startswith("torch.nn.") or any(
        part in name.lower() for part in ("model", "sam.", "networks", "lightning")
    )
    if name and is_module:
        return (
            f"holds a whole pickled model ({name}), which would run code when it is loaded: where "
            "it was made, save its weights alone with torch.save(model.state_dict(), path)"
        )
    return None
