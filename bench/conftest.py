"""What every benchmark record carries besides its times."""

from typing import Any

from harness.environment import machine


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Add samfit's description of the machine: card, driver, torch, commit."""
    machine_info["samfit"] = machine()
