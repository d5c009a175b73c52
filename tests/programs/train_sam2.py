"""SAM 2 through Hugging Face, on images: the mask decoder and the neck are trained."""

import argparse

import torch
from dataset import Discs
from losses import bce_dice_loss
from torch.nn import functional as F
from torch.utils.data import DataLoader
from transformers import Sam2Config, Sam2Model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--full", action="store_true", help="train the image encoder as well")
    parser.add_argument("--device", default="cuda")
    args = parser.parse_args()

    model = Sam2Model(Sam2Config()).to(args.device)
    for name, parameter in model.named_parameters():
        frozen = name.startswith(("vision_encoder.backbone", "prompt_encoder"))
        parameter.requires_grad_(args.full or not frozen)
    optimizer = torch.optim.AdamW(
        (p for p in model.parameters() if p.requires_grad), lr=1e-5, weight_decay=4e-5
    )
    loader = DataLoader(Discs(args.images), args.batch_size, shuffle=True, num_workers=2)

    model.train()
    for step, batch in enumerate(loader):
        target = F.interpolate(batch["mask"], (256, 256)).to(args.device)
        with torch.autocast(args.device, dtype=torch.bfloat16):
            outputs = model(
                pixel_values=batch["image"].to(args.device),
                input_boxes=batch["box"][:, None].to(args.device),
                multimask_output=False,
            )
        logits = outputs.pred_masks.float().squeeze(1)
        score = outputs.iou_scores.float().flatten()
        overlap = ((logits > 0) * target).sum((1, 2, 3))
        union = ((logits > 0) | (target > 0)).sum((1, 2, 3))
        true_score = overlap / union.clamp(min=1)
        loss = bce_dice_loss(logits, target) + 0.05 * (score - true_score).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 2 == 0:
            print(f"step {step}: loss {loss.item():.4f}, IoU {true_score.mean().item():.3f}")


if __name__ == "__main__":
    main()
