"""The command line, run within the test's own process."""

import sys

import pytest

from samfit.harness.cli.main import main
from samfit.harness.record.environment import machine
from samfit.harness.run import executor, measure
from samfit.harness.run.worker import perform


@pytest.fixture
def samfit(monkeypatch, capsys):
    """Runs a command line; gives its exit code, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["samfit", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        out, err = capsys.readouterr()
        if isinstance(code, str):  # what the interpreter would print, exiting with 1
            code, err = 1, err + code
        return code, out, err

    return run


class WorkerHere:
    """Runs jobs in this process, as a worker does in its own."""

    def __init__(self):
        self.machine = machine()

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def run(self, job, limit_s=None):
        said = perform(job.to_json())
        if "failed" in said:
            return job.ended("error", said["failed"])
        return job.answer(said["answer"])


@pytest.fixture
def workers_here(monkeypatch):
    """Lets commands run their tasks in this process: starting another takes seconds."""
    monkeypatch.setattr(executor, "WorkerProcess", WorkerHere)
    monkeypatch.setattr(measure, "WorkerProcess", WorkerHere)
