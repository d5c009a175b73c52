"""Ranks find each other alike where PyTorch compares them, and are told what one gives to all."""

import json
import os
import socket

from samfit.harness.device.cards import find_card
from samfit.harness.standin.library import card_variables

RANKS = 2


def rank_main():
    """What a rank of two is told of each collective."""
    import torch
    import torch.distributed as distributed

    from samfit.harness.program.inside.reads.reads import Reads

    Reads("usual", stuck=print).install()
    rank = int(os.environ["RANK"])
    torch.cuda.set_device(rank)
    distributed.init_process_group("nccl", device_id=torch.device("cuda", rank))
    told = {}
    mine = torch.tensor([rank, 7]).cuda()
    gathered = [torch.zeros(2, dtype=torch.long).cuda() for _ in range(RANKS)]
    distributed.all_gather(gathered, mine)
    told["gathered"] = [each.tolist() for each in gathered]
    whole = torch.empty(2 * RANKS, dtype=torch.long).cuda()
    distributed.all_gather_into_tensor(whole, mine)
    told["whole"] = whole.tolist()
    distributed.broadcast(mine, 1)
    told["given"] = mine.tolist()
    objects = [{"rank": rank}, "more"] if rank == 0 else [None, None]
    distributed.broadcast_object_list(objects, 0)
    told["objects"] = objects
    every = [None] * RANKS
    distributed.all_gather_object(every, {"rank": rank})
    told["every"] = every
    part = [None]
    distributed.scatter_object_list(part, ["one", "two"] if rank == 0 else None, 0)
    told["part"] = part
    summed = torch.tensor([3]).cuda()
    distributed.all_reduce(summed)
    told["summed"] = summed.tolist()
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3)).cuda()
    parallel = torch.nn.parallel.DistributedDataParallel(model, device_ids=[rank])
    optimizer = torch.optim.AdamW(parallel.parameters())
    for _ in range(3):
        parallel(torch.rand(4, 3).cuda()).sum().backward()
        optimizer.step()
    return told


def all_ranks(variables):
    """What each rank is told; they are forks of a process that has not used CUDA."""
    import torch  # noqa: F401

    os.environ.update(variables)
    pipes = []
    for rank in range(RANKS):
        reader, writer = os.pipe()
        if os.fork() == 0:
            try:
                os.environ["RANK"] = str(rank)
                os.write(writer, json.dumps(rank_main()).encode())
            finally:
                os._exit(0)
        os.close(writer)
        pipes.append(reader)
    said = [os.fdopen(reader).read() for reader in pipes]
    assert all(said), "a rank has failed"
    return [json.loads(told) for told in said]


def test_what_ranks_are_told(stage):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    card = card_variables(find_card("RTX 3090"), RANKS)
    group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(RANKS)}
    told = stage.run(all_ranks, {**card, **group})
    for rank, each in enumerate(told):
        assert each["gathered"] == [[rank, 7]] * RANKS
        assert each["whole"] == [rank, 7] * RANKS
        assert each["given"] == [1, 7]
        assert each["objects"] == [{"rank": 0}, "more"]
        assert each["every"] == [{"rank": rank}] * RANKS
        assert each["part"] == [["one", "two"][rank]]
        assert each["summed"] == [1]  # not known, since the operation is not
