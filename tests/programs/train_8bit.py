"""All of SAM trained with bitsandbytes' AdamW, whose state has 8 bits a value."""

import argparse

import bitsandbytes as bnb
import torch
from dataset import Discs
from losses import bce_dice_loss
from sam_lora import LoRASam
from torch.utils.data import DataLoader


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--optimizer", choices=["8bit", "paged", "32bit"], default="8bit")
    args = parser.parse_args()

    model = LoRASam().cuda()
    model.requires_grad_(True)
    optimizers = {
        "8bit": bnb.optim.AdamW8bit,
        "paged": bnb.optim.PagedAdamW8bit,
        "32bit": torch.optim.AdamW,
    }
    optimizer = optimizers[args.optimizer](model.parameters(), lr=1e-5, weight_decay=0.01)
    for batch in DataLoader(Discs(args.images), args.batch_size, num_workers=2, pin_memory=True):
        batch = {name: value.cuda() for name, value in batch.items()}
        loss = bce_dice_loss(model(batch["image"], batch["box"]), batch["mask"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
