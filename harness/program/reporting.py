"""The report of a program that has ended. Needs no torch."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from samfit.harness.device.cards import LARGE_ENOUGH, Card
from samfit.harness.program.figures import (
    OnCard,
    ProgramReport,
    Read,
    Refused,
    in_words,
    spare_bytes,
)
from samfit.harness.program.inside.recording import Recording
from samfit.harness.program.launch import Ended
from samfit.harness.program.told import on_card
from samfit.harness.program.verdict import judge, last_refusal
from samfit.units import MIB


def report_of(
    ended: Ended, command: Sequence[str], card: Card, steps: int | None, name: str | None = None
) -> ProgramReport:
    """What is to be said of a program that ran on ``card``.

    Args:
        steps: how many optimizer steps it was to take; None for all that it takes.
        name: what to call it. Default: its script.
    """
    program, found = name or program_name(command), ended.recordings
    verdict, message = judge(ended, program, steps)
    cards = _cards(found, card) if verdict == "fits" else []
    if crowded := _crowded(cards, card):
        verdict, message = "out of memory", f"{program} would run out of memory: {crowded}"
    return ProgramReport(
        program=program,
        command=list(command),
        card=card.name if card.total_bytes < LARGE_ENOUGH else "",
        compute_capability=card.compute_capability,
        usable_bytes=card.usable_bytes,
        verdict=verdict,
        message=message or _fits(program, cards, card) + _after_refusals(found),
        cards=cards,
        refused=_refused(found) if verdict == "out of memory" else None,
        reads=_reads(found),
        not_written=_distinct(recording.not_written for recording in found),
        not_removed=_distinct(recording.not_removed for recording in found),
        versions=next((each.versions for each in found if each.versions), {}),
        seconds=round(ended.seconds, 1),
    )


def with_need(report: ProgramReport, unlimited: ProgramReport) -> ProgramReport:
    """``report`` of a program that ran out of memory, with what it takes on a card that is large
    enough."""
    if not unlimited.cards or report.refused is None:
        return report
    needed = unlimited.largest.peak.reserved_bytes
    missing = needed - report.usable_bytes
    reserves = f" Without a limit it reserves {needed / MIB:,.0f} MiB"
    there = f"PyTorch can have on {report.card_in_words}"
    more = (
        f"{reserves}, {missing / MIB:,.0f} MiB more than {there}."
        if missing > 0
        else f"{reserves}, which the card has: what is free is in fragments."
    )
    return replace(
        report,
        message=report.message + more,
        cards=unlimited.cards,
        refused=replace(report.refused, missing_bytes=max(missing, 0)),
    )


def program_name(command: Sequence[str]) -> str:
    """What to call a program: its script, where a launcher starts it."""
    scripts = [Path(word).name for word in command if word.endswith(".py")]
    return scripts[0] if scripts else Path(command[0]).name


def _cards(recordings: Sequence[Recording], card: Card) -> list[OnCard]:
    found = [
        on_card(recording, history, card.context_bytes)
        for recording in recordings
        if recording.steps
        for history in recording.histories
        if history.allocations
    ]
    return sorted(found, key=lambda each: (each.rank or 0, each.device))


def _fits(program: str, cards: Sequence[OnCard], card: Card) -> str:
    if card.total_bytes >= LARGE_ENOUGH:
        most = max(each.process_bytes for each in cards)
        return f"{program} takes {most / MIB:,.0f} MiB of a card."
    left = f"{spare_bytes(cards, card.usable_bytes) / MIB:,.0f} MiB to spare"
    count = len({each.device for each in cards})
    if count > 1:
        return f"{program} fits {count} × {card.name}, with at least {left} on each."
    return f"{program} fits {in_words(card.name)}, with {left}."


def _after_refusals(recordings: Sequence[Recording]) -> str:
    """Whether memory ran out on the way, and the program, or a library, went on with less."""
    refused = sum(each.refused for each in recordings)
    if not refused:
        return ""
    return f" On the way {refused} request{'s' * (refused > 1)} for memory could not be served."


def _crowded(cards: Sequence[OnCard], card: Card) -> str | None:
    """Why processes that share a card need more than it has; each alone was rehearsed."""
    for device in {each.device for each in cards}:
        sharing = [each.process_bytes for each in cards if each.device == device]
        if len(sharing) > 1 and sum(sharing) > card.total_bytes:
            return (
                f"{len(sharing)} processes share card {device}, and take "
                f"{sum(sharing) / MIB:,.0f} MiB together, of {card.total_bytes / MIB:,.0f}. Did it "
                "forget torch.cuda.set_device?"
            )
    return None


def _reads(recordings: Sequence[Recording]) -> list[Read]:
    """What all processes have read, ranks together."""
    times: Counter[Read] = Counter()
    for recording in recordings:
        for read in recording.reads:
            times[Read(**{**read, "times": 0})] += read["times"]
    return [replace(read, times=count) for read, count in times.items()]


def _refused(recordings: Sequence[Recording]) -> Refused | None:
    last = last_refusal(recordings)
    if last is None:
        return None
    return Refused(
        requested_bytes=last.requested_bytes,
        allocated_bytes=last.allocated_bytes,
        reserved_bytes=last.reserved_bytes,
        free_bytes=last.free_bytes,
        phase=last.phase,
        module=last.module,
        line=last.place,
    )


def _distinct(lists: Iterable[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in lists for name in names))
