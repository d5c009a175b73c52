"""SAM's mask decoder for a batch of images, differentiable.

The stock ``MaskDecoder.forward`` takes one image and P prompts, and repeats the embedding P times:
given B images it raises. This route computes the same masks for B images with P prompts each
(methods: Kirillov et al., arXiv 2304.02643, section A), with the stock modules.
"""

from collections.abc import Iterator

import torch
from segment_anything.modeling import MaskDecoder, PromptEncoder
from torch import Tensor, nn


def encode_prompts(
    encoder: PromptEncoder, boxes: Tensor | None, batch_size: int
) -> tuple[Tensor, Tensor]:
    """Embed one prompt per mask.

    Args:
        encoder: SAM's prompt encoder.
        boxes: (B, P, 4) corner coordinates (x0, y0, x1, y1) in pixels of the encoder's input, or
            None for no prompt, which asks for one mask per image.
        batch_size: B.

    Returns:
        Sparse (B·P, s, C), with s = 2 corner tokens for a box and 0 without a prompt, and dense
        (B·P, C, g, g) embeddings.
    """
    if boxes is None:
        sparse, dense = encoder(points=None, boxes=None, masks=None)
        return sparse.expand(batch_size, -1, -1), dense.expand(batch_size, -1, -1, -1)
    return encoder(points=None, boxes=boxes.reshape(-1, 4), masks=None)


def decode_masks(
    decoder: MaskDecoder, embedding: Tensor, image_pe: Tensor, sparse: Tensor, dense: Tensor
) -> tuple[Tensor, Tensor]:
    """Predict masks for B images with P prompts each.

    Args:
        decoder: SAM's mask decoder.
        embedding: (B, C, g, g) image embedding.
        image_pe: (1, C, g, g) positional encoding of the grid.
        sparse: (B·P, s, C) prompt tokens, the P prompts of an image side by side.
        dense: (B·P, C, g, g) dense prompt.

    Returns:
        Mask logits (B·P, M, 4g, 4g) of the M mask tokens: index 0 is SAM's single-mask output,
        1..3 its multi-mask output; and predicted IoU (B·P, 4).
    """
    count = sparse.shape[0]
    prompts = count // embedding.shape[0]
    if prompts > 1:
        embedding = embedding.repeat_interleave(prompts, dim=0)
    own = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    tokens = torch.cat([own.expand(count, -1, -1), sparse], dim=1)

    source = embedding + dense
    n, c, h, w = source.shape
    tokens, source = decoder.transformer(source, image_pe.expand(n, -1, -1, -1), tokens)
    upscaled = decoder.output_upscaling(source.transpose(1, 2).view(n, c, h, w))

    networks = decoder.output_hypernetworks_mlps[: decoder.mask_tokens.num_embeddings]
    weights = torch.stack([net(tokens[:, 1 + i]) for i, net in enumerate(networks)], dim=1)
    masks = (weights @ upscaled.flatten(2)).view(n, -1, *upscaled.shape[-2:])
    return masks, decoder.iou_prediction_head(tokens[:, 0])


class SingleToken:
    """Leaves a mask decoder nothing but the token of its single-mask output, until removed.

    The tokens of the multi-mask output take part in attention, so this changes the mask. AutoGluon
    trains Conv-LoRA with such a decoder (arXiv 2401.17868); it takes Hugging Face's, whose four
    layer norms a block have eps 1e-6 instead of 1e-5, which is not followed here.
    """

    def __init__(self, decoder: MaskDecoder) -> None:
        self._decoder, self._stock = decoder, decoder.mask_tokens
        first = self._stock.weight[:1].detach().clone()
        decoder.mask_tokens = nn.Embedding.from_pretrained(first, freeze=False)

    def remove(self) -> None:
        """Restore the stock tokens, with the one that was kept as it is now."""
        kept = self._decoder.mask_tokens.weight.detach()
        self._decoder.mask_tokens = self._stock.to(kept.device, kept.dtype)
        with torch.no_grad():
            self._stock.weight[:1] = kept


def single_mask_parameters(decoder: MaskDecoder) -> Iterator[nn.Parameter]:
    """The parameters that the single-mask output depends on: 3,505,536 with ``SingleToken``."""
    unused = (decoder.iou_prediction_head, *decoder.output_hypernetworks_mlps[1:])
    left_out = {id(parameter) for module in unused for parameter in module.parameters()}
    yield from (p for p in decoder.parameters() if id(p) not in left_out)
