"""Programs of several processes, a card each: PyTorch's own NCCL code runs, and moves nothing."""

import json
import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from samfit.harness.standin.library import environment
from samfit.units import MIB

HEAD = """
import json, os, sys
import torch
import torch.distributed as dist
from torch import nn
rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
dist.init_process_group("nccl", device_id=torch.device("cuda", rank))
def tell(told):
    os.write(1, json.dumps([rank, told]).encode() + b"\\n")  # at once: ranks share the pipe
"""

# 16 layers of 1 MiB each, whose inputs and outputs are small. What a collective was given is held
# until PyTorch's watchdog of NCCL looks again, each tenth of a second: no time on a card, but more
# than a step takes here.
TRAINED = """
import gc, time
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.nn.parallel import DistributedDataParallel

def shard(model):
    for layer in model:
        fully_shard(layer)
    return fully_shard(model)

def held(wrap):
    model = wrap(nn.Sequential(*(nn.Linear(512, 512, bias=False) for _ in range(16))).cuda())
    optimizer = torch.optim.AdamW(model.parameters(), foreach=False)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.ones(1, 512, device="cuda")).sum().backward()
        optimizer.step()
        time.sleep(0.3)
    torch._C._cuda_clearCublasWorkspaces()
    gc.collect()  # models that were wrapped before refer to themselves
    return torch.cuda.memory_allocated()

tell([
    held(shard),
    held(lambda model: DistributedDataParallel(model, gradient_as_bucket_view=True)),
    held(lambda model: FullyShardedDataParallel(model, device_id=rank)),
])
dist.destroy_process_group()
"""


@pytest.fixture
def run_ranks(card, built, tmp_path):
    """Starts a program as torchrun does; gives what each rank told."""

    def run(size, program, **variables):
        script = tmp_path / "program.py"
        script.write_text(HEAD + program)
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        done = subprocess.run(
            [*command, "--nproc-per-node", str(size), str(script)],
            env={**os.environ, **environment(card(), size), **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told = dict(json.loads(line) for line in done.stdout.splitlines() if line[0] == "[")
        return [told[rank] for rank in range(size)]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2])
def test_each_rank_holds_its_part(run_ranks, size):
    """Of weights, gradients and AdamW's state: all with DDP, its share with FSDP."""
    for held in run_ranks(size, TRAINED):
        assert held == [64 * MIB // size, 64 * MIB, 64 * MIB // size]


TOGETHER = """
from pathlib import Path
if rank == 0:
    import time
    time.sleep(0.5)
    Path("written").touch()
dist.barrier()
told = [Path("written").exists(), torch.cuda.nccl.version()[0]]
half = dist.split_group(split_ranks=[list(range(size // 2)), list(range(size // 2, size))])
x = torch.full((3,), 5.0, device="cuda")
dist.all_reduce(x, group=half)
told.append(dist.get_world_size(half))
known = torch.tensor([1.0, 2.0]).cuda()
parts = torch.empty(size, 2, device="cuda")
dist.all_gather_into_tensor(parts, known)
told += [parts.tolist(), x.tolist()]
(dist.send if rank % 2 else dist.recv)(x, rank ^ 1)
other = dist.new_group([0, size - 1])
if rank in (0, size - 1):
    dist.broadcast(x, 0, group=other)
    torch.cuda.synchronize()
tell(told)
"""


@pytest.mark.skipif(
    tuple(map(int, version("torch").split(".")[:2])) < (2, 8),
    reason="torch asks here whether an event has passed, which on the stand-in it always has",
)
def test_ranks_wait_for_each_other_and_know_what_was_copied(run_ranks):
    """Also where the program ends without a word to NCCL."""
    told = run_ranks(4, TOGETHER)
    assert told == [[True, 2, 2, [[1.0, 2.0]] * 4, [0.0] * 3]] * 4


SPAWNED = """
import json, os, sys
import torch
import torch.distributed as dist
from torch.multiprocessing import spawn
def work(rank, port):
    os.environ.update(MASTER_ADDR="localhost", MASTER_PORT=str(port))
    torch.cuda.set_device(rank)
    dist.init_process_group("nccl", rank=rank, world_size=2)
    model = torch.nn.parallel.DistributedDataParallel(
        torch.nn.Linear(9, 9).cuda(), device_ids=[rank], find_unused_parameters=True)
    for _ in range(3):
        model(torch.ones(1, 9, device="cuda")).sum().backward()
    if rank:
        sys.exit(7)
    dist.barrier()  # nobody comes
    dist.destroy_process_group()
if __name__ == "__main__":
    import socket
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
    try:
        spawn(work, (port,), 2)
    except Exception as error:
        print(str(error))
"""


@pytest.mark.slow
def test_spawned_ranks_of_which_one_ends(card, built, tmp_path):
    (tmp_path / "program.py").write_text(SPAWNED)
    done = subprocess.run(
        [sys.executable, "program.py"],
        env={**os.environ, **environment(card(), 2)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "process 1 terminated with exit code 7" in done.stdout
