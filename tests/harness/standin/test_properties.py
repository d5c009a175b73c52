"""PyTorch sees the card that was asked for, in CUDA 12's layout and in CUDA 13's."""

import pytest
import torch

from samfit.harness.device.cards import CARDS
from samfit.harness.standin.library import environment
from samfit.units import MIB

PROGRAM = """
import ctypes, torch
version = ctypes.c_int()
ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
seen = torch.cuda.get_device_properties(0)
told = dict(
    name=seen.name, capability=torch.cuda.get_device_capability(), total=seen.total_memory,
    multiprocessors=seen.multi_processor_count, threads=seen.max_threads_per_multi_processor,
    block_shared=getattr(seen, "shared_memory_per_block_optin", None),
    free_and_total=torch.cuda.mem_get_info(), count=torch.cuda.device_count(),
    available=torch.cuda.is_available(), bfloat16=torch.cuda.is_bf16_supported(False),
    cuda=version.value,
)
"""


@pytest.mark.parametrize(
    ("name", "threads", "block_shared", "bfloat16"),
    [("T4", 1024, 65536, False), ("RTX 3090", 1536, 101376, True), ("H100", 2048, 232448, True)],
)
def test_the_card_is_as_asked_for(card, run_on, name, threads, block_shared, bfloat16):
    asked = card(name)
    told, _ = run_on(asked, PROGRAM)
    major, minor = map(int, torch.version.cuda.split("."))
    assert told == {
        "name": asked.name,
        "capability": [int(part) for part in asked.compute_capability.split(".")],
        "total": asked.total_bytes,
        "multiprocessors": asked.multiprocessors,
        "threads": threads,
        "block_shared": block_shared if told["block_shared"] is not None else None,
        "free_and_total": [asked.total_bytes - asked.context_bytes, asked.total_bytes],
        "count": 1,
        "available": True,
        "bfloat16": bfloat16,
        "cuda": 1000 * major + 10 * minor,
    }


FORKS = """
import json, os, torch
told = []
for variables in {cards!r}:
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.environ.update(variables)
        torch.ones(1, device="cuda")
        seen = torch.cuda.get_device_properties(0)
        os.write(writer, json.dumps([seen.name, seen.multi_processor_count]).encode())
        os._exit(0)
    os.close(writer)
    told.append(json.loads(os.read(reader, 1000)))
    os.wait()
"""


def test_children_that_are_forked_after_torch_is_imported_have_cards_of_their_own(card, run_on):
    """One card for each compute capability of the table, so that all of them are known."""
    of_each = {each.compute_capability: each.name for each in CARDS}
    cards = [card(name) for name in of_each.values()]
    told, _ = run_on(card(), FORKS.format(cards=[environment(each) for each in cards]))
    assert told == [[each.name, each.multiprocessors] for each in cards]
    assert len(told) >= 8


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("SAMFIT_CARD_NAME", "", "SAMFIT_CARD_NAME is not set"),
        ("SAMFIT_CARD_TOTAL_BYTES", "8GB", "SAMFIT_CARD_TOTAL_BYTES is 8GB, which is no number"),
        ("SAMFIT_CARD_CAPABILITY", "3.5", "compute capability 3.5 is not known"),
        ("SAMFIT_CARD_CONTEXT_BYTES", str(2**50), "is more than SAMFIT_CARD_TOTAL_BYTES"),
    ],
)
def test_a_card_that_is_not_described_well_is_refused_in_a_sentence(
    card, run_anew_on, variable, value, sentence
):
    program = "import ctypes; told = ctypes.CDLL('libcuda.so.1').cuDriverGetVersion(0)"
    with pytest.raises(AssertionError) as refused:
        run_anew_on(card(), program, **{variable: value})
    said = str(refused.value)
    assert "samfit: the stand-in for CUDA cannot start: " in said and sentence in said


def test_the_context_is_taken_from_the_total(card, run_on):
    told, _ = run_on(card(context_bytes=512 * MIB), PROGRAM)
    free, total = told["free_and_total"]
    assert total - free == 512 * MIB


def test_nvml_names_the_same_card(card, run_on):
    """As records ask for it, in samfit's own words."""
    program = "import torch\nfrom samfit.harness.device import nvml\ntold = nvml.card()"
    asked = card()
    assert run_on(asked, program)[0] == {
        "gpu": asked.name,
        "gpu_memory_bytes": asked.total_bytes,
        "gpu_capability": asked.compute_capability,
        "driver": "none: samfit's stand-in",
    }
