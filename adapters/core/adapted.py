"""A SAM with an adapter attached: what users train, save, load and run."""

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from samfit.adapters.core.base import Adapter, SerialSettings
from samfit.adapters.core.frozen import frozen_digest
from samfit.adapters.core.registry import adapter_class, parse_method_settings
from samfit.adapters.core.settings import changed_function
from samfit.adapters.sam.backbone import Backbone, Embedding, Need
from samfit.adapters.sam.changes import leave_out
from samfit.adapters.sam.checkpoint.files import TRAINED_WITH
from samfit.adapters.sam.checkpoint.load import LOADED_FROM
from samfit.adapters.sam.find import view
from samfit.errors import Remark, UnsupportedError, UserError
from samfit.files import write_whole

BASE, BASE_FILE = "base_sha256", "base_file"  # in an adapter file: of SAM's frozen weights
ATTACHED = "samfit_adapter"  # attribute of a Sam: the name of the method attached to it


def attach(sam: nn.Module, name: str, /, **settings: Any) -> "AdaptedSam":
    """Attach the registered method ``name`` to ``sam``.

    Example: ``attach(sam_model_registry["vit_b"](), "lora", rank=8)``.

    Args:
        sam: of any family that samfit knows, such as segment_anything's ``Sam``.
        name: of the method.
        settings: its hyper-parameters.

    Raises:
        UserError: for an unknown method or setting, a model that is no SAM, or one that has an
            adapter already; ``UnsupportedError`` if the method cannot be used with this SAM.
    """
    attached = getattr(sam, ATTACHED, None)
    if attached:
        raise UserError(f"this SAM has {attached} attached already: detach it, or build another.")
    method, parsed = adapter_class(name), parse_method_settings(name, settings)
    backbone = view(sam)
    for need in method.needs(parsed):
        if need in backbone.lacks:
            raise UnsupportedError(
                f"{name} cannot be used with {backbone.title}: it needs {need.value}, but "
                f"{backbone.lacks[need]}."
            )
    chosen = backbone.only(parsed.blocks if isinstance(parsed, SerialSettings) else "")
    adapter = method(chosen, parsed)
    like = next(sam.parameters())
    return AdaptedSam(chosen, adapter.to(like.device, like.dtype), name)


