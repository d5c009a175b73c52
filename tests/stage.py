"""A process on the stand-in, for tests: it runs functions of theirs, each in a fork of its own."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from samfit.errors import UserError
from samfit.harness.rehearse.fork import in_a_fork
from samfit.harness.run.predict import rehearsing


class Stage:
    """Use it as a context manager."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        """In an environment that has these more; default: those with which samfit rehearses."""
        self._variables = rehearsing() if variables is None else variables

    def __enter__(self) -> "Stage":
        self._process = subprocess.Popen(
            [sys.executable, __file__, *sys.path, str(Path(__file__).parents[1])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **self._variables},
        )
        return self

    def __exit__(self, *error: Any) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a function at the head of a module returns there; all in JSON values.

        Raises:
            AssertionError: with what it raised, or how it ended.
        """
        assert self._process.stdin and self._process.stdout
        asked = {"module": function.__module__, "name": function.__name__, "arguments": arguments}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        assert "answer" in said, said["failed"]
        return said["answer"]


def main() -> None:
    """Answer until standard input ends; what libraries print goes to standard error."""
    sys.path[:] = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        function = getattr(importlib.import_module(asked["module"]), asked["name"])
        try:
            said = {"answer": in_a_fork(function, *asked["arguments"])}
        except (UserError, RuntimeError) as error:
            said = {"failed": str(error)}
        print(json.dumps(said), file=answers, flush=True)


if __name__ == "__main__":
    main()
