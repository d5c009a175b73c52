"""The command line, run within the test's own process."""

import sys

import pytest

from samfit.harness.cli import main as cli
from samfit.harness.record.environment import machine
from samfit.harness.run import isolate, sweep
from samfit.harness.run.worker import RUNNERS


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


class WorkerHere:
    """Runs tasks in this process, as a worker does in its own."""

    def __init__(self):
        self.machine = machine()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    @staticmethod
    def run(task, timeout_s=None):
        return RUNNERS[task.how](task.cell)


@pytest.fixture
def workers_here(monkeypatch):
    """Lets commands run their tasks in this process: starting another takes seconds."""
    monkeypatch.setattr(isolate, "Worker", WorkerHere)
    monkeypatch.setattr(sweep, "run_isolated", WorkerHere.run)
