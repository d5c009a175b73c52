"""Full fine-tuning of SAM's image encoder, sharded by FSDP2: torchrun --nproc-per-node 4."""

import argparse
import os

import torch
import torch.distributed as dist
from segment_anything import sam_model_registry
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-type", default="vit_h")
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--bf16", action="store_true")
    args = parser.parse_args()

    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    torch.cuda.set_device(device)
    dist.init_process_group("nccl", device_id=device)
    mesh = init_device_mesh("cuda", (world,))

    with torch.device("meta"):
        encoder = sam_model_registry[args.model_type]().image_encoder
    policy = MixedPrecisionPolicy(torch.bfloat16, torch.float32) if args.bf16 else None
    options = {"mesh": mesh, **({"mp_policy": policy} if policy else {})}
    for index, block in enumerate(encoder.blocks):
        if args.checkpointing:
            encoder.blocks[index] = checkpoint_wrapper(block)
        fully_shard(encoder.blocks[index], **options)
    fully_shard(encoder, **options)
    encoder.to_empty(device=device)
    for parameter in encoder.parameters():
        torch.nn.init.trunc_normal_(parameter, std=0.02)
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=1e-5)

    for step in range(args.steps):
        images = torch.rand(args.batch_size, 3, 1024, 1024, device=device)
        target = torch.rand(args.batch_size, 256, 64, 64, device=device)
        loss = torch.nn.functional.mse_loss(encoder(images).float(), target)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if rank == 0:
            gib = torch.cuda.max_memory_allocated() / 2**30
            print(f"step {step} loss {loss.item():.4f} norm {norm.item():.3f} {gib:.2f} GiB")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
