"""Where and with what a record was made."""

import functools
import hashlib
import os
import platform
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast

from typing_extensions import TypedDict

from samfit.adapters.sam.checkpoint.files import weight_files
from samfit.errors import UserError
from samfit.harness.record.cell import Cell
from samfit.harness.record.weights import checkpoint_file

HOUSE = Path(__file__).parents[2]  # the folder that holds adapters/ and harness/
ABOVE_RECORDS = {"run", "report", "cli"}  # rooms that no figure of a record depends on
PACKAGES = (
    "samfit", "torch", "torchvision", "segment-anything", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13",
)  # fmt: skip

SOURCES = (".py", ".csv", ".c", ".h", ".txt")


class Environment(TypedDict, total=False):
    """What a record tells of where it was made; None is what this machine has not or does not say.

    ``code_sha256`` is the hash of samfit's own source, ``cpu_load_1min`` the load when it began.
    """

    python: str
    platform: str
    cpu: str
    cpu_threads: int
    packages: dict[str, str | None]
    cuda: str | None
    float32_matmul_precision: str
    cudnn: int | None
    gpu: str | None
    gpu_memory_bytes: int | None
    gpu_capability: str | None
    driver: str | None
    commit: str | None
    dirty: bool | None
    code_sha256: str
    cpu_load_1min: float | None
    checkpoint_sha256: str | None


def environment(cell: Cell) -> Environment:
    """Versions, machine, card, commit, load, and the hash of the Cell's checkpoint."""
    # Others on the CPU slow a step down by any factor: the record shows that they were there.
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {**machine(), "cpu_load_1min": load, "checkpoint_sha256": checkpoint_sha256(cell)}


@functools.cache
def machine() -> Environment:
    """What does not change while this process runs."""
    import torch

    from samfit.harness.device import nvml

    card = cast(Environment, nvml.card())
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu_name(),
        "cpu_threads": torch.get_num_threads(),
        "packages": {name: _version(name) for name in PACKAGES},
        "cuda": torch.version.cuda,
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        # Asking starts CUDA, after which no process could be forked to rehearse in.
        "cudnn": torch.backends.cudnn.version() if card["gpu"] else None,
        **card,
        **_commit(),
        "code_sha256": code_sha256(),
    }


def identity(environment: Environment) -> tuple[Any, ...]:
    """What must be equal for a record to stand for a new one: code, torch, card and CPU."""
    packages = environment.get("packages") or {}
    names = ("code_sha256", "gpu", "cpu", "cpu_threads", "checkpoint_sha256")
    return (packages.get("torch"), *(environment.get(name) for name in names))


def checkpoint_sha256(cell: Cell) -> str | None:
    """Hash of the Cell's checkpoint file, None for random weights.

    Raises:
        UserError: if the file cannot be read.
    """
    if cell.checkpoint is None:
        return None
    digest, path = hashlib.sha256(), checkpoint_file(cell.checkpoint)
    try:
        for each in weight_files(path):
            with each.open("rb") as file:
                while chunk := file.read(2**20):
                    digest.update(chunk)
    except OSError as error:
        reason = f"cannot read the checkpoint file {path}: {error.strerror}"
        raise UserError(f"{reason}; check --checkpoint.") from error
    return digest.hexdigest()[:16]


@functools.cache
def code_sha256() -> str:
    """Hash of samfit's own source: two records with the same hash ran the same code.

    What only schedules or shows records is left out: a plot's colour makes no sweep run again.
    """
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        digest.update(path.relative_to(HOUSE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    """The files whose content may change a record."""
    rooms = [room for room in (HOUSE / "harness").iterdir() if room.name not in ABOVE_RECORDS]
    for folder in (HOUSE / "adapters", *rooms):
        yield from (path for path in folder.rglob("*") if path.suffix in SOURCES)


def _commit() -> Environment:
    """The commit of the checkout that this code lies in, if it lies in one."""
    root = Path(__file__).resolve().parents[2]  # of a checkout: src/samfit holds links
    commit = _git(root, "rev-parse", "HEAD") if (root / ".git").exists() else None
    dirty = bool(_git(root, "status", "--porcelain", "--", "adapters", "harness", "src"))
    return {"commit": commit, "dirty": dirty if commit else None}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True)
    except OSError:  # no git on this machine
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _cpu_name() -> str:
    """The processor's name as Linux gives it, else what Python knows."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
