"""Several equal cards in one process, of which the program sees those that it names."""

import pytest

from samfit.harness.standin.library import MOST_CARDS, card_variables
from samfit.units import MIB


@pytest.fixture
def run_on_cards(card, run_on):
    """Runs a program on so many cards; gives what it leaves in ``told``."""

    def run(count, program, **variables):
        asked = card()
        return run_on(asked, program, **{**card_variables(asked, count), **variables})[0]

    return run


EACH = """
import torch
from samfit.harness.standin.process import bytes_in_use
held, told = [], []
for number in range(torch.cuda.device_count()):
    held.append(torch.empty((10 + number) << 20, dtype=torch.uint8, device=f"cuda:{number}"))
    with torch.cuda.device(number):
        pool = torch.cuda.current_stream().device.index
    told.append([
        held[-1].device.index, bytes_in_use(number)[0], torch.cuda.mem_get_info(number)[0], pool,
        str(torch.cuda.get_device_properties(number).uuid)[-2:],
    ])
told = [told, torch.cuda.current_device(), bytes_in_use(len(held)), bytes_in_use(-1)]
"""


@pytest.mark.parametrize("grown", ["", "expandable_segments:True"])
def test_each_card_has_memory_of_its_own(run_on_cards, card, grown):
    told, current, *none = run_on_cards(3, EACH, PYTORCH_CUDA_ALLOC_CONF=grown)
    room = card().total_bytes - card().context_bytes
    # a segment of its own from 10 MiB on; else pieces of 20 MiB that join
    expected = [20, 20, 20] if grown else [10, 12, 12]
    assert [each[0] for each in told] == [each[3] for each in told] == [0, 1, 2]
    assert [each[1] for each in told] == [mib * MIB for mib in expected]
    assert [each[2] for each in told] == [room - mib * MIB for mib in expected]
    assert [each[4] for each in told] == ["00", "01", "02"]
    assert current == 0 and none == [[0, 0], [0, 0]]


def test_as_many_cards_as_can_be_are_large_enough(run_on, card):
    """Large enough is the card of those who ask how much is needed; a segment reserves more."""
    endless = card(total_bytes=2**42)
    program = """
import torch
held = [torch.empty(2**40, dtype=torch.uint8, device=f"cuda:{number}") for number in range(8)]
told = [tensor.device.index for tensor in held]
"""
    for grown in ("", "expandable_segments:True"):
        variables = {**card_variables(endless, 8), "PYTORCH_CUDA_ALLOC_CONF": grown}
        told, said = run_on(endless, program, **variables)
        assert told == list(range(8)) and said == ""


def test_running_out_on_one_card_names_it(run_on_cards):
    program = """
import torch
held = torch.empty(3 << 30, dtype=torch.uint8, device="cuda:0")
torch.empty(3 << 30, dtype=torch.uint8, device="cuda:1")
try:
    torch.empty(1 << 30, dtype=torch.uint8, device="cuda:0")
except torch.OutOfMemoryError as error:
    told = str(error)
"""
    assert "GPU 0 has a total capacity of 4.00 GiB" in run_on_cards(2, program)


SHARED = """
import torch
from torch import nn
model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3)).cuda()
model = nn.DataParallel(model)
optimizer = torch.optim.AdamW(model.parameters())
for _ in range(2):
    result = model(torch.ones(8, 3, 64, 64).cuda())
    result.mean().backward()
    optimizer.step()
across = torch.ones(4, 6, device="cuda:1").t().to("cuda:0")
told = [list(result.shape), str(across.device), *(
    torch.cuda.max_memory_allocated(number) for number in range(torch.cuda.device_count()))]
"""


def test_data_parallel(run_on_cards):
    shape, device, first, *others = run_on_cards(4, SHARED)
    assert shape == [8, 8, 60, 60] and device == "cuda:0"
    assert first > others[1] == others[2] > 0


COUNTS = """
import json, os, torch, warnings
warnings.filterwarnings("ignore", "Can't get nvml device count")
told = {{}}
for names in {names!r}:
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.environ["CUDA_VISIBLE_DEVICES"] = names
        if names == "unset":
            del os.environ["CUDA_VISIBLE_DEVICES"]
        counts = [torch.cuda.device_count(), torch._C._cuda_getDeviceCount()]
        os.write(writer, json.dumps([*counts, torch.cuda.is_available()]).encode())
        os._exit(0)
    os.close(writer)
    told[names] = json.loads(os.read(reader, 1000))
    os.wait()
"""

NAMED = {
    "unset": 2, "": 0, "-1": 0, "0": 1, "3": 1, "0,1": 2, "1,0": 2, "7,5": 2, "0,1,2,3": 2,
    "1,0,2": 2, "5,-1,6": 1, "2,2": 0, "1gpu": 1, "GPU-8932f937-d72c": 1, "GPU-89,GPU-77,GPU-99": 2,
    "MIG-GPU-89/1/0": 1, "3,2,1,0": 2,
}  # fmt: skip


def test_the_program_sees_the_cards_that_it_names(run_on_cards):
    """After torch is imported, too; NVML, which PyTorch asks first, counts as many as CUDA."""
    told = run_on_cards(2, COUNTS.format(names=list(NAMED)))
    assert told == {names: [count, count, count > 0] for names, count in NAMED.items()}


def test_a_card_that_was_named_by_another_number_is_found_by_nvml(run_on_cards):
    program = """
import torch
x = torch.empty(10 << 20, dtype=torch.uint8, device="cuda:1")
told = [torch.cuda.device_memory_used(number) for number in (0, 1)]
told += [torch.cuda.list_gpu_processes(number).count("uses") for number in (0, 1)]
"""
    told = run_on_cards(2, program, CUDA_VISIBLE_DEVICES="2,5")
    assert told == [0, 300 * MIB + 10 * MIB, 0, 1]


@pytest.mark.parametrize("count", [0, MOST_CARDS + 1])
def test_a_count_that_cannot_be(card, count):
    with pytest.raises(ValueError, match=f"count is {count}: 1 to {MOST_CARDS} cards"):
        card_variables(card(), count)
