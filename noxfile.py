"""samfit's sessions: ``nox -s bench`` is the main job, ``nox -s tests`` the tests."""

import nox

nox.needs_version = ">=2024.10"
nox.options.sessions = ["tests", "lint", "types"]
nox.options.reuse_venv = "yes"

RESULTS = "results/results.jsonl"
SLOW_PROGRAMS = ("tests/harness/program", "tests/harness/standin")


@nox.session
def bench(session: nox.Session) -> None:
    """Predict every adapter's memory, measure throughput on this machine, draw both."""
    session.install("-e", ".")
    session.run("samfit", "sweep", "bench", "--output", RESULTS)
    session.run("samfit", "report", RESULTS)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests; arguments after -- go to pytest."""
    session.install("-e", ".[test]")
    session.run("pytest", "-n", "auto", "--dist", "worksteal", *session.posargs)


@nox.session
def standin(session: nox.Session) -> None:
    """Test the stand-in with the oldest PyTorch, which is built for CUDA 12."""
    session.install("-e", ".[test]", "torch==2.6.0", "torchvision==0.21.0")
    # Its own cuDNN, 9.1, cannot choose for a card that is not there: 9.8 is the first.
    session.install("--no-deps", "nvidia-cudnn-cu12==9.10.2.21")
    session.run("pytest", "tests/harness/standin", *session.posargs)


@nox.session
def programs(session: nox.Session) -> None:
    """Run whole programs as people write them, and as they misbehave; it takes minutes."""
    session.install("-e", ".[programs]")
    session.run("pytest", "-n", "auto", "-m", "slow", *SLOW_PROGRAMS, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install("ruff>=0.9")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    session.install("-e", ".[dev]")
    session.run("mypy")
