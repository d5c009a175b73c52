"""The training step that anyone would write first, to compare the batched one with.

SAM's own mask decoder takes one image, so the images of a batch go through forward and backward one
after the other, and their gradients add up. Conv-LoRA's mixture is computed as its paper writes it:
every expert in turn, each weighted by its gate, of which all but one are zero. In evaluation all
masks agree. In training, batch norm (CAD, SAM-LST) sees
one image at a time, and so do the noise and the balance loss of Conv-LoRA and the dropout of
AdaptFormer and SAM-COBOT: for these methods the times are compared, not the numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from samfit.adapters.conv_lora import ConvLoraUpdate, Expert
from samfit.adapters.core.adapted import AdaptedSam
from samfit.adapters.core.base import Adapter
from samfit.adapters.sam.sites import override
from samfit.harness.step.step import Batch, Step


def naive_step(step: Step) -> Tensor:
    """Do what ``step.run`` does in training, one image at a time; the loss, a scalar."""
    step.optimizer.zero_grad(set_to_none=True)
    losses = []
    for one in single_images(step.batch):
        assert one.masks is not None
        logits = naive_masks(step.model, one.images, one.boxes)
        loss = step.loss(logits, one.masks, step.cell.image_size)
        auxiliary = step.model.adapter.auxiliary_loss()
        if auxiliary is not None:
            loss = loss + auxiliary
        (loss / step.cell.batch_size).backward()
        losses.append(loss.detach())
    step.optimizer.step()
    return torch.stack(losses).mean()


def naive_masks(model: AdaptedSam, image: Tensor, boxes: Tensor | None) -> Tensor:
    """Mask logits (P, 1, S/4, S/4) of one image (1, 3, S, S) with boxes (1, P, 4) or none."""
    with experts_in_a_loop(model.adapter):
        if model.adapter.settings.decoder == "single_token":
            return model(image, boxes)  # SAM's own forward pass asks for all four mask tokens
        embedding = model.encode(image)
    prompt_encoder = model.sam.prompt_encoder
    prompts = None if boxes is None else boxes[0]
    sparse, dense = prompt_encoder(points=None, boxes=prompts, masks=None)
    masks, _ = model.sam.mask_decoder(
        image_embeddings=embedding,
        image_pe=prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=False,
    )
    return masks


def single_images(batch: Batch) -> Iterator[Batch]:
    """The images of ``batch``, each as a batch of its own."""
    assert batch.masks is not None
    count = batch.images.shape[0]
    prompts = batch.masks.shape[0] // count
    masks = batch.masks.split(prompts)
    boxes = [None] * count if batch.boxes is None else batch.boxes.split(1)
    for one in zip(batch.images.split(1), boxes, masks, strict=True):
        yield Batch(*one)


@contextmanager
def experts_in_a_loop(adapter: Adapter) -> Iterator[None]:
    """Within this context the updates of Conv-LoRA, if there are any, run all of their experts."""
    updates = [module for module in adapter.modules() if isinstance(module, ConvLoraUpdate)]
    changes = [override(update, "dispatch", partial(mixture, update)) for update in updates]
    try:
        yield
    finally:
        for change in changes:
            change.remove()


def mixture(update: ConvLoraUpdate, h: Tensor, expert: Tensor) -> Tensor:
    """The sum over m of gate_m · E_m(h), for rows h (N, r, H, W) and the expert of each (N,)."""
    gates = F.one_hot(expert, len(update.experts)).to(h.dtype)
    y = torch.zeros_like(h)
    for gate, one in zip(gates.unbind(dim=1), update.experts, strict=True):
        assert isinstance(one, Expert)
        y = y + gate.view(-1, 1, 1, 1) * whole_expert(one, h)
    return y


def whole_expert(expert: Expert, h: Tensor) -> Tensor:
    """The expert's output for h (N, r, H, W), convolved at every pixel of the enlarged map."""
    side = h.shape[-2:]
    large = F.interpolate(h, [expert.scale * length for length in side], mode="bicubic")
    return F.interpolate(F.gelu(expert.conv(large)), side, mode="bicubic")
