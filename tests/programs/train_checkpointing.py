"""All of SAM trained with gradient checkpointing, bfloat16 autocast and accumulated gradients."""

import argparse

import torch
from dataset import Discs
from losses import bce_dice_loss
from sam_lora import LoRASam
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader


def checkpoint_blocks(encoder):
    """Each block computes its activations again in backward."""
    for block in encoder.blocks:
        forward = block.forward
        block.forward = lambda x, forward=forward: checkpoint(forward, x, use_reentrant=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--accumulate", type=int, default=4)
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--without-checkpointing", action="store_true")
    args = parser.parse_args()

    torch.set_float32_matmul_precision("high")
    model = LoRASam()
    model.requires_grad_(True)
    if not args.without_checkpointing:
        checkpoint_blocks(model.sam.image_encoder)
    model = model.to("cuda", memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    loader = DataLoader(Discs(args.images), args.batch_size, num_workers=2, prefetch_factor=4)

    loss_sum = torch.zeros((), device="cuda")
    for step, batch in enumerate(loader, start=1):
        batch = {name: value.to("cuda", non_blocking=True) for name, value in batch.items()}
        with torch.autocast("cuda", torch.bfloat16):
            loss = bce_dice_loss(model(batch["image"], batch["box"]), batch["mask"])
        (loss / args.accumulate).backward()
        loss_sum += loss.detach()
        if step % args.accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
            mean = loss_sum / args.accumulate
            peak = torch.cuda.max_memory_allocated() / 2**20
            print(f"step {step // args.accumulate} loss {mean:.4f} {peak:.0f} MiB")
            loss_sum.zero_()


if __name__ == "__main__":
    main()
