"""LoRA on SAM with DistributedDataParallel, by torchrun or on its own (--spawn N)."""

import argparse
import os

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from dataset import Discs
from losses import bce_dice_loss
from sam_lora import LoRASam
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler


def train(args):
    dist.init_process_group("nccl")
    rank, local_rank = dist.get_rank(), int(os.environ["LOCAL_RANK"])
    torch.cuda.set_device(local_rank)
    torch.manual_seed(0)

    model = LoRASam(rank=args.rank)
    if args.full:
        for parameter in model.sam.image_encoder.parameters():
            parameter.requires_grad = True
    model = torch.nn.SyncBatchNorm.convert_sync_batchnorm(model).cuda(local_rank)
    model = DistributedDataParallel(
        model, device_ids=[local_rank], find_unused_parameters=args.find_unused
    )
    optimizer = torch.optim.AdamW(
        (p for p in model.parameters() if p.requires_grad), lr=1e-4, weight_decay=0.1
    )
    data = Discs(args.images)
    sampler = DistributedSampler(data, shuffle=True)
    loader = DataLoader(data, args.batch_size, sampler=sampler, num_workers=1, pin_memory=True)

    for epoch in range(args.epochs):
        sampler.set_epoch(epoch)
        for step, batch in enumerate(loader):
            image, mask, box = (
                batch[name].cuda(local_rank, non_blocking=True) for name in ("image", "mask", "box")
            )
            loss = bce_dice_loss(model(image, box), mask)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

            mean = loss.detach().clone()
            dist.all_reduce(mean)
            mean /= dist.get_world_size()
            if rank == 0:
                print(f"epoch {epoch} step {step} loss {mean.item():.4f}", flush=True)
    dist.barrier()
    if rank == 0:
        torch.save(model.module.state_dict(), "ddp.pth")
    dist.destroy_process_group()


def spawned(local_rank, args):
    os.environ.update(
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(args.port),
        RANK=str(local_rank),
        LOCAL_RANK=str(local_rank),
        WORLD_SIZE=str(args.spawn),
    )
    train(args)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rank", type=int, default=4)
    parser.add_argument("--full", action="store_true", help="train the image encoder as well")
    parser.add_argument("--find-unused", action="store_true")
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--spawn", type=int, default=0, help="start so many processes")
    parser.add_argument("--port", type=int, default=29511)
    args = parser.parse_args()
    if args.spawn:
        mp.spawn(spawned, (args,), nprocs=args.spawn)
    else:
        train(args)


if __name__ == "__main__":
    main()
