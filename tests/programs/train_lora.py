"""A plain loop: LoRA on SAM, in float32."""

import argparse

import torch
from dataset import Discs
from losses import bce_dice_loss
from sam_lora import LoRASam
from torch.utils.data import DataLoader


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-type", default="vit_b")
    parser.add_argument("--rank", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--num-workers", type=int, default=2)
    parser.add_argument("--device", default="cuda:0")
    return parser.parse_args()


def main():
    args = parse_args()
    torch.manual_seed(2023)
    device = torch.device(args.device)
    loader = DataLoader(
        Discs(args.images),
        batch_size=args.batch_size,
        shuffle=True,
        num_workers=args.num_workers,
        pin_memory=True,
    )
    model = LoRASam(args.model_type, args.rank).to(device)
    model.train()
    trained = model.trained_parameters()
    print(f"trainable parameters: {sum(p.numel() for p in trained):,}")
    optimizer = torch.optim.AdamW(trained, lr=args.lr, weight_decay=0.01)

    for epoch in range(args.epochs):
        for step, batch in enumerate(loader):
            image = batch["image"].to(device, non_blocking=True)
            mask = batch["mask"].to(device, non_blocking=True)
            box = batch["box"].to(device, non_blocking=True)
            loss = bce_dice_loss(model(image, box), mask)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print(f"epoch {epoch} step {step} loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
