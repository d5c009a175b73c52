"""A process on the stand-in, for tests: it runs functions of theirs, each in a fork of its own."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from samfit.harness.rehearse.fork import in_a_fork
from samfit.harness.run.predict import rehearsing


class Stage:
    """Use it as a context manager."""

    def __enter__(self) -> "Stage":
        self._process = subprocess.Popen(
            [sys.executable, __file__, *sys.path, str(Path(__file__).parents[1])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **rehearsing()},
        )
        return self

    def __exit__(self, *error: Any) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a function at the head of a module returns there; all in JSON values."""
        assert self._process.stdin and self._process.stdout
        asked = {"module": function.__module__, "name": function.__name__, "arguments": arguments}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def main() -> None:
    """Answer until standard input ends; what libraries print goes to standard error."""
    sys.path[:] = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        function = getattr(importlib.import_module(asked["module"]), asked["name"])
        print(json.dumps(in_a_fork(function, *asked["arguments"])), file=answers, flush=True)


if __name__ == "__main__":
    main()
