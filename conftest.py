"""``pytest`` runs the tests, ``pytest --benchmark-only`` the benchmarks, a named folder either."""

from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the folder that was not asked for."""
    benchmarks = config.getoption("benchmark_only", default=False)
    unwanted = ROOT / ("tests" if benchmarks else "bench")
    named = any(_lies_in(unwanted, argument) for argument in config.invocation_params.args)
    return True if collection_path == unwanted and not named else None


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Add what times depend on and pytest-benchmark does not know: card, driver, torch, threads."""
    from samfit.harness.record.environment import machine

    names = ("gpu", "gpu_capability", "driver", "cuda", "cpu_threads", "packages")
    machine_info["samfit"] = {name: machine()[name] for name in names}


def _lies_in(folder: Path, argument: object) -> bool:
    path = Path(str(argument).partition("::")[0]).absolute()
    return folder in [path, *path.parents]
