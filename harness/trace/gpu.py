"""What must be known of a card to tell what its kernels and libraries allocate. Needs no torch."""

from typing import Protocol


class Gpu(Protocol):
    """A card; those of ``device/cards.py`` are such."""

    @property
    def compute_capability(self) -> str:
        """Such as 8.6."""

    @property
    def multiprocessors(self) -> int:
        """How many streaming multiprocessors it has."""


def major(gpu: Gpu) -> int:
    """The generation: 8 for Ampere and Ada, 9 for Hopper, 10 and 12 for Blackwell."""
    return int(gpu.compute_capability.partition(".")[0])


def threads_per_multiprocessor(gpu: Gpu) -> int:
    """Resident threads: CUDA C++ Programming Guide, technical specifications per capability."""
    return {"7.5": 1024, "8.6": 1536, "8.7": 1536, "8.9": 1536, "12.0": 1536, "12.1": 1536}.get(
        gpu.compute_capability, 2048
    )


def has_large_shared_memory(gpu: Gpu) -> bool:
    """Whether a block of threads can have 163 KB of shared memory or more, not 99 at most."""
    return gpu.compute_capability in ("8.0", "8.7", "9.0", "10.0", "10.3", "11.0")