class AdaptedSam(nn.Module):
    """SAM with an adapter: frozen except for its mask decoder and what the adapter trains.

    Attributes:
        sam: the base model; its parameters keep their names.
        backbone: the same model as the adapter sees it.
        adapter: the attached method with its new parameters.
        name: the method's registered name.
        encoder_micro_batch: how many images the encoder takes at a time; 0 for all. Only for
            methods without gradients through it.
    """

    def __init__(self, backbone: Backbone, adapter: Adapter, name: str) -> None:
        super().__init__()
        sam = backbone.model
        self.sam, self.backbone, self.adapter, self.name = sam, backbone, adapter, name
        self.encoder_micro_batch = 0
        self._digest: str | None = None
        self._total = sum(p.numel() for module in (sam, adapter) for p in module.parameters())
        self._encoder = backbone.shape
        # Freezing goes by parameter identity, never by a word in a parameter's name.
        sam.requires_grad_(False)
        single_token, classes = adapter.settings.decoder == "single_token", adapter.settings.classes
        if single_token or classes > 1:
            adapter.hold(backbone.replace_mask_tokens(classes, single_token))
        for parameter in adapter.trained_in_sam(backbone):
            parameter.requires_grad_(True)
        adapter.attach(backbone)
        setattr(sam, ATTACHED, name)

    def __deepcopy__(self, memo: dict[int, Any]) -> "AdaptedSam":
        """Refused: the copy's changes to SAM would still run the original's parameters."""
        raise UserError("an adapted SAM cannot be copied: save it, and load the file into another.")

    def encode(self, images: Tensor, embedding: Tensor | None = None) -> Embedding:
        """Image embedding of raw RGB images (B, 3, S, S) in 0..255, as the adapter corrects it.

        A method that needs no gradient through the encoder runs it without a graph, since neither
        its weights nor its input want one, and before its own branch: the encoder's momentary peak
        and the branch's activations never add up. If ``embedding`` (B, C, g, g), what ``embed``
        gives for these images, is given, the encoder does not run at all.
        """
        self._check_attached()
        self._check_images(images)
        self.adapter.begin()
        if embedding is None:
            found = self.embed(images)
        elif why := self.backbone.lacks.get(Need.EMBEDDING_ALONE):
            raise UnsupportedError(
                f"an embedding alone is not enough for {self.backbone.title}, since {why}: give "
                "images, and no embedding."
            )
        else:
            found = Embedding(embedding.to(self.backbone.dtype))
        return found._replace(image=self.adapter.correct(found.image, images))

    def embed(self, images: Tensor) -> Embedding:
        """The encoder's embedding of ``images``, before a parallel adapter's correction."""
        parts = images.split(self.encoder_micro_batch or len(images))
        found = [self._embed(part) for part in parts]
        if len(found) == 1:
            return found[0]
        beside = zip(*(part.beside for part in found), strict=True)
        return Embedding(torch.cat([part.image for part in found]), (*map(torch.cat, beside),))

    def without_encoder(self) -> None:
        """Take the encoder out of the model until ``detach`` brings it back.

        Every forward pass is given embeddings from now on, and moving the model to a device leaves
        the encoder where it is.

        Raises:
            UserError: if the method needs more of the encoder than embeddings.
        """
        adapter, lacks = self.adapter, self.backbone.lacks
        if Need.EMBEDDING_ALONE in lacks:
            raise UnsupportedError(
                f"embeddings of {self.backbone.title} cannot be cached: "
                f"{lacks[Need.EMBEDDING_ALONE]}."
            )
        if adapter.encoder_gradients or adapter.reads_blocks:
            reads = "gradients flow through it" if adapter.encoder_gradients else "it is read"
            raise UserError(
                f"{adapter.title} needs the image encoder, since {reads}: keep the encoder."
            )
        self.adapter.hold(leave_out(self.sam, self.backbone.encoder_name))

    def _check_images(self, images: Tensor) -> None:
        side = self.backbone.image_size
        if images.shape[1:] != (3, side, side):
            raise UserError(
                f"this SAM takes images (B, 3, {side}, {side}), got {tuple(images.shape)}: "
                "resize and pad them."
            )

    def _check_attached(self) -> None:
        if getattr(self.sam, ATTACHED, None) is None:
            raise UserError(f"this {self.name} was detached from its SAM: attach another.")

    def _embed(self, images: Tensor) -> Embedding:
        """The encoder's output for images that it takes together."""
        pixels = self.backbone.preprocess(images)
        if not self.adapter.encoder_gradients:
            pixels = pixels.detach()
        return self.backbone.encode(pixels)

    def forward(
        self,
        images: Tensor,
        boxes: Tensor | None = None,
        embedding: Tensor | None = None,
        points: Tensor | None = None,
    ) -> Tensor:
        """Mask logits of SAM's single-mask output, or of each class.

        Args:
            images: (B, 3, S, S) raw RGB in 0..255, S the encoder's input size.
            boxes: (B, P, 4) box prompts in pixels, or None for no prompt (P = 1).
            embedding: (B, C, g, g), what ``embed`` gives for the images; None runs the encoder.
            points: (B, P, n, 3) point prompts, without boxes, as ``encode_prompts`` takes them.

        Returns:
            (B·P, K, S/4, S/4) logits for K classes, the P masks of an image side by side.

        Raises:
            UserError: for images or prompts of other shapes, or if the adapter was detached.
        """
        if boxes is not None:
            _check_boxes(boxes, len(images))
        return self.decode(self.encode(images, embedding), boxes, points)

    def decode(
        self, embedding: Embedding, boxes: Tensor | None, points: Tensor | None = None
    ) -> Tensor:
        """Mask logits of embeddings that ``encode`` gave, otherwise as ``forward``."""
        masks = self.backbone.decode(embedding, boxes, points)
        return masks[:, : self.adapter.settings.classes]

    def trainable(self) -> dict[str, nn.Parameter]:
        """The trained parameters by name: ``adapter.*`` and ``sam.*``."""
        return {name: p for name, p in self.named_parameters() if p.requires_grad}

    def parameter_counts(self) -> dict[str, int]:
        """Numbers of parameters: ``trainable``, its three parts, and ``total``.

        ``adapter`` counts new parameters and those of the image encoder that the method trains.
        """
        counts = {"adapter": 0, "mask_decoder": 0, "prompt_encoder": 0}
        for name, parameter in self.trainable().items():
            part = next((part for part in counts if name.startswith(f"sam.{part}.")), "adapter")
            counts[part] += parameter.numel()
        return {"trainable": sum(counts.values()), **counts, "total": self._total}

    def trained_state(self) -> dict[str, Tensor]:
        """Everything that training changes: trained parameters and the adapter's buffers."""
        trained, state = self.trainable(), self.state_dict()
        buffers = {name for name, _ in self.named_buffers() if name.startswith("adapter.")}
        return {name: t for name, t in state.items() if name in trained or name in buffers}

    def remember_base(self) -> None:
        """Take the digest of SAM's frozen weights now, before they are converted or taken out."""
        self._digest = frozen_digest(self.backbone)

    def save(self, path: Path | str) -> None:
        """Write the trained state to a safetensors file, with a digest of the frozen weights.

        The same state gives the same bytes.
        """
        tensors = {name: tensor.contiguous() for name, tensor in self.trained_state().items()}
        # One entry, because safetensors writes several in no particular order.
        metadata = {TRAINED_WITH: json.dumps(self._trained_with() | self.base(), sort_keys=True)}
        write_whole(Path(path), save(tensors, metadata))  # with the mode of any other file

    def load(self, path: Path | str, any_base: bool = False) -> None:
        """Read what ``save`` wrote for the same method, settings, backbone and frozen weights.

        With ``any_base`` the frozen weights may differ. Where they cannot be compared, because the
        file is older or the weights were converted to 16 bits, a ``Remark`` says so.

        Raises:
            UserError: if the file cannot be read or belongs to another method, other settings,
                another backbone or other frozen weights.
        """
        try:
            trained_with = _read_trained_with(path)
            tensors = load_file(path)
        except (OSError, SafetensorError, ValueError) as error:
            raise UserError(f"cannot read the adapter file {path}: {error}.") from error
        for what, ours in self._trained_with().items():
            theirs = trained_with.get(what, "unknown")
            if theirs != ours:
                raise UserError(f"{path} was trained with {what} {theirs}, not {ours}.")
        state = self.trained_state()
        wrong = [
            name
            for name in sorted(state.keys() | tensors.keys())
            if name not in state or name not in tensors or state[name].shape != tensors[name].shape
        ]
        if wrong:
            raise UserError(
                f"{path} does not fit this model ({wrong[0]} differs): "
                "load it with the image size it was trained with."
            )
        if not any_base:
            self.check_base(path, trained_with)
        with torch.no_grad():
            for name, tensor in state.items():
                tensor.copy_(tensors[name])

    def check_base(self, path: Path | str, trained_with: dict[str, str]) -> None:
        """Refuse what was trained on other frozen weights; ``trained_with`` has what ``base`` gave.

        Raises:
            UserError: if they are others.
        """
        theirs, ours = trained_with.get(BASE), self.base()
        if theirs is None or BASE not in ours:
            why = "it does not say which they were" if theirs is None else "these were converted"
            warnings.warn(
                f"{path}: that it was trained on these weights of SAM is not checked: {why}.",
                Remark,
                stacklevel=3,
            )
        elif theirs != ours[BASE]:
            its_own, these = (base.get(BASE_FILE, "unnamed") for base in (trained_with, ours))
            raise UserError(
                f"{path} was trained on other weights of SAM ({its_own}) than these ({these}), on "
                "which its masks are wrong: give --checkpoint those, or --any-base (in Python "
                "any_base=True) to use it on these."
            )

    def base(self) -> dict[str, str]:
        """The frozen weights: their digest if it can be told, and the file that they are from."""
        digest, file = (
            self._digest or frozen_digest(self.backbone),
            getattr(self.sam, LOADED_FROM, None),
        )
        return {name: text for name, text in ((BASE, digest), (BASE_FILE, file)) if text}

    def _trained_with(self) -> dict[str, str]:
        """What a saved file and the model that loads it must have in common."""
        return {
            "adapter": self.name,
            "settings": json.dumps(changed_function(self.adapter.settings), sort_keys=True),
            "encoder": self._encoder,
        }

    def detach(self) -> Any:
        """Remove the adapter; what comes back is SAM, with all of its own weights as trained.

        The tokens of several classes are no part of SAM, and go with the adapter.
        """
        self._check_attached()
        self.adapter.detach()
        setattr(self.sam, ATTACHED, None)
        return self.sam

    def merge(self) -> Any:
        """Fold the adapter into SAM's weights and remove it.

        What comes back computes the same embedding. Its masks are the same, too, with the decoder
        that was trained: SAM's own, or ``attach(sam, "decoder", decoder="single_token")``.

        Raises:
            UserError: if the method cannot be merged.
        """
        self._check_attached()
        self.adapter.merge(self.backbone)
        return self.detach()


def _read_trained_with(path: Path | str) -> dict[str, str]:
    """What ``_trained_with`` gave when the file was written; nothing if it is not ours."""
    with safe_open(path, "pt") as file:
        found = json.loads((file.metadata() or {}).get(TRAINED_WITH, "{}"))
    return found if isinstance(found, dict) else {}


def _check_boxes(boxes: Tensor, batch_size: int) -> None:
    is_batch = boxes.dim() == 3 and boxes.shape[::2] == (batch_size, 4) and boxes.shape[1] > 0
    if not is_batch:
        raise UserError(
            f"{batch_size} images need boxes (B, P, 4) with B = {batch_size} and P from 1 up, "
            f"got {tuple(boxes.shape)}."
        )
