"""The smallest row of each suite is run."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = {
    "test_step": "cad-vit_tiny-b1-train",
    "test_prediction": "decoder-vit_b-b1-train",
    "test_batched": "at_once-decoder",
    "test_lean": "LeanBranch-16",
    "test_cache": "cached",
}


def test_every_suite_runs():
    assert {path.stem for path in (ROOT / "bench").glob("test_*.py")} == ROWS.keys()
    chosen = " or ".join(f"{suite} and {row}" for suite, row in ROWS.items())
    command = [sys.executable, "-m", "pytest", "-q", "--benchmark-only", "-p", "no:cacheprovider"]
    # Beside other workers pytest-benchmark would measure nothing.
    alone = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, "bench", "-k", chosen], cwd=ROOT, env=alone, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ROWS)} passed" in done.stdout
    assert all(f"{suite}[" in done.stdout for suite in ROWS)
