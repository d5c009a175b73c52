"""Whether a program fits, and in which words. Needs no torch."""

import signal
from collections.abc import Sequence

from samfit.harness.program.figures import Verdict
from samfit.harness.program.inside.recording import (
    BROKEN,
    CUDA,
    PYTHON,
    TOO_OLD,
    TORCH,
    Recording,
    Refusal,
)
from samfit.harness.program.launch import Ended
from samfit.harness.program.places import short
from samfit.units import MIB

Judged = tuple[Verdict, str]


def judge(ended: Ended, program: str, steps: int | None) -> Judged:
    """Whether ``program`` fits, and why, in a sentence.

    Args:
        steps: how many optimizer steps it was to take; None for all that it takes.
    """
    found = ended.recordings
    if any(each.out_of_memory for each in found) or _gave_up(ended):
        return "out of memory", _ran_out(last_refusal(found), program)
    reason = _unwatched(ended, program) or _unfinished(ended, program, steps)
    if reason:
        return "not judged", reason
    return "fits", ""


def last_refusal(recordings: Sequence[Recording]) -> Refusal | None:
    """The request at which the program ended."""
    for each in sorted(recordings, key=lambda one: not one.out_of_memory):
        if each.refusals:
            return each.refusals[-1]
    return None


def _gave_up(ended: Ended) -> bool:
    """Whether memory ran out, and the program caught that, and trained nothing or failed."""
    refused = any(each.refused for each in ended.recordings)
    nothing = not ended.steps
    other = any(each.error and not each.out_of_memory for each in ended.recordings)
    return refused and not other and (nothing or bool(ended.exit_code))


def _ran_out(refusal: Refusal | None, program: str) -> str:
    if refusal is None:
        return f"{program} ran out of memory."
    where = ", ".join(filter(None, (refusal.phase, refusal.module)))
    return (
        f"{program} ran out of memory: in {where}, it tried to allocate "
        f"{refusal.requested_bytes / MIB:,.0f} MiB with {refusal.free_bytes / MIB:,.0f} MiB free."
    )


def _unwatched(ended: Ended, program: str) -> str | None:
    """Why nothing was seen of the program."""
    end = _end(ended)
    if broken := ended.said(BROKEN):
        return f"{program} could not be watched: {broken[0].rstrip('.')}."
    stuck = [each.stuck for each in ended.recordings if each.stuck]
    if stuck:
        return f"{program} cannot go on: {stuck[0]}"
    if (old := ended.said(TOO_OLD)) and not ended.said(TORCH):
        return (
            f"{program} could not be watched: its Python is {old[-1]}: run it with 3.10 or later, "
            "and with torch 2.8 or later."
        )
    if not ended.said(PYTHON):
        return (
            f"{program} {end}, and no Python was seen in it: samfit watches programs of Python "
            "that are started without its options -I, -E and -S, in the environment they are given."
        )
    if not ended.said(TORCH):
        return f"{program} {end}, and never imported torch{_error(ended)}."
    if not ended.said(CUDA):
        return f"{program} {end}, and never used CUDA{_error(ended)}."
    return None


def _unfinished(ended: Ended, program: str, steps: int | None) -> str | None:
    """Why what was seen is not enough."""
    taken = ended.steps
    so_far = f"{taken} optimizer step{'' if taken == 1 else 's'}"
    stopped = any(each.stopped for each in ended.recordings)
    if ended.timed_out:
        wanted = "" if steps is None else f" of {steps}"
        return (
            f"{program} was still running after {ended.seconds:,.0f} s, having taken "
            f"{so_far}{wanted}: raise --time-limit, or give it less to do."
        )
    failed = any(each.error and each.histories for each in ended.recordings)  # one of the ranks
    if failed or (not stopped and (ended.exit_code or _error(ended))):
        return f"{program} {_end(ended)} after {so_far}{_error(ended)}.{_told(ended)}"
    if stopped and ended.silent:
        return (
            f"{program} was stopped, but {ended.silent} of its processes on a card had not come "
            "as far as the others: run it again, or with fewer cards."
        )
    if not taken:
        return (
            f"{program} {_end(ended)} without a step of an optimizer: nothing was trained, so "
            "there is no figure."
        )
    seen = (history for each in ended.recordings if each.steps for history in each.histories)
    if not any(history.allocations for history in seen):
        return f"{program} {_end(ended)}, and its memory was not seen."
    return None


def _end(ended: Ended) -> str:
    """How the program ended."""
    code = ended.exit_code
    if ended.timed_out:
        return f"was still running after {ended.seconds:,.0f} s"
    if code is None:
        return "was stopped"
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return "ended" if code == 0 else f"ended with exit code {code}"


def _error(ended: Ended) -> str:
    ranks_first = sorted(ended.recordings, key=lambda each: each.rank is None)  # then a launcher
    errors = [each.error for each in ranks_first if each.error]
    return f" ({errors[0]})" if errors else ""


def _told(ended: Ended) -> str:
    """What the program was last told that nobody knows: it may be why the program ended."""
    for each in ended.recordings:
        if each.last_unknown and each.error:
            read = each.last_unknown
            place = f"{short(read['file'])}:{read['line']}"
            return (
                f" Before that, {place} read {read['what']} from the card, where no value is "
                f"known, and was told {read['told']}."
            )
    return ""
