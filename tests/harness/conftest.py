"""The command line, run within the test's own process."""

import json
import sys

import pytest

from samfit.harness.cli.main import main
from samfit.harness.record.environment import machine
from samfit.harness.run import executor, measure
from samfit.harness.run.predict import ask_rehearser
from samfit.harness.run.process import NoAnswerError
from samfit.harness.run.worker import perform


@pytest.fixture
def samfit(monkeypatch, capsys):
    """Runs a command line; gives its exit code, standard output and standard error."""

    def run(*arguments):
        capsys.readouterr()  # what the setting up of runs said
        monkeypatch.setattr(sys, "argv", ["samfit", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code or 0
        out, err = capsys.readouterr()
        if isinstance(code, str):  # what the interpreter would print, exiting with 1
            code, err = 1, err + code
        return code, out, err

    return run


@pytest.fixture
def said(samfit):
    """Runs a command line that succeeds; gives its standard output."""

    def run(*arguments):
        code, out, err = samfit(*arguments)
        assert code == 0, err
        return out

    return run


@pytest.fixture
def answer(said):
    """Runs a command line that succeeds; gives its answer as JSON."""
    return lambda *arguments: json.loads(said(*arguments, "--json"))


class WorkerHere:
    """Answers in this process, as a worker does in its own."""

    def __init__(self, threads=None, environment=None):
        self.machine = machine()
        self._rehearses = bool(environment)

    def end(self):
        pass

    close = end

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def ask(self, question, limit_s=None):
        if self._rehearses:
            return ask_rehearser(question)
        said = perform(question)
        if "failed" in said:
            raise NoAnswerError("error", said["failed"])
        return said["answer"]


@pytest.fixture
def workers_here(monkeypatch):
    """Lets commands run their tasks in this process: starting another takes seconds."""
    monkeypatch.setattr(executor, "WorkerProcess", WorkerHere)
    monkeypatch.setattr(executor, "MOST", 1)
    monkeypatch.setattr(measure, "WorkerProcess", WorkerHere)
