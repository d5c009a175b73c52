"""SAM's image encoder compiled by torch.compile, distilled to a frozen one."""

import argparse
import copy

import torch
from dataset import Discs
from segment_anything import sam_model_registry
from torch.utils.data import DataLoader


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--layers", type=int, default=4, help="blocks of the student")
    parser.add_argument("--mode", default="default")
    args = parser.parse_args()

    teacher = sam_model_registry["vit_b"]().image_encoder.cuda().eval().requires_grad_(False)
    student = copy.deepcopy(teacher).requires_grad_(True).train()
    del student.blocks[args.layers :]
    compiled = torch.compile(student, mode=args.mode)
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-4)

    for batch in DataLoader(Discs(args.images), args.batch_size):
        images = batch["image"].cuda()
        with torch.inference_mode():
            target = teacher(images)
        loss = (compiled(images) - target.clone()).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        print(f"loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
