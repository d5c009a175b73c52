"""Memory is bounded as on the card, running out of it is PyTorch's own, and nothing is in it."""

import re

from samfit.units import GIB, MIB

EXHAUSTED = """
import torch
from samfit.harness.standin.process import bytes_in_use
held = torch.empty(3 << 30, dtype=torch.uint8, device="cuda")
try:
    torch.empty(1 << 30, dtype=torch.uint8, device="cuda")
except torch.OutOfMemoryError as error:
    told = dict(message=str(error), reserved=torch.cuda.memory_reserved(), used=bytes_in_use())
"""


def sizes(message):
    """The sizes in a message, in bytes."""
    units = {"bytes": 1, "MiB": MIB, "GiB": GIB}
    found = re.findall(r"(\d+(?:\.\d+)?) (bytes|MiB|GiB)", message)
    return [float(number) * units[unit] for number, unit in found]


def test_running_out_of_memory_says_pytorchs_own_numbers(card, run_on):
    small = card()
    told, _ = run_on(small, EXHAUSTED)
    held = 3 * GIB
    free = small.total_bytes - small.context_bytes - held
    expected = [1 * GIB, small.total_bytes, free, held + small.context_bytes, held, 0]
    for said, right in zip(sizes(told["message"]), expected, strict=True):
        assert abs(said - right) <= 0.005 * GIB
    assert told["reserved"] == held
    assert told["used"] == [held, held]


def test_the_bound_is_exact_and_can_be_changed_in_a_running_process(card, run_on):
    program = """
import torch
from samfit.harness.standin.process import set_limit
def largest():
    torch.cuda.empty_cache()
    for mib in range(1000, 1, -2):
        try:
            torch.empty(mib << 20, dtype=torch.uint8, device="cuda")
            return mib
        except torch.OutOfMemoryError:
            pass
told = [largest()]
for mib in (400, 600):
    set_limit(mib << 20)
    told += [largest(), torch.cuda.mem_get_info()[0] >> 20]
"""
    told, _ = run_on(card(total_bytes=1 * GIB, context_bytes=524 * MIB), program)
    assert told == [500, 400, 0, 600, 0]


def test_what_comes_from_the_card_is_zero_and_the_host_keeps_its_own(card, run_on):
    program = """
import torch
ones = torch.ones(3, 4)
there = ones.cuda() + 1
strided = torch.empty(5, 8)[:, :4]
told = dict(
    back=there.cpu().tolist(), item=there.sum().item(), truth=bool((there == 1).any()),
    pinned=ones.pin_memory().tolist(), kept=ones.tolist(), strided=there[:, ::2].cpu().tolist(),
)
"""
    told, _ = run_on(card(), program)
    ones, zeros = [[1.0] * 4] * 3, [[0.0] * 4] * 3
    assert told["back"] == zeros and told["strided"] == [[0.0] * 2] * 3
    assert (told["item"], told["truth"]) == (0.0, False)
    assert told["pinned"] == told["kept"] == ones


SPLIT = """
import torch
def bytes_of(mib):
    return torch.empty(mib << 20, dtype=torch.uint8, device="cuda")
bytes_of(1200)          # one segment of 1200 MiB, free again
held = bytes_of(700)    # splits it: the rest cannot go back to the card
told = {}
try:
    more = bytes_of(1000)
except torch.OutOfMemoryError as error:
    told["message"] = str(error)
told["reserved"] = torch.cuda.memory_reserved() >> 20
told["free"] = torch.cuda.mem_get_info()[0] >> 20
"""


def test_expandable_segments_grow_where_others_are_split(card, run_on):
    small = card(total_bytes=2300 * MIB, context_bytes=300 * MIB)
    fixed, _ = run_on(small, SPLIT)
    assert "message" in fixed and (fixed["reserved"], fixed["free"]) == (1200, 800)
    growing, _ = run_on(small, SPLIT, PYTORCH_CUDA_ALLOC_CONF="expandable_segments:True")
    assert "message" not in growing
    assert (growing["reserved"], growing["free"]) == (1700, 300)
    smaller = card(total_bytes=1900 * MIB, context_bytes=300 * MIB)
    bounded, _ = run_on(smaller, SPLIT, PYTORCH_CUDA_ALLOC_CONF="expandable_segments:True")
    assert "Tried to allocate 1000.00 MiB" in bounded["message"]


def test_memory_that_is_freed_can_be_had_again_without_end(card, run_on):
    program = """
import torch
for _ in range(2000):
    torch.empty(3 << 30, dtype=torch.uint8, device="cuda")
    torch.cuda.empty_cache()
told = torch.cuda.mem_get_info()[0]
"""
    small = card()
    assert run_on(small, program)[0] == small.total_bytes - small.context_bytes
