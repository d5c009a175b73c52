"""SAM with LoRA on the queries and values of its image encoder, written by hand."""

import math

import torch
from segment_anything import sam_model_registry
from torch import nn
from torch.nn import functional as F


class LoRAqkv(nn.Module):
    """A frozen projection to q, k and v, with low-rank updates of q and v."""

    def __init__(self, qkv, rank):
        super().__init__()
        self.qkv = qkv
        self.width = qkv.in_features
        self.down_q = nn.Linear(self.width, rank, bias=False)
        self.up_q = nn.Linear(rank, self.width, bias=False)
        self.down_v = nn.Linear(self.width, rank, bias=False)
        self.up_v = nn.Linear(rank, self.width, bias=False)
        for down, up in ((self.down_q, self.up_q), (self.down_v, self.up_v)):
            nn.init.kaiming_uniform_(down.weight, a=math.sqrt(5))
            nn.init.zeros_(up.weight)

    def forward(self, x):
        qkv = self.qkv(x)
        qkv[..., : self.width] += self.up_q(self.down_q(x))
        qkv[..., -self.width :] += self.up_v(self.down_v(x))
        return qkv


class LoRASam(nn.Module):
    """Images (B, 3, 1024, 1024) and a box each (B, 4) -> mask logits (B, 1, 1024, 1024)."""

    def __init__(self, model_type="vit_b", rank=4, checkpoint=None):
        super().__init__()
        self.sam = sam_model_registry[model_type](checkpoint=checkpoint)
        for parameter in self.sam.image_encoder.parameters():
            parameter.requires_grad = False
        for parameter in self.sam.prompt_encoder.parameters():
            parameter.requires_grad = False
        # The estimate of a mask's quality is no part of the loss.
        for parameter in self.sam.mask_decoder.iou_prediction_head.parameters():
            parameter.requires_grad = False
        for block in self.sam.image_encoder.blocks:
            block.attn.qkv = LoRAqkv(block.attn.qkv, rank)

    def forward(self, images, boxes):
        embeddings = self.sam.image_encoder(images)
        masks = []
        for embedding, box in zip(embeddings, boxes, strict=True):
            sparse, dense = self.sam.prompt_encoder(points=None, boxes=box[None], masks=None)
            low_resolution, _ = self.sam.mask_decoder(
                image_embeddings=embedding[None],
                image_pe=self.sam.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=False,
            )
            masks.append(low_resolution)
        return F.interpolate(
            torch.cat(masks), images.shape[-2:], mode="bilinear", align_corners=False
        )

    def trained_parameters(self):
        """What the optimizer takes."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]
