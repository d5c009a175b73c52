"""Programs that run on a stage: torch is imported there, and need not be for each of them."""

import os
import tempfile
from typing import Any

import torch  # noqa: F401


def run_program(program: str, variables: dict[str, str]) -> tuple[Any, str]:
    """What a program leaves in ``told``, and what it says to stderr, with these variables."""
    os.environ.update(variables)
    names: dict[str, Any] = {"__name__": "__main__"}
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        exec(program, names)
        said.seek(0)
        return names["told"], said.read().decode()
