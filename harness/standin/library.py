"""Whether PyTorch can run on a card that is not there, and the environment that makes it so.

The library is loaded before all others into a process of its own; PyTorch's CUDA build then finds
one card, which computes nothing. Nothing here imports torch or touches a GPU.
"""

import functools
import importlib.metadata
import importlib.util
import os
import platform
import re
import sys
from pathlib import Path

from samfit.harness.device.cards import Card
from samfit.harness.standin.build import BUILT, LIBRARY, MACHINES, digest, digest_of
from samfit.harness.standin.process import OLDEST_CUDNN, cuda_number

CUDA_MAJORS = (12, 13)  # whose structures the library knows
MOST_CARDS = 16  # in one process, as the library has it

_BUILD_IT = "install samfit again, or run python -m samfit.harness.standin.build"


def unavailable() -> str | None:
    """Why no card can be stood in for here, as a sentence; None if one can."""
    return _machine_unfit() or _torch_unfit() or _library_unfit()


def unavailable_to_programs() -> str | None:
    """Why none can be for a program, which may bring a torch of its own."""
    return _machine_unfit() or _library_unfit()


def environment(card: Card, count: int = 1) -> dict[str, str]:
    """What the environment of a child process needs, beside the parent's, to see these cards alone.

    They are read when CUDA is first used: a child that has imported torch, but not used CUDA, may
    set other values of these and fork.

    Raises:
        RuntimeError: where ``unavailable`` has a reason.
    """
    reason = unavailable()
    if reason:
        raise RuntimeError(reason)
    return {**standing(), **card_variables(card, count)}


def card_variables(card: Card, count: int = 1) -> dict[str, str]:
    """So many cards, all alike, as the library reads them when CUDA is first used.

    A program may name those that it wants to see in ``CUDA_VISIBLE_DEVICES``, by whatever numbers
    its computer has for them; it sees ``count`` of them at most.

    Raises:
        ValueError: if ``count`` is none from 1 to ``MOST_CARDS``.
    """
    if not 1 <= count <= MOST_CARDS:
        raise ValueError(f"count is {count}: 1 to {MOST_CARDS} cards can be stood in for.")
    return {
        "CUDA_VISIBLE_DEVICES": ",".join(map(str, range(count))),
        "SAMFIT_CARD_COUNT": str(count),
        "SAMFIT_CARD_NAME": card.name,
        "SAMFIT_CARD_CAPABILITY": card.compute_capability,
        "SAMFIT_CARD_MULTIPROCESSORS": str(card.multiprocessors),
        "SAMFIT_CARD_TOTAL_BYTES": str(card.total_bytes),
        "SAMFIT_CARD_CONTEXT_BYTES": str(card.context_bytes),
        "SAMFIT_CARD_CUDA_VERSION": str(cuda_number(torch_cuda())),
    }


def is_loaded() -> bool:
    """Whether this process was started with the library."""
    return LIBRARY.name in os.environ.get("LD_PRELOAD", "").split()


def standing() -> dict[str, str]:
    """What the environment of a process needs to stand on the library, with no card so far: the two
    variables of the loader, with what the user has in them kept behind ours.

    The folder comes first among those of libraries, so that no other driver or NVML is found;
    the library is given by name alone, since a space would end a path in LD_PRELOAD.
    """
    preload = [LIBRARY.name, *os.environ.get("LD_PRELOAD", "").split()]
    folders = [str(BUILT), *filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":"))]
    return {
        "LD_PRELOAD": " ".join(dict.fromkeys(preload)),
        "LD_LIBRARY_PATH": ":".join(dict.fromkeys(folders)),
    }


@functools.cache
def torch_cuda() -> str | None:
    """The CUDA version that the installed torch is built for, such as "13.0"; None if for none."""
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        return None
    text = (Path(spec.submodule_search_locations[0]) / "version.py").read_text(encoding="utf-8")
    found = re.search(r"^cuda\b.*=\s*['\"]([\d.]+)['\"]", text, re.MULTILINE)
    return found[1] if found else None


def _machine_unfit() -> str | None:
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        return f"a card is stood in for on Linux only, on {' and '.join(MACHINES)}."
    return None


def _torch_unfit() -> str | None:
    version = torch_cuda()
    if version is None:
        return "torch here is built without CUDA: a card is stood in for to a CUDA build only."
    if int(version.split(".")[0]) not in CUDA_MAJORS:
        return f"torch here is built for CUDA {version}: install one for CUDA 12 or 13."
    cudnn = _cudnn()
    if cudnn and tuple(map(int, cudnn.split(".")[:2])) < OLDEST_CUDNN:
        return (
            f"cuDNN {cudnn} cannot choose for a card that is not there: install cuDNN 9.8 or "
            "later, which torch brings from version 2.8 on."
        )
    return None


def _cudnn() -> str | None:
    """The version of cuDNN, if it was installed as a package."""
    for name in (f"nvidia-cudnn-cu{major}" for major in CUDA_MAJORS):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return None


def _library_unfit() -> str | None:
    if not LIBRARY.exists():
        return f"the library that stands in for CUDA was not built: {_BUILD_IT}."
    if digest_of(LIBRARY) != digest():
        return f"the library that stands in for CUDA is older than its sources: {_BUILD_IT}."
    if set(":;") & set(str(BUILT)):
        return f"the loader takes no folder whose name has a colon or semicolon: {BUILT}."
    return None
