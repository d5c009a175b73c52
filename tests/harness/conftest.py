"""The command line, run within the test's own process."""

import sys

import pytest

from harness import cli


@pytest.fixture
def samfit(monkeypatch, capsys):
    """Runs a command line; gives its exit code, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["samfit", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        out, err = capsys.readouterr()
        if isinstance(code, str):  # what the interpreter would print, exiting with 1
            code, err = 1, err + code
        return code, out, err

    return run
