"""What a process of the program writes for those outside: its history, and how it ended.

Each process has two files in the folder that it is given: ``PID.log``, a line for each thing that
has happened so far, which tells of a process that was killed; and ``PID.json``, when it ends.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

# Variables of the environment by which a process knows what is wanted.
FOLDER = "SAMFIT_PROGRAM_FOLDER"
STEPS = "SAMFIT_PROGRAM_STEPS"  # stop after so many; empty for no limit
BATCHES = "SAMFIT_PROGRAM_BATCHES"  # end every data loader after so many; empty for no limit
ALLOCATOR = (
    "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF",
)  # PyTorch's own; the first counts more
READS = "SAMFIT_PROGRAM_READS"  # what values are told that do not exist

# What a process has come to.
PYTHON, TORCH, CUDA, STEP, TOLD, WAITS, BROKEN = (
    "python", "torch", "cuda", "step", "told", "waits", "broken"
)  # fmt: skip
TOO_OLD = "too-old"  # site/sitecustomize.py says it of a Python

SETUP, TRAINING, EVALUATION, BETWEEN = "setup", "training", "evaluation", "between"


@dataclass
class Section:
    """A part of the run: one optimizer step, one batch, what lies before, between and after.

    Attributes:
        kind: ``setup``, ``training``, ``evaluation`` or ``between``.
        step: how many optimizer steps had been taken when it ended; of training, the number of the
            step that it belongs to.
        first_event: allocations and frees on the device before it.
        allocated_bytes, reserved_bytes: the most in it, as PyTorch's allocator counted.
        with_graph: whether modules ran outside ``torch.no_grad`` in it.
    """

    kind: str
    step: int
    first_event: int
    allocated_bytes: int
    reserved_bytes: int
    with_graph: bool


@dataclass
class History:
    """What happened on one device.

    Attributes:
        device: its number.
        allocations: (born, died, bytes asked for, and in ``words``: category, module, phase and
            line), in order of birth; ``died`` is -1 for what lived at the end.
        words: what the numbers of allocations and phases stand for.
        phases: (event, number of the phase in ``words``) whenever one began.
        sections: parts of the run, in their order.
        events: how many allocations and frees there were.
    """

    device: int
    allocations: list[tuple[int, int, int, int, int, int, int]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    phases: list[tuple[int, int]] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    events: int = 0


@dataclass
class Refusal:
    """A request for memory that the card could not serve, as PyTorch saw it."""

    device: int
    requested_bytes: int
    allocated_bytes: int
    reserved_bytes: int
    free_bytes: int
    phase: str
    module: str
    place: str


@dataclass
class Recording:
    """One process of the program, when it ended.

    Attributes:
        rank: its place in a distributed run; None if it has none.
        steps: optimizer steps taken.
        stopped: whether samfit ended it, since it had seen enough.
        stuck: why it could not go on, in a sentence.
        error: the exception that ended it, as "Type: words"; None if none did.
        out_of_memory: whether that exception says that memory is used up.
        refused: how many requests for memory could not be served; a program may go on after some.
        refusals: the last few.
        reads: what it read from the card, and what it was told.
        last_unknown: the last of these that was not known.
        not_written, not_removed: files that were left alone.
        alloc_conf: options of PyTorch's allocator, as the program had them.
        visible: CUDA_VISIBLE_DEVICES, as the program had it: the numbers of its devices elsewhere.
        versions: of Python, torch, CUDA and cuDNN.
    """

    pid: int
    arguments: list[str]
    rank: int | None = None
    steps: int = 0
    stopped: bool = False
    stuck: str | None = None
    error: str | None = None
    out_of_memory: bool = False
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    reads: list[dict[str, Any]] = field(default_factory=list)
    last_unknown: dict[str, Any] | None = None
    not_written: list[str] = field(default_factory=list)
    not_removed: list[str] = field(default_factory=list)
    alloc_conf: str = ""
    visible: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write it, in full or not at all."""
        partial = folder / f"{self.pid}.partial"
        partial.write_text(json.dumps(asdict(self)), encoding="utf-8")
        partial.replace(folder / f"{self.pid}.json")

    @classmethod
    def read(cls, file: Path) -> "Recording":
        """The recording in a file."""
        data = json.loads(file.read_text(encoding="utf-8"))
        data["refusals"] = [Refusal(**each) for each in data["refusals"]]
        for each in data["histories"]:
            each["sections"] = [Section(**section) for section in each["sections"]]
        data["histories"] = [History(**each) for each in data["histories"]]
        return cls(**data)


def rank_and_world() -> tuple[int | None, int]:
    """The place of this process in a distributed run, and how many processes that has."""
    names = ("RANK" if "RANK" in os.environ else "LOCAL_RANK", "WORLD_SIZE")
    found = [os.environ.get(name, "") for name in names]
    place, world = (int(text) if text.isdecimal() else None for text in found)
    return place, world or 1


class Log:
    """The lines that a process has written so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def say(self, what: str, words: str = "") -> None:
        """Note that something has happened; it is there even if the process dies at once."""
        line = f"{what} {words}".replace("\n", " ") + "\n"
        with (self.folder / f"{os.getpid()}.log").open("a", encoding="utf-8") as file:
            file.write(line)
