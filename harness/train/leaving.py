"""Take a trained model out of samfit: plain SAM's weights, or files of Hugging Face's libraries.

Example::

    import samfit

    print(samfit.merge("runs/lora", "sam_lora.pth"))  # for Meta's segment_anything
    print(samfit.export("runs/lora", "sam-lora", "hf"))  # for transformers
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save

from samfit.adapters.core.adapted import AdaptedSam
from samfit.adapters.core.leaving import in_peft_format, plain_sam
from samfit.adapters.sam.checkpoint.files import weight_files
from samfit.adapters.sam.export import write_hugging_face, write_json
from samfit.adapters.sam.families.hugging_face import HuggingFace
from samfit.adapters.sam.families.segment_anything import VITS, SegmentAnything
from samfit.adapters.sam.find import backbone_sizes, family_of, view
from samfit.errors import UserError
from samfit.files import write_whole, writing_to
from samfit.harness.record.weights import checkpoint_file
from samfit.harness.train.run import Run

Format = Literal["hf", "peft"]
WEIGHTS = {"hf": "model.safetensors", "peft": "adapter_model.safetensors"}


@dataclass(frozen=True)
class Written:
    """What was written, and how it is used; ``print`` says both.

    Attributes:
        path: the file or folder.
        what: what it holds.
        use: the code that reads it.
    """

    path: Path
    what: str
    use: str

    def __str__(self) -> str:
        return f"{self.path} holds {self.what}; it is read by {self.use}"


def merge(run: Run | Path | str, file: Path | str) -> Written:
    """Fold a run's adapter into SAM's weights, in float32, and write them under the
    names of its family's own files.

    Args:
        run: a finished run, or its folder.
        file: ends in ``.pth`` (as Meta's files) or ``.safetensors``.

    Raises:
        UserError: if the method or its decoder cannot be merged, the file ends otherwise, would
            replace one of the run or its base, or cannot be written.
    """
    run, file = _run(run), Path(file)
    if file.suffix not in (".pth", ".pt", ".safetensors"):
        raise UserError(f"--output {file} must end in .pth or .safetensors.")
    _check_replaces_nothing(run, [file])
    state = view(plain_sam(run.build(precision="fp32")).cpu()).weights()
    tensors = {name: tensor.contiguous() for name, tensor in state.items()}
    content = save(tensors) if file.suffix == ".safetensors" else _pickled(tensors)
    with writing_to(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, content)
    backbone, side = run.cell.backbone, run.cell.image_size
    use = f'samfit.build_sam("{backbone}", {side}, "{file}")'
    metas = VITS.keys() - {"vit_tiny"}
    is_metas = backbone in metas and side == backbone_sizes(backbone).image_size
    if is_metas and file.suffix != ".safetensors":
        use = f'segment_anything.sam_model_registry["{backbone}"]("{file}")'
    return Written(file, _of(run, "merged SAM"), use)


def export(run: Run | Path | str, folder: Path | str, format: Format = "hf") -> Written:
    """Write a run's model as Hugging Face's libraries read it, in float32.

    Args:
        run: a finished run, or its folder.
        folder: for the files; it is made.
        format: ``hf`` is a merged SAM that transformers' ``SamModel`` and ``SamProcessor`` read,
            or the class that the run's own backbone is of; ``peft`` a LoRA, with the mask decoder,
            that PEFT attaches to the run's base in ``SamModel``.

    Raises:
        UserError: if the method, its decoder or its backbone has no such format, or the folder
            holds the run or its base, or cannot be written.
    """
    run, folder = _run(run), Path(folder)
    if format not in WEIGHTS:
        raise UserError(f"--format must be hf or peft, got {format!r}.")
    _check_replaces_nothing(run, [folder / WEIGHTS[format], folder / "run.json"])
    _check_format(run, format)
    model = run.build(precision="fp32").cpu()
    write = _write_hugging_face if format == "hf" else _write_peft
    what, use = write(model, folder)
    return Written(folder, _of(run, what), use)


def _check_format(run: Run, format: Format) -> None:
    """Refuse a format that the run's family of SAMs has not, before anything is built."""
    family = family_of(run.cell.backbone)
    takes = {"hf": (SegmentAnything, HuggingFace), "peft": (SegmentAnything,)}
    if not issubclass(family, takes[format]):
        raise UserError(
            f"{run.folder} is a run on {run.cell.backbone}, and --format {format} is for other "
            "SAMs: samfit merge writes one of this family."
        )


def _write_hugging_face(model: AdaptedSam, folder: Path) -> tuple[str, str]:
    sam, kind = plain_sam(model), "SamModel"
    with writing_to(folder):
        if isinstance(model.backbone, HuggingFace):
            kind = type(sam).__name__
            sam.save_pretrained(folder)
        else:
            write_hugging_face(sam, folder)
    return "merged SAM", f'transformers.{kind}.from_pretrained("{folder}")'


def _write_peft(model: AdaptedSam, folder: Path) -> tuple[str, str]:
    config, tensors = in_peft_format(model)
    content = {name: tensor.contiguous() for name, tensor in tensors.items()}
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / WEIGHTS["peft"], save(content, {"format": "pt"}))
        write_json(folder / "adapter_config.json", config)
    use = f'peft.PeftModel.from_pretrained(base, "{folder}")'
    return "LoRA and mask decoder", f"{use}, base being its base as a SamModel, with PEFT >= 0.20"


def _run(run: Run | Path | str) -> Run:
    return run if isinstance(run, Run) else Run(run)


def _of(run: Run, what: str) -> str:
    side = run.cell.image_size
    return f"a {what} ({run.cell.backbone}, images of {side} x {side} pixels)"


def _check_replaces_nothing(run: Run, files: Iterable[Path]) -> None:
    """Refuse to write over a run's own files, or the weights that it was trained on."""
    own = {path.resolve() for path in run.folder.iterdir()}
    base = run.cell.checkpoint
    own |= {path.resolve() for path in weight_files(checkpoint_file(base))} if base else set()
    for file in files:
        if file.resolve() in own:
            raise UserError(
                f"{file.parent if file.name == 'run.json' else file} is a part of the run or its "
                "base: choose another --output."
            )


def _pickled(tensors: dict[str, torch.Tensor]) -> bytes:
    content = io.BytesIO()
    torch.save(tensors, content)
    return content.getvalue()
