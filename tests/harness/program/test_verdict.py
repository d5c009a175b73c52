"""Verdicts, from what processes have written."""

import pytest

from samfit.harness.program.inside.recording import History, Recording, Refusal
from samfit.harness.program.launch import Ended
from samfit.harness.program.verdict import judge

REFUSAL = Refusal(0, 2**30, 3 * 2**30, 4 * 2**30, 2**28, "forward", "blocks.0", "train.py:7")
USED_CUDA = ["python 3.11", "torch 2.14", "cuda 1"]
WATCHED = [*USED_CUDA, "told"]
UNKNOWN = {"file": "train.py", "line": 9, "what": "item() of a float32", "told": "1.0"}


def ended(exit_code=0, log=WATCHED, timed_out=False, **recorded) -> Ended:
    recordings = (
        [] if recorded.pop("killed", False) else [Recording(pid=1, arguments=[], **recorded)]
    )
    steps = [f"step {number}" for number in range(1, recorded.get("steps", 0) + 1)]
    return Ended(exit_code, timed_out, 12.0, {1: [*log, *steps]} if log else {}, recordings)


TRAINED = {"steps": 3, "histories": [History(0, [(0, -1, 9, 0, 0, 0, 0)])]}
VERDICTS = [
    (ended(None, stopped=True, **TRAINED), "fits", ""),
    (ended(0, **{**TRAINED, "steps": 1}), "fits", ""),
    (ended(0, refused=2, refusals=[REFUSAL], **TRAINED), "fits", ""),
    (ended(1, error="OutOfMemoryError: x", out_of_memory=True, refusals=[REFUSAL]),
     "out of memory", "in forward, blocks.0, it tried to allocate 1,024 MiB with 256 MiB free"),
    (ended(0, refused=1, refusals=[REFUSAL]), "out of memory", "ran out of memory"),
    (ended(3, refused=1, refusals=[REFUSAL], **TRAINED), "out of memory", "ran out of memory"),
    (ended(1, refused=1, error="ValueError: no", **TRAINED), "not judged", "(ValueError: no)"),
    (ended(None, stopped=True, log=USED_CUDA, **TRAINED), "not judged", "1 of its processes"),
    (ended(0, log=[]), "not judged", "no Python was seen"),
    (ended(0, log=["too-old 3.8.18"]), "not judged", "its Python is 3.8.18: run it with 3.10"),
    (ended(0, log=["too-old 3.8.18", *WATCHED], **TRAINED), "fits", ""),
    (ended(0, log=WATCHED[:1]), "not judged", "never imported torch"),
    (ended(0, log=WATCHED[:2]), "not judged", "never used CUDA"),
    (ended(0), "not judged", "nothing was trained"),
    (ended(0, histories=[History(0)]), "not judged", "without a step of an optimizer"),
    (ended(1, error="ValueError: no", last_unknown=UNKNOWN, **TRAINED), "not judged",
     "Before that, train.py:9 read item() of a float32"),
    (ended(-11, killed=True), "not judged", "was ended by SIGSEGV after 0 optimizer steps"),
    (ended(None, timed_out=True, killed=True), "not judged", "still running after 12 s"),
    (ended(None, stuck="train.py:4 waits."), "not judged", "cannot go on: train.py:4 waits."),
    (ended(0, log=[*WATCHED, "broken torch is built without CUDA"]), "not judged",
     "could not be watched: torch is built without CUDA."),
]  # fmt: skip


@pytest.mark.parametrize(("how", "verdict", "words"), VERDICTS)
def test_every_end_has_a_verdict_and_one_sentence(how, verdict, words):
    found, sentence = judge(how, "train.py", 3)
    assert found == verdict
    assert words in sentence
    assert "\n" not in sentence
    assert found == "fits" or (sentence.startswith("train.py ") and sentence.endswith("."))


def test_a_rank_that_failed_while_another_had_seen_enough_is_not_judged():
    seen = ended(None, stopped=True, **TRAINED)
    seen.recordings.append(Recording(pid=2, arguments=[], rank=1, error="ValueError: no"))
    assert judge(seen, "train.py", 3)[0] == "fits"  # a process that never used a card
    seen.recordings[-1].histories = TRAINED["histories"]
    verdict, sentence = judge(seen, "train.py", 3)
    assert verdict == "not judged"
    assert "(ValueError: no)" in sentence
