"""LoRA on SAM with mixed precision in float16, a scaled loss, clipping and a schedule."""

import argparse
import logging
import math
import sys

import torch
from dataset import Discs
from losses import bce_dice_loss, iou
from sam_lora import LoRASam
from torch.nn.utils import clip_grad_norm_
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

logging.basicConfig(level=logging.INFO, format="[%(asctime)s] %(message)s", stream=sys.stdout)
log = logging.getLogger(__name__)


def warm_up_then_cosine(step, warm_up=10, total=1000):
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm_up) / total)))


def main(args):
    torch.backends.cudnn.benchmark = True
    loader = DataLoader(
        Discs(args.images),
        args.batch_size,
        shuffle=True,
        num_workers=args.num_workers,
        pin_memory=True,
        persistent_workers=args.num_workers > 0,
        drop_last=True,
    )
    model = LoRASam(rank=args.rank).cuda()
    trained = model.trained_parameters()
    optimizer = torch.optim.AdamW(trained, lr=args.lr)
    scheduler = LambdaLR(optimizer, warm_up_then_cosine)
    scaler = torch.amp.GradScaler("cuda")

    running, best = 0.0, math.inf
    for epoch in range(args.epochs):
        for step, batch in enumerate(loader):
            batch = {name: tensor.cuda(non_blocking=True) for name, tensor in batch.items()}
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cuda", dtype=torch.float16):
                logits = model(batch["image"], batch["box"])
                loss = bce_dice_loss(logits, batch["mask"])
            if not torch.isfinite(loss):
                raise SystemExit(f"the loss is {loss.item()}, stopping")
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            norm = clip_grad_norm_(trained, max_norm=1.0)
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            running = 0.9 * running + 0.1 * loss.item()
            best = min(best, loss.item())
            log.info(
                "epoch %d step %d loss %.4f (running %.4f, best %.4f) iou %.3f norm %.2f scale %g",
                epoch, step, loss.item(), running, best,
                iou(logits, batch["mask"]).item(), norm.item(), scaler.get_scale(),
            )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rank", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--lr", type=float, default=5e-3)
    parser.add_argument("--num-workers", type=int, default=2)
    main(parser.parse_args())
