"""SAM's mask decoder for a batch of images, differentiable.

The stock ``MaskDecoder.forward`` takes one image and P prompts, and repeats the embedding P times:
given B images it raises. This route computes the same masks for B images with P prompts each
(methods: Kirillov et al., arXiv 2304.02643, section A), with the stock modules.
"""

import copy

import torch
from segment_anything.modeling import MaskDecoder, PromptEncoder, TwoWayTransformer
from torch import Tensor, nn
from torch.nn import functional as F


def build_prompt_encoder(channels: int, image_size: int, stride: int) -> PromptEncoder:
    """SAM's prompt encoder, with random weights."""
    grid = image_size // stride
    return PromptEncoder(
        embed_dim=channels,
        image_embedding_size=(grid, grid),
        input_image_size=(image_size, image_size),
        mask_in_chans=16,
    )


def build_mask_decoder(channels: int, mlp_dim: int) -> MaskDecoder:
    """SAM's mask decoder, with random weights."""
    return MaskDecoder(
        transformer_dim=channels,
        transformer=TwoWayTransformer(
            depth=2, embedding_dim=channels, num_heads=8, mlp_dim=mlp_dim
        ),
        iou_head_hidden_dim=channels,
    )


def encode_prompts(
    encoder: PromptEncoder, boxes: Tensor | None, batch_size: int, points: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Embed one prompt per mask.

    Args:
        encoder: SAM's prompt encoder.
        boxes: (B, P, 4) corner coordinates (x0, y0, x1, y1) in pixels of the encoder's input, or
            None for no box.
        batch_size: B.
        points: (B, P, n, 3), or (B, n, 3) for P = 1, as x, y and label: 1 within the object, 0
            outside, -1 for no point. None for no points; boxes come without.

    Returns:
        Sparse (B·P, s, C), with s = 2 corner tokens for a box, n + 1 for points and 0 without a
        prompt, and dense (B·P, C, g, g) embeddings.
    """
    if boxes is not None:
        return encoder(points=None, boxes=boxes.reshape(-1, 4), masks=None)
    sparse, dense = encoder(points=None, boxes=None, masks=None)
    if points is not None:
        of_masks = points.reshape(-1, *points.shape[-2:])
        return _encode_points(encoder, of_masks), dense.expand(len(of_masks), -1, -1, -1)
    return sparse.expand(batch_size, -1, -1), dense.expand(batch_size, -1, -1, -1)


def _encode_points(encoder: PromptEncoder, points: Tensor) -> Tensor:
    """Tokens (N, n + 1, C) of points (N, n, 3), the last one of a point that is none, as in SAM.

    SAM's own way selects by label, so that shapes depend on data and it cannot be traced.
    """
    points = F.pad(points, (0, 0, 0, 1), value=-1)
    pixel_centres, label = points[..., :2] + 0.5, points[..., 2:]
    place = encoder.pe_layer.forward_with_coords(pixel_centres, encoder.input_image_size)
    outside, inside = (kind.weight for kind in encoder.point_embeddings[:2])
    tokens = place + torch.where(label == 1, inside, outside)
    return torch.where(label == -1, encoder.not_a_point_embed.weight, tokens)


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
        1..3 its multi-mask output, or those of ``MaskTokens``; and predicted IoU (B·P, 4).
    """
    masks_wanted = sparse.shape[0]
    prompts = masks_wanted // embedding.shape[0]
    if prompts > 1:
        embedding = embedding.repeat_interleave(prompts, dim=0)
    own = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    tokens = torch.cat([own.expand(masks_wanted, -1, -1), sparse], dim=1)

    source = embedding + dense
    n, c, h, w = source.shape
    tokens, source = decoder.transformer(source, image_pe.expand(n, -1, -1, -1), tokens)
    upscaled = decoder.output_upscaling(source.transpose(1, 2).view(n, c, h, w))

    count = decoder.mask_tokens.num_embeddings
    networks = decoder.output_hypernetworks_mlps[:count]
    networks = networks if len(networks) == count else [networks[0]] * count
    weights = torch.stack([net(tokens[:, 1 + i]) for i, net in enumerate(networks)], dim=1)
    masks = (weights @ upscaled.flatten(2)).view(n, -1, *upscaled.shape[-2:])
    return masks, decoder.iou_prediction_head(tokens[:, 0])


class MaskTokens:
    """Gives a mask decoder ``count`` mask tokens in the place of its four, until removed.

    All start as the token of the single-mask output, and frozen, as SAM is: the method says what is
    trained. One token is that output without the three others, which take part in attention, so
    this changes the mask. AutoGluon trains Conv-LoRA with such a decoder (arXiv 2401.17868); it
    takes Hugging Face's, whose four layer norms a block have eps 1e-6 instead of 1e-5, which is not
    followed here. Several tokens are one mask a class: with a hypernetwork each, as in SAMed (arXiv
    2304.13785), or with one that they share, as AutoGluon has it.
    """

    def __init__(self, decoder: MaskDecoder, count: int, shared_hypernetwork: bool) -> None:
        self._decoder = decoder
        self._tokens, self._networks = decoder.mask_tokens, decoder.output_hypernetworks_mlps
        first = self._tokens.weight[:1].detach().clone()
        decoder.mask_tokens = nn.Embedding.from_pretrained(first.repeat(count, 1))
        if count > 1:
            each = [copy.deepcopy(self._networks[0]) for _ in range(count)]
            decoder.output_hypernetworks_mlps = nn.ModuleList(
                each[: 1 if shared_hypernetwork else count]
            )

    def remove(self) -> None:
        """Restore the stock tokens; one that was alone is kept as it is now."""
        kept = self._decoder.mask_tokens.weight.detach()
        self._decoder.mask_tokens = self._tokens.to(kept.device, kept.dtype)
        self._decoder.output_hypernetworks_mlps = self._networks.to(kept.device, kept.dtype)
        if len(kept) == 1:
            with torch.no_grad():
                self._tokens.weight[:1] = kept
