"""LoRA on SAM with Hugging Face's accelerate: python, or accelerate launch."""

import argparse

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from dataset import Discs
from losses import bce_dice_loss
from sam_lora import LoRASam
from torch.utils.data import DataLoader
from tqdm.auto import tqdm
from transformers import get_cosine_schedule_with_warmup


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--accumulate", type=int, default=2)
    parser.add_argument("--mixed-precision", default="fp16")
    args = parser.parse_args()

    accelerator = Accelerator(
        mixed_precision=args.mixed_precision, gradient_accumulation_steps=args.accumulate
    )
    set_seed(42)
    model = LoRASam()
    optimizer = torch.optim.AdamW(model.trained_parameters(), lr=1e-4)
    scheduler = get_cosine_schedule_with_warmup(optimizer, 10, 1000)
    loader = DataLoader(Discs(args.images), args.batch_size, shuffle=True)
    held_out = DataLoader(Discs(args.images, seed=1), args.batch_size)
    model, optimizer, loader, held_out, scheduler = accelerator.prepare(
        model, optimizer, loader, held_out, scheduler
    )

    bar = tqdm(total=len(loader), disable=not accelerator.is_local_main_process)
    model.train()
    for batch in loader:
        with accelerator.accumulate(model):
            loss = bce_dice_loss(model(batch["image"], batch["box"]), batch["mask"])
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
        bar.update()
        bar.set_postfix(loss=loss.detach().item(), lr=scheduler.get_last_lr()[0])

    model.eval()
    correct = []
    with torch.no_grad():
        for batch in held_out:
            predicted = model(batch["image"], batch["box"]) > 0
            predicted, mask = accelerator.gather_for_metrics((predicted, batch["mask"] > 0.5))
            correct.append((predicted == mask).float().mean())
    accelerator.print(f"accuracy {torch.stack(correct).mean().item():.3f}")
    accelerator.wait_for_everyone()
    accelerator.save_state("state")


if __name__ == "__main__":
    main()
