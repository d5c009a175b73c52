"""Programs that misbehave: each ends in one sentence and a right exit code."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parents[2] / "programs" / "misbehaving"
COMMAND = [sys.executable, "-c", "from samfit.harness.cli.main import command; command()", "run"]
FITS, OUT_OF_MEMORY, NOT_JUDGED = 0, 1, 2

# What runs, the exit code of samfit run, and what its sentence says.
ENDS_BY_ITSELF = [
    ("exits.py 0", NOT_JUDGED, "exits.py ended without a step of an optimizer"),
    ("exits.py 3", NOT_JUDGED, "exits.py ended with exit code 3 after 0 optimizer steps"),
    ("exits.py 0 2", FITS, "exits.py fits"),
    ("exits.py 3 2", NOT_JUDGED, "exits.py ended with exit code 3 after 2 optimizer steps"),
    ("exits_hard.py 0", NOT_JUDGED, "ended without a step of an optimizer"),
    ("exits_hard.py 0 2", FITS, "exits_hard.py fits"),
    ("exits_hard.py 5 2", NOT_JUDGED, "ended with exit code 5 after 2 optimizer steps"),
    ("exits_at_exit.py", NOT_JUDGED, "ended with exit code 7 after 2 optimizer steps"),
    ("raises.py", NOT_JUDGED, "0 optimizer steps (ValueError: expected 3 channels, got 4)"),
    ("raises.py 2", NOT_JUDGED, "2 optimizer steps (ValueError: expected 3 channels, got 4)"),
    ("raises_at_length.py", NOT_JUDGED, "(RuntimeError: line 0"),
    ("traces.py", NOT_JUDGED, "after 2 optimizer steps (KeyError: 'loss')"),
    ("recurses.py", NOT_JUDGED, "after 1 optimizer step (RecursionError"),
    ("killed.py SIGKILL", NOT_JUDGED, "killed.py was ended by SIGKILL after 0 optimizer steps"),
    ("killed.py SIGKILL 2", NOT_JUDGED, "killed.py was ended by SIGKILL after 2 optimizer steps"),
    ("killed.py SIGTERM 2", NOT_JUDGED, "killed.py was ended by SIGTERM after 2 optimizer steps"),
    ("killed.py SIGINT 2", NOT_JUDGED, "after 2 optimizer steps (KeyboardInterrupt"),
    ("crashes.py", NOT_JUDGED, "crashes.py was ended by SIGSEGV after 0 optimizer steps"),
    ("crashes.py 2", NOT_JUDGED, "crashes.py was ended by SIGSEGV after 2 optimizer steps"),
    ("aborts.py", NOT_JUDGED, "aborts.py was ended by SIGABRT after 1 optimizer step"),
    ("asks.py", NOT_JUDGED, "never used CUDA (EOFError"),
    ("wants_two_cards.py", NOT_JUDGED, "after 0 optimizer steps", "invalid device ordinal"),
    ("is_wrong.txt", NOT_JUDGED, "never imported torch (SyntaxError"),
    ("not_there.py", NOT_JUDGED, "not_there.py ended with exit code 2, and never imported torch"),
]
DOES_NOT_END = [
    ("hangs.py", NOT_JUDGED, "still running after", "1 optimizer step of 3", "--time-limit"),
    ("reads_in_loop.py", FITS, "reads_in_loop.py fits"),  # what is told changes in the end
    ("reads_to_converge.py", FITS, "reads_to_converge.py fits"),
    ("catches_everything.py", FITS, "catches_everything.py fits"),
    ("ignores_signals.py", FITS, "ignores_signals.py fits"),
    ("leaves_a_child.py", FITS, "leaves_a_child.py fits"),
]
TRAINS_NOTHING = [
    ("evaluates.py", NOT_JUDGED, "without a step of an optimizer: nothing was trained"),
    ("steps_by_hand.py", NOT_JUDGED, "without a step of an optimizer: nothing was trained"),
    ("stays_on_cpu.py", NOT_JUDGED, "never used CUDA"),
    ("without_torch.py", NOT_JUDGED, "never imported torch"),
]
RUNS_OUT = [
    ("runs_out.py", OUT_OF_MEMORY, "in backward, it tried to allocate 4,096 MiB"),
    ("runs_out_before.py", OUT_OF_MEMORY, "in setup, it tried to allocate 4,096 MiB"),
    ("swallows_exhaustion.py", OUT_OF_MEMORY, "in backward, it tried to allocate 4,096 MiB"),
    ("limits_itself.py", OUT_OF_MEMORY, "ran out of memory"),
    ("skips_batches.py", FITS, "for memory could not be served"),
    ("finds_batch.py", FITS, "for memory could not be served"),
]
TRAINS_ODDLY = [
    ("prints.py", FITS, "prints.py fits"),
    ("prints_bytes.py", FITS, "prints_bytes.py fits"),
    ("leaves.py", FITS, "leaves.py fits"),
    ("forks.py", FITS, "forks.py fits"),
    ("forks_after_import.py", FITS, "forks_after_import.py fits"),
    ("goes_on_behind.py", FITS, "goes_on_behind.py fits"),
    ("spawns.py", FITS, "spawns.py fits"),
    ("empties_environment.py", FITS, "empties_environment.py fits"),
    ("starts_without_environment.py", NOT_JUDGED, "ended with exit code 1"),
    ("closes_output.py", FITS, "closes_output.py fits"),
    ("closes_all.py", FITS, "closes_all.py fits"),
    ("resets_peak.py", FITS, "resets_peak.py fits"),
    ("own_history.py", FITS, "own_history.py fits"),
    ("chooses_card.py", FITS, "chooses_card.py fits"),
    ("threads.py", FITS, "threads.py fits"),
    ("starts_anew.py", FITS, "starts_anew.py fits"),
    ("writes_beside_itself.py", FITS, "writes_beside_itself.py fits"),
    ("own_packages/train.py", FITS, "train.py fits"),
    ("has_no_samfit.py", FITS, "has_no_samfit.py fits"),
    ("needs_site.py", FITS, "needs_site.py fits"),
    ("isolated.py", FITS, "isolated.py fits"),
    ("-I isolated.py", NOT_JUDGED, "without its options -I, -E and -S"),
    ("-E isolated.py", NOT_JUDGED, "without its options -I, -E and -S"),
]
IS_NO_PYTHON = [
    ("true", NOT_JUDGED, "true ended, and no Python was seen in it"),
    ("/bin/false", NOT_JUDGED, "false ended with exit code 1, and no Python was seen in it"),
    ("sh starts.sh PYTHON", FITS, "sh fits"),
    ("not-to-be-found", NOT_JUDGED, "not-to-be-found: no such program"),
    ("./tiny.py", NOT_JUDGED, "./tiny.py cannot be started: Permission denied"),
    (".", NOT_JUDGED, ". cannot be started: Permission denied"),
]
OF_PYTHON = [*ENDS_BY_ITSELF, *DOES_NOT_END, *TRAINS_NOTHING, *RUNS_OUT, *TRAINS_ODDLY]
ROWS = [*((f"PYTHON {words}", *expected) for words, *expected in OF_PYTHON), *IS_NO_PYTHON]
QUICK = {"PYTHON exits.py 3", "PYTHON without_torch.py"}
QUICK |= {command for command, *_ in IS_NO_PYTHON if "PYTHON" not in command}


def row(command: str, code: int, *words: str):
    """A row as pytest takes it."""
    marks = [] if command in QUICK else [pytest.mark.slow]
    return pytest.param(command, code, words, marks=marks, id=command)


def judged(folder: Path, command: str) -> tuple[int, dict, str]:
    """The exit code of ``samfit run`` in a folder with all these programs, its report, and what was
    printed last."""
    shutil.copytree(PROGRAMS, folder, dirs_exist_ok=True)
    words = [sys.executable if word == "PYTHON" else word for word in command.split()]
    limit = 20 if "hangs" in command else 100
    of_site = [str(folder / "own_site"), *filter(None, [os.environ.get("PYTHONPATH")])]
    ran = subprocess.run(
        [*COMMAND, "--memory", "16GiB", f"--time-limit={limit}", "--json", "--", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(of_site)},
        timeout=120,
    )
    return ran.returncode, json.loads(ran.stdout or "{}"), ran.stderr[-2000:]


@pytest.mark.parametrize(("command", "code", "words"), [row(*each) for each in ROWS])
def test_it_ends_in_one_sentence_and_a_right_exit_code(command, code, words, tmp_path):
    found, report, printed = judged(tmp_path, command)
    sentence = report["message"] if report else printed
    assert (found, [part for part in words if part not in sentence]) == (code, []), sentence
    assert len(sentence) < 1000
    if code == FITS:
        assert all(card["steps"] > 0 for card in report["cards"])
        assert report["cards"]
    if code == NOT_JUDGED:
        assert not report.get("cards"), "a figure where nothing was judged"
        assert not report or f"samfit: {sentence}" in printed
