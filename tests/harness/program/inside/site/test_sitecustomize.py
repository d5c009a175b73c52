"""What happens when the Python of a program starts."""

import os
import subprocess
import sys

from samfit.harness.program.inside.recording import FOLDER, TOO_OLD
from samfit.harness.program.launch import SITE

AS_IF_OLD = """
import runpy, sys
sys.version_info = (3, 8, 18, "final", 0)
runpy.run_path(sys.argv[1])
print([name for name in sys.modules if name.startswith("samfit")])
"""


def test_of_a_python_that_is_too_old_only_a_word_is_left(tmp_path):
    file = SITE / "sitecustomize.py"
    command = [sys.executable, "-c", AS_IF_OLD, str(file)]
    run = subprocess.run(
        command, env={**os.environ, FOLDER: str(tmp_path)}, capture_output=True, text=True
    )
    assert (run.stdout, run.stderr) == ("[]\n", "")
    (log,) = tmp_path.glob("*.log")
    assert log.read_text().startswith(f"{TOO_OLD} ")
