"""Embeddings of the frozen image encoder, on disk: computed once, read in every epoch.

A method that neither sends gradients through the encoder nor reads its blocks trains on its output
alone, and that depends on nothing that is trained. Once all images are in the cache, the encoder
need not be in memory.
"""

import hashlib
import json
import math
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from samfit.adapters.sam.backbone import Backbone
from samfit.adapters.sam.precision import in_full_precision
from samfit.errors import UserError
from samfit.files import PARTIAL, write_whole, writing_to
from samfit.harness.record.cell import Precision
from samfit.harness.step.precision import computing_in
from samfit.units import MIB

NAME = "embedding"  # of the one tensor in a file
ABANDONED_AFTER_S = 24 * 3600  # no write takes that long: whoever began it was killed


class EmbeddingCache:
    """Embeddings by the content of their images, one file each, in a folder of their encoder's.

    A file appears in full or not at all, and is checked whenever it is read, so processes can share
    a folder and be killed at any moment. What is damaged is computed again.

    Attributes:
        folder: where this encoder's embeddings lie, below the one that was given.
    """

    def __init__(self, folder: Path, sam: Backbone, precision: Precision) -> None:
        """Open the cache in ``folder``, which is made if it is not there.

        Args:
            folder: may be that of other encoders, too.
            sam: its encoder computes what is missing, where it lies then. The encoder may leave
                ``sam``, but its weights must stay as they are.
            precision: in which the encoder runs, even within autocast.

        Raises:
            UserError: if the folder cannot be made.
        """
        self.sam, self._encoder, self._identity = sam, sam.image_encoder, identity(sam, precision)
        self._precision = precision
        self.folder = folder / hashlib.sha256(self._key().encode()).hexdigest()[:16]
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(self.folder)

    def get(self, images: Tensor) -> Tensor:
        """Embeddings (B, C, g, g) of raw RGB images (B, 3, S, S) uint8, on their device.

        Those that are missing are computed and kept.

        Raises:
            UserError: for images of another shape or type, or if an embedding cannot be written,
                such as to a full disk.
        """
        side = self._identity["image_size"]
        if images.dtype != torch.uint8 or images.shape[1:] != (3, side, side):
            raise UserError(
                f"this cache takes uint8 images (B, 3, {side}, {side}), got {images.dtype} "
                f"{tuple(images.shape)}: resize and pad them, and leave normalising to SAM."
            )
        embeddings = torch.empty((len(images), *self._identity["shape"]))
        for image, embedding in zip(images.cpu(), embeddings, strict=True):
            path, key = self._place(image)
            if not _read(path, key, embedding):
                embedding[:] = self._encode(image[None])[0]
                metadata = {"key": key, "sha256": content_sha256(embedding)}
                with self._writing():
                    write_whole(path, save({NAME: embedding}, metadata))
        return embeddings.to(images.device)

    @torch.no_grad()
    def _encode(self, image: Tensor) -> Tensor:
        """The embedding (1, C, g, g) of an image (1, 3, S, S).

        Of one at a time, so that it does not even differ in rounding with its batch.
        """
        encoder = self._encoder
        device, was_training = next(encoder.parameters()).device, encoder.training
        encoder.eval()
        try:
            with in_full_precision(device), computing_in(self._precision, device):
                pixels = self.sam.preprocess(image.to(self.sam.device)).to(device)
                return self.sam.encode(pixels, encoder).image
        finally:
            encoder.train(was_training)

    def _key(self, image_sha256: str = "") -> str:
        """The encoder, or the embedding of an image by it, as one text."""
        return json.dumps({**self._identity, "image_sha256": image_sha256})

    def _place(self, image: Tensor) -> tuple[Path, str]:
        """The file of the embedding of an image (3, S, S), and the key in it."""
        name = content_sha256(image)
        return self.folder / f"{name}.safetensors", self._key(name)

    def _writing(self) -> AbstractContextManager[None]:
        mib = math.prod(self._identity["shape"]) * torch.float32.itemsize / MIB
        return writing_to(
            self.folder,
            f"mend that or choose another folder for the embeddings ({mib:.1f} MiB per image), and "
            "run again: finished embeddings are kept",
        )


def identity(sam: Backbone, precision: Precision) -> dict[str, Any]:
    """All that an embedding depends on but the image; it reads all weights.

    The batch is not part of it, nor the device or the kernels: they only change how sums are
    rounded. Torch's ``float32_matmul_precision`` decides whether products may take TF32.
    """
    weights, state = hashlib.sha256(), sam.image_encoder.state_dict()
    if not state:
        raise ValueError("this SAM has parted from its encoder: open the cache before")
    for name, tensor in sorted(state.items()):
        weights.update(f"{name} {content_sha256(tensor)}\n".encode())
    mean, std = sam.normalisation
    return {
        "weights_sha256": weights.hexdigest(),
        "image_size": sam.image_size,
        "pixel_mean": mean,
        "pixel_std": std,
        "precision": precision,
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "dtype": str(torch.float32),  # of what is stored
        "shape": [sam.embed_dim, *sam.grid],
    }


def _read(path: Path, key: str, into: Tensor) -> bool:
    """Whether the embedding in a file is there, intact and that of ``key``, and now in ``into``."""
    try:
        with safe_open(path, "pt") as file:  # maps the file into memory
            metadata, found = file.metadata() or {}, file.get_tensor(NAME)
    except (OSError, SafetensorError):  # missing, truncated, or not such a file
        return False
    if metadata.get("key") != key or (found.dtype, found.shape) != (into.dtype, into.shape):
        return False
    into.copy_(found)  # what is checked is what is used, whatever happens to the file
    return content_sha256(into) == metadata.get("sha256")


def content_sha256(tensor: Tensor) -> str:
    """Hash of a tensor's type, shape and values."""
    digest = hashlib.sha256(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
    values = tensor.detach().cpu().flatten()
    digest.update(values.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _remove_abandoned(folder: Path) -> None:
    """Remove what writers left that were killed; what others are writing is too young."""
    for partial in folder.glob(f"*{PARTIAL}"):
        with suppress(OSError):  # another process was faster, or it is not ours to remove
            if time.time() - partial.stat().st_mtime > ABANDONED_AFTER_S:
                partial.unlink()
