"""Compiles the library that stands in for CUDA when samfit is installed, editable or not."""

import importlib.util
import platform
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILDER = Path(__file__).parent / "harness" / "standin" / "build.py"


class StandIn(BuildHookInterface):
    """Elsewhere than on Linux, where nothing can be stood in for, the wheel is Python alone."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say for which computers the wheel is."""
        spec = importlib.util.spec_from_file_location("standin_build", BUILDER)
        assert spec and spec.loader, BUILDER
        builder = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(builder)
        if sys.platform != "linux" or platform.machine() not in builder.MACHINES:
            return
        builder.build()
        build_data["pure_python"] = False
        glibc = builder.GLIBC.replace(".", "_")
        build_data["tag"] = f"py3-none-manylinux_{glibc}_{platform.machine()}"
