"""Made-up reports of programs: round numbers that no program ever gave."""

from dataclasses import replace
from typing import Any

from synthetic_records import GIB, MIB

from samfit.harness.program.figures import (
    Course,
    Holding,
    OnCard,
    Peak,
    ProgramReport,
    Read,
    Refused,
)
from samfit.harness.trace.trace import FROZEN, OPTIMIZER, ROUNDING, SAVED, STACKED, TEMPORARIES

ENCODER = "/home/me/env/lib/python3.11/site-packages/segment_anything/modeling/image_encoder.py"
VERSIONS = {"python": "3.11.7", "torch": "2.14.1", "cuda": "13.0", "cudnn": "9.24.0"}
PARTS = [(0, "setup", 0), (4, "training", 1), (20, "training", 2), (36, "between", 2)]
PHASES = [(4, "forward"), (10, "backward"), (18, "optimizer"), (20, "loading"), (22, "forward")]


def peak(gib: float) -> Peak:
    """A peak, with a GiB reserved beyond it."""
    return Peak(allocated_bytes=int(gib * GIB), reserved_bytes=int((gib + 1) * GIB))


def holding(category: str, module: str, line: str, gib: float, tensors: int = 1) -> Holding:
    return Holding(
        category=category, module=module, line=line, nbytes=int(gib * GIB), tensors=tensors
    )


HELD = [
    *(
        holding(SAVED, f"image_encoder.blocks.{i}.attn", f"{ENCODER}:236", 0.5, 4)
        for i in range(12)
    ),
    holding(TEMPORARIES, "image_encoder.blocks.11.attn", "", 3),
    holding(FROZEN, "image_encoder", "/elsewhere/train.py:9", 0.5, 170),
    holding(OPTIMIZER, "", "/elsewhere/train.py:20", 0.25, 300),
]


def on_card(*held: Holding, **fields: Any) -> OnCard:
    """A card on which two steps were taken; the allocator rounded a quarter of a GiB."""
    held = held or tuple(HELD)
    total = sum(each.nbytes for each in held) + GIB // 4
    parts = dict.fromkeys(STACKED, 0) | {ROUNDING: GIB // 4}
    for each in held:
        parts[each.category] += each.nbytes
    highest = Peak(allocated_bytes=total, reserved_bytes=total + GIB)
    first = replace(highest, allocated_bytes=total - MIB)
    known: dict[str, Any] = {
        "rank": None,
        "device": 0,
        "steps": 2,
        "peak": highest,
        "training": highest,
        "evaluation": None,
        "elsewhere": peak(0.5),
        "each_step": [first, highest],
        "evaluation_with_graph": False,
        "process_bytes": total + GIB + 500 * MIB,
        "breakdown_bytes": parts,
        "peak_phase": "backward",
        "peak_module": "image_encoder.blocks.11.attn",
        "holdings": sorted(held, key=lambda each: -each.nbytes),
        "course": Course(
            live_bytes=[total // 20, *[total // 4, total, total // 8] * 13],
            parts=PARTS,
            phases=PHASES,
        ),
    }
    return OnCard(**(known | fields))


def fitting(**fields: Any) -> ProgramReport:
    """A program of 10 GiB that fits a card of 23."""
    known: dict[str, Any] = {
        "program": "train.py",
        "command": ["python", "/elsewhere/train.py", "--name", "a b"],
        "card": "RTX 3090",
        "compute_capability": "8.6",
        "usable_bytes": 23 * GIB,
        "verdict": "fits",
        "message": "train.py fits RTX 3090, with 12,288 MiB to spare.",
        "cards": [on_card()],
        "versions": VERSIONS,
        "seconds": 12.3,
    }
    return ProgramReport(**(known | fields))


def evaluating() -> ProgramReport:
    """Evaluation needs most, since it keeps activations."""
    parts = [*PARTS[:3], (30, "evaluation", 2), (33, "evaluation", 2)]
    card = on_card(
        training=peak(4), evaluation=peak(10), evaluation_with_graph=True, peak_phase="evaluation"
    )
    return fitting(
        cards=[replace(card, course=replace(card.course, parts=parts))],
        advice=["evaluation runs outside of torch.no_grad()."],
    )


def on_two_cards() -> ProgramReport:
    """Two ranks, of which the second needs a little more."""
    larger = on_card(*HELD, holding(TEMPORARIES, "", "", 0.25), rank=1, device=1)
    return fitting(cards=[on_card(rank=0), larger])


def exhausted(**fields: Any) -> ProgramReport:
    """A program of 10 GiB that runs out on a card of which PyTorch can have 8."""
    refused = Refused(
        requested_bytes=3 * GIB // 2, allocated_bytes=7 * GIB, reserved_bytes=15 * GIB // 2,
        free_bytes=GIB // 2, phase="forward", module="image_encoder.blocks.2.attn",
        line=f"{ENCODER}:358", missing_bytes=3 * GIB,
    )  # fmt: skip
    known = {
        "card": "9GiB",
        "usable_bytes": 8 * GIB,
        "verdict": "out of memory",
        "message": "train.py ran out of memory.",
        "refused": refused,
    }
    return fitting(**(known | fields))


def read(line: int, known: bool = False, **fields: Any) -> Read:
    values: dict[str, Any] = {
        "file": "/elsewhere/train.py", "line": line, "function": "main",
        "what": "item() of a float32", "told": "1.0", "known": known, "times": 2,
    }  # fmt: skip
    return Read(**(values | fields))
