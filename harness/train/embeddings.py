"""Embeddings of the frozen image encoder, on disk: computed once, read in every epoch.

A method that neither sends gradients through the encoder nor reads its blocks trains on its output
alone, and that depends on nothing that is trained. Once all images are in the cache, the encoder
need not be in memory.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from segment_anything.modeling import Sam
from torch import Tensor

from samfit.adapters.sam.precision import autocast, in_full_precision
from samfit.errors import UserError
from samfit.files import PARTIAL, write_whole, writing_to
from samfit.harness.record.cell import Precision

Encode = Callable[[Tensor], Tensor]

NAME = "embedding"  # of the one tensor in a file
ABANDONED_AFTER_S = 24 * 3600  # no write takes that long: whoever began it was killed


@dataclass(frozen=True, kw_only=True)
class EncoderId:
    """All that an embedding depends on but the image.

    The batch is not part of it, nor the device or the kernels: they only change how sums are
    rounded.

    Attributes:
        weights_sha256: hash of the encoder's tensors. Their shapes are in it, and so the depth,
            heads and windows of the encoder.
        image_size: side S of the images in pixels.
        pixel_mean, pixel_std: of preprocessing, by channel.
        precision: in which the encoder runs.
        float32_matmul_precision: torch's, which decides whether products may take TF32.
        dtype: of the stored embeddings.
        shape: (C, g, g) of an embedding.
    """

    weights_sha256: str
    image_size: int
    pixel_mean: tuple[float, ...]
    pixel_std: tuple[float, ...]
    precision: Precision
    float32_matmul_precision: str
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def embedding_bytes(self) -> int:
        """What an image takes on the disk, but for a header of less than 1 KiB."""
        return math.prod(self.shape) * self.dtype.itemsize

    def key(self, image_sha256: str = "") -> str:
        """The encoder, or the embedding of an image by it, as one text."""
        return json.dumps({**asdict(self), "image_sha256": image_sha256}, default=str)


def encoder_id(sam: Sam, precision: Precision, dtype: torch.dtype = torch.float32) -> EncoderId:
    """What identifies the image encoder of ``sam``; it reads all weights, so keep it.

    Args:
        sam: its encoder's weights as they will be when it encodes.
        precision: in which it will encode.
        dtype: in which embeddings are to be stored.
    """
    state = sam.image_encoder.state_dict()
    if not state:
        raise ValueError("this SAM has parted from its encoder: identify it before")
    weights = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        weights.update(f"{name} {content_sha256(tensor)}\n".encode())
    return EncoderId(
        weights_sha256=weights.hexdigest(),
        image_size=sam.image_encoder.img_size,
        pixel_mean=tuple(sam.pixel_mean.flatten().tolist()),
        pixel_std=tuple(sam.pixel_std.flatten().tolist()),
        precision=precision,
        float32_matmul_precision=torch.get_float32_matmul_precision(),
        dtype=dtype,
        shape=(sam.prompt_encoder.embed_dim, *sam.prompt_encoder.image_embedding_size),
    )


def frozen_encoder(sam: Sam, precision: Precision, micro_batch: int = 0) -> Encode:
    """What computes embeddings (B, C, g, g) of raw RGB images (B, 3, S, S) on any device.

    The encoder that ``sam`` has now runs where it lies when it is called, in eval mode, in
    ``precision`` even within autocast, and on ``micro_batch`` images at a time, 0 for all. One at a
    time, an embedding does not even differ in rounding with its batch.
    """
    encoder = sam.image_encoder
    in_precision = autocast if precision == "bf16" else in_full_precision

    def encode(images: Tensor) -> Tensor:
        device, was_training = next(encoder.parameters()).device, encoder.training
        encoder.eval()
        try:
            with in_precision(device):
                parts = images.to(sam.device).split(micro_batch or len(images))
                return torch.cat([encoder(sam.preprocess(part).to(device)) for part in parts])
        finally:
            encoder.train(was_training)

    return encode


@dataclass
class Statistics:
    """How the images that a cache was asked for were served; their sum is all of them.

    Attributes:
        hits: read from the disk.
        computed: not there yet.
        repaired: there, but damaged or of another key, and so computed again.
    """

    hits: int = 0
    computed: int = 0
    repaired: int = 0


class EmbeddingCache:
    """Embeddings by the content of their images, one file each, in a folder of their encoder's.

    A file appears in full or not at all, and is checked whenever it is read, so processes can share
    a folder and be killed at any moment. What is damaged is counted and computed again.

    Attributes:
        folder: where this encoder's embeddings lie, below the one that was given.
        encoder: the encoder's identity.
        encode: maps uint8 images (B, 3, S, S) to embeddings (B, C, g, g), see ``frozen_encoder``.
            It is called for missing images only, so it may well load the encoder when it first is.
        statistics: of this object's life.
    """

    def __init__(self, folder: Path, encoder: EncoderId, encode: Encode) -> None:
        """Open the cache in ``folder``, which is made if it is not there.

        Raises:
            UserError: if the folder cannot be made.
        """
        name = hashlib.sha256(encoder.key().encode()).hexdigest()[:16]
        self.folder, self.encoder, self.encode = folder / name, encoder, encode
        self.statistics = Statistics()
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
        self._check_images(images)
        embeddings = torch.empty((len(images), *self.encoder.shape), dtype=self.encoder.dtype)
        names = [content_sha256(image) for image in images.cpu()]
        missing = [i for i, name in enumerate(names) if not self._read(name, embeddings[i])]
        if missing:
            with torch.no_grad():
                computed = self.encode(images[missing])
            if computed.shape[1:] != self.encoder.shape:
                raise ValueError(f"{tuple(computed.shape)} are not {self.encoder.shape} each")
            embeddings[missing] = computed.to(embeddings)
        for i in missing:
            self._write(names[i], embeddings[i])
        return embeddings.to(images.device)

    def _check_images(self, images: Tensor) -> None:
        side = self.encoder.image_size
        if images.dtype != torch.uint8 or images.shape[1:] != (3, side, side):
            raise UserError(
                f"this cache takes uint8 images (B, 3, {side}, {side}), got {images.dtype} "
                f"{tuple(images.shape)}: resize and pad them, and leave normalising to SAM."
            )

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"

    def _read(self, name: str, into: Tensor) -> bool:
        """Whether the embedding of the image ``name`` is there and intact, and now in ``into``."""
        try:
            with safe_open(self._path(name), "pt") as file:  # maps the file into memory
                metadata, found = file.metadata() or {}, file.get_tensor(NAME)
        except FileNotFoundError:
            self.statistics.computed += 1
            return False
        except (OSError, SafetensorError):  # truncated, or not such a file
            self.statistics.repaired += 1
            return False
        is_ours = metadata.get("key") == self.encoder.key(name)
        if is_ours and (found.dtype, found.shape) == (into.dtype, into.shape):
            into.copy_(found)  # what is checked is what is used, whatever happens to the file
            if content_sha256(into) == metadata.get("sha256"):
                self.statistics.hits += 1
                return True
        self.statistics.repaired += 1
        return False

    def _write(self, name: str, embedding: Tensor) -> None:
        metadata = {"key": self.encoder.key(name), "sha256": content_sha256(embedding)}
        with self._writing():
            write_whole(self._path(name), save({NAME: embedding}, metadata))

    def _writing(self) -> AbstractContextManager[None]:
        mib = self.encoder.embedding_bytes / 2**20
        return writing_to(
            self.folder,
            f"mend that or choose another folder for the embeddings ({mib:.1f} MiB per image), and "
            "run again: finished embeddings are kept",
        )


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
