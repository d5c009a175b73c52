"""Start the program, let it run, and end it when enough was seen. Needs no torch."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from samfit.errors import UserError
from samfit.files import PACKAGE
from samfit.harness.program.inside.recording import (
    CUDA,
    FOLDER,
    PYTHON,
    STEP,
    TOLD,
    TORCH,
    WAITS,
    Recording,
)

STANDARD_ERROR = 2  # the process's own: in a notebook sys.stderr is another
SITE = PACKAGE / "harness" / "program" / "inside" / "site"
LOOK_EVERY_S = 0.05
GRACE_S = 30.0  # for other processes, once one has seen enough, or the first has ended

Logs = dict[int, list[str]]  # lines of each process, by its number


@dataclass
class Ended:
    """A program that has ended, or was ended.

    Attributes:
        exit_code: of its first process; negative for a signal, None if we ended it.
        timed_out: whether it was ended since it took too long.
        logs: lines that each process wrote, by its number.
        recordings: of the processes that wrote one.
        seconds: how long it ran.
    """

    exit_code: int | None
    timed_out: bool
    seconds: float
    logs: Logs = field(default_factory=dict)
    recordings: list[Recording] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Optimizer steps that the process with the most has taken, even if it was killed."""
        return max(map(int, self.said(STEP)), default=0)

    @property
    def silent(self) -> int:
        """How many processes have used a card, and have not told what they saw."""
        return len(_processes(self.logs, CUDA).keys() - _processes(self.logs, TOLD).keys())

    def said(self, what: str) -> list[str]:
        """What the processes that have come so far said then."""
        return list(_processes(self.logs, what).values())


def launch(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    time_limit_s: float,
    output_to_errors: bool = False,
) -> Ended:
    """Run ``command`` until it ends, or all that it does on cards was seen.

    Args:
        environment: all variables that it has.
        folder: where its processes write what they saw.
        output_to_errors: whether its standard output goes to standard error.

    Raises:
        UserError: if it cannot be started.
    """
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            start_new_session=True,  # the terminal's Ctrl-C is ours
            stdout=STANDARD_ERROR if output_to_errors else None,
        )
    except FileNotFoundError:
        raise UserError(f"{command[0]}: no such program.") from None
    except OSError as error:
        raise UserError(f"{command[0]} cannot be started: {error.strerror}.") from None
    try:
        timed_out, ours = _wait(process, folder, started + time_limit_s)
    finally:
        _end_all(folder)
        process.kill()
        process.wait()
    return Ended(
        exit_code=None if ours else process.returncode,
        timed_out=timed_out,
        seconds=time.monotonic() - started,
        logs=_logs(folder),
        recordings=[Recording.read(file) for file in sorted(folder.glob("*.json"))],
    )


def watched(folder: Path) -> dict[str, str]:
    """What the environment of a program needs to be watched, and to write to ``folder``."""
    paths = [str(SITE), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {"PYTHONPATH": os.pathsep.join(paths), FOLDER: str(folder)}


def _wait(process: subprocess.Popen, folder: Path, until: float) -> tuple[bool, bool]:
    """Wait for the end: whether time was up, and whether it is we who have to end it."""
    seen_since = ended_since = None
    while True:
        now, logs = time.monotonic(), _logs(folder)
        if process.poll() is not None:
            ended_since = ended_since or now
            if not _goes_on(logs, patiently=now < ended_since + GRACE_S):
                return False, False
        if now > until:
            return True, True
        if seen_since is None and _processes(logs, WAITS):
            seen_since = now
        if seen_since is not None and (_all_told(logs) or now > seen_since + GRACE_S):
            return False, True
        time.sleep(LOOK_EVERY_S)


def _goes_on(logs: Logs, patiently: bool) -> bool:
    """Whether a process that may train is still there, though the first has ended.

    One that has not imported torch may still do so, if nothing else has trained.
    """
    waits = patiently and not _processes(logs, STEP)
    told = _processes(logs, TOLD)
    return any(
        _lives(pid) for pid in _processes(logs, PYTHON if waits else TORCH) if pid not in told
    )


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # it has ended, and nobody has asked how


def _all_told(logs: Logs) -> bool:
    """Whether every process that has used CUDA, and every rank, has told what it saw."""
    used, told = _processes(logs, CUDA), _processes(logs, TOLD)
    worlds = [int(world) for world in used.values()]
    largest = max(worlds, default=1)
    return used.keys() <= told.keys() and worlds.count(largest) >= largest


def _processes(logs: Logs, what: str) -> dict[int, str]:
    """The processes that have come so far, and what they said then."""
    found = {}
    for pid, lines in logs.items():
        for line in lines:
            word, _, rest = line.partition(" ")
            if word == what:
                found[pid] = rest
    return found


def _logs(folder: Path) -> Logs:
    return {
        int(file.stem): file.read_text(encoding="utf-8", errors="replace").splitlines()
        for file in folder.glob("*.log")
    }


def _end_all(folder: Path) -> None:
    """End every process of the program, those in sessions of their own, too: each has the folder
    in its environment."""
    mark = f"{FOLDER}={folder}".encode()
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (place / "environ").read_bytes().split(b"\0"):
                os.kill(int(place.name), signal.SIGKILL)
