"""SAM's mask decoder trained as one CUDA graph; images are embedded outside of it."""

import argparse

import torch
from dataset import Discs
from segment_anything import sam_model_registry
from torch import nn


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=5)
    args = parser.parse_args()

    sam = sam_model_registry["vit_b"]().cuda()
    optimizer = torch.optim.Adam(sam.mask_decoder.parameters(), lr=1e-4, capturable=True)
    with torch.no_grad():
        sparse, dense = sam.prompt_encoder(
            points=None, boxes=torch.tensor([[0.0, 0.0, 1024.0, 1024.0]]).cuda(), masks=None
        )
        position = sam.prompt_encoder.get_dense_pe()
    embedding = torch.zeros(1, 256, 64, 64, device="cuda")
    target = torch.zeros(1, 1, 256, 256, device="cuda")

    def step():
        optimizer.zero_grad(set_to_none=True)
        logits, _ = sam.mask_decoder(embedding, position, sparse, dense, multimask_output=False)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, target)
        loss.backward()
        optimizer.step()
        return loss

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step()

    data = Discs()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    for index in range(args.steps):
        example = data[index]
        with torch.no_grad():
            embedding.copy_(sam.image_encoder(example["image"][None].cuda()))
        target.copy_(nn.functional.max_pool2d(example["mask"][None], 4))
        start.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        print(f"loss {loss.item():.4f} in {start.elapsed_time(end):.1f} ms")


if __name__ == "__main__":
    main()
