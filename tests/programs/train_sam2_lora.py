"""LoRA on the queries and values of SAM 2's image encoder, by hand, in a plain loop."""

import argparse
import math

import torch
from torch import nn
from torch.nn import functional as F
from transformers import Sam2Config, Sam2Model

# What facebook/sam2.1-hiera-base-plus says of its image encoder.
BASE_PLUS = {
    "backbone_config": {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 112,
        "num_attention_heads": 2,
        "embed_dim_per_stage": [112, 224, 448, 896],
        "num_attention_heads_per_stage": [2, 4, 8, 16],
        "blocks_per_stage": [2, 3, 16, 3],
        "global_attention_blocks": [12, 16, 20],
        "window_positional_embedding_background_size": [14, 14],
    },
    "backbone_channel_list": [896, 448, 224, 112],
}


class LowRank(nn.Module):
    """x -> B A x."""

    def __init__(self, features, out_features, rank=4):
        super().__init__()
        self.down = nn.Linear(features, rank, bias=False)
        self.up = nn.Linear(rank, out_features, bias=False)
        nn.init.kaiming_uniform_(self.down.weight, a=math.sqrt(5))
        nn.init.zeros_(self.up.weight)

    def forward(self, x):
        return self.up(self.down(x))


def add_lora(model):
    """The new parameters; q and v are the first and the last third of what qkv gives."""
    updates = nn.ModuleList()
    for block in model.vision_encoder.backbone.blocks:
        qkv = block.attn.qkv
        width = qkv.out_features // 3
        q, v = (LowRank(qkv.in_features, width) for _ in range(2))

        def add(_, inputs, output, q=q, v=v, width=width):
            output[..., :width] += q(inputs[0])
            output[..., 2 * width :] += v(inputs[0])
            return output

        qkv.register_forward_hook(add)
        updates.extend([q, v])
    return updates


def dice_ce(logits, target):
    bce = F.binary_cross_entropy_with_logits(logits, target)
    probability = logits.sigmoid()
    overlap = (probability * target).sum((1, 2, 3))
    total = probability.sum((1, 2, 3)) + target.sum((1, 2, 3))
    return bce + (1 - (2 * overlap + 1e-5) / (total + 1e-5)).mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--two-calls", action="store_true", help="encode, then decode")
    args = parser.parse_args()

    model = Sam2Model(Sam2Config(vision_config=BASE_PLUS)).requires_grad_(False)
    model.mask_decoder.requires_grad_(True)
    lora = add_lora(model)
    model.to("cuda").train()
    lora.to("cuda")
    trained = [p for p in model.parameters() if p.requires_grad] + list(lora.parameters())
    print(f"trained: {sum(p.numel() for p in trained):,}")
    optimizer = torch.optim.AdamW(trained, lr=2e-4)
    mean = torch.tensor([123.675, 116.28, 103.53], device="cuda").view(3, 1, 1)
    std = torch.tensor([58.395, 57.12, 57.375], device="cuda").view(3, 1, 1)

    count = args.batch_size
    images = torch.randint(0, 256, (count, 3, 1024, 1024), dtype=torch.uint8).to("cuda")
    boxes = torch.tensor([[[100.0, 100, 900, 800]]]).repeat(count, 1, 1).to("cuda")
    target = torch.randint(0, 2, (count, 1, 256, 256)).float().to("cuda")

    def embed(pixels):
        *finer, last = model.get_image_features(pixels).fpn_hidden_states  # each (H·W, B, C)
        maps = [*finer, last + model.no_memory_embedding]
        sizes = model.backbone_feature_sizes
        return [t.permute(1, 2, 0).unflatten(-1, size) for t, size in zip(maps, sizes, strict=True)]

    def masks_of(pixels):
        given = {"image_embeddings": embed(pixels)} if args.two_calls else {"pixel_values": pixels}
        return model(**given, input_boxes=boxes, multimask_output=False).pred_masks.squeeze(1)

    for _ in range(args.rounds):
        optimizer.zero_grad()
        loss = dice_ce(masks_of((images - mean) / std), target)
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    main()
