"""LoRA on SAM with Lightning's Fabric."""

import argparse
import time

import lightning as L
import torch
from dataset import Discs
from losses import bce_dice_loss
from sam_lora import LoRASam
from torch.utils.data import DataLoader


class AverageMeter:
    def __init__(self):
        self.value = self.sum = self.count = 0

    def update(self, value, n=1):
        self.value = value
        self.sum += value * n
        self.count += n

    @property
    def average(self):
        return self.sum / self.count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--accelerator", default="cuda")
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--precision", default="bf16-mixed")
    args = parser.parse_args()

    fabric = L.Fabric(accelerator=args.accelerator, devices=args.devices, precision=args.precision)
    fabric.launch()
    fabric.seed_everything(1337 + fabric.global_rank)
    model = LoRASam()
    optimizer = torch.optim.AdamW(model.trained_parameters(), lr=8e-4, weight_decay=1e-4)
    model, optimizer = fabric.setup(model, optimizer)
    loader = fabric.setup_dataloaders(
        DataLoader(Discs(args.images), args.batch_size, shuffle=True, num_workers=2)
    )

    losses, step_time, end = AverageMeter(), AverageMeter(), time.time()
    for step, batch in enumerate(loader):
        loss = bce_dice_loss(model(batch["image"], batch["box"]), batch["mask"])
        optimizer.zero_grad()
        fabric.backward(loss)
        fabric.clip_gradients(model, optimizer, max_norm=1.0)
        optimizer.step()
        losses.update(loss.item(), len(batch["image"]))
        step_time.update(time.time() - end)
        end = time.time()
        fabric.print(f"[{step}/{len(loader)}] {step_time.value:.3f}s loss {losses.average:.4f}")
    fabric.save("last.ckpt", {"model": model, "optimizer": optimizer})


if __name__ == "__main__":
    main()
