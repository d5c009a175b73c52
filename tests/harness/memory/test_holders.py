"""Who holds the peak: every byte once, and differences that sum to that of the peaks."""

import pytest
from hypothesis import given, strategies as st
from synthetic_blames import any_blame, parallel_blame, serial_blame

from samfit.harness.memory.holders import Holder, alike, holders
from samfit.harness.memory.peak import traced_memory
from samfit.harness.memory.replay import replay
from samfit.harness.predict.answers import Difference
from samfit.harness.trace.trace import CATEGORIES, FROZEN, ROUNDING, SAVED, TEMPORARIES, Trace

MIB = 2**20


@st.composite
def traces(draw):
    """One step of births and deaths in any order."""
    trace, alive = Trace(), []
    trace.enter("forward")
    for birth in draw(st.lists(st.booleans(), max_size=60)):
        if birth or not alive:
            module = draw(st.sampled_from(["", "encoder.0", "encoder.1", "decoder"]))
            category = draw(st.sampled_from(CATEGORIES[:7]))
            nbytes = draw(st.integers(1, 30 * MIB))
            alive.append(trace.add(nbytes, "forward", module, category))
        else:
            trace.free(alive.pop(draw(st.integers(0, len(alive) - 1))))
    trace.add(512, "forward", "", TEMPORARIES)
    return trace


@given(traces())
def test_holders_sum_to_the_peak_and_to_its_categories(trace):
    for memory, held in (
        (traced_memory(trace), [a.nbytes for a in trace.allocations]),
        (traced_memory(trace, replay(trace)), replay(trace).block_bytes),
    ):
        found = holders(trace, held)
        assert sum(holder.nbytes for holder in found) == memory.peak_allocated_bytes
        for category in CATEGORIES:
            nbytes = sum(holder.nbytes for holder in found if holder.category == category)
            assert nbytes == memory.breakdown_bytes[category]


def test_a_holder_is_a_module_and_a_category_the_largest_first():
    trace = Trace()
    trace.add(MIB, "setup", "decoder", FROZEN)
    trace.enter("forward")
    for module in ("encoder", "decoder", "encoder"):
        trace.add(MIB, "forward", module, SAVED)
    trace.free(trace.add(512, "forward", "decoder", TEMPORARIES))
    found = holders(trace, [MIB, MIB, MIB + 1024, MIB, 512])
    assert found == [
        Holder("encoder", SAVED, 2 * MIB),
        Holder("decoder", FROZEN, MIB),
        Holder("decoder", SAVED, MIB),
        Holder("decoder", ROUNDING, 1024),
        Holder("decoder", TEMPORARIES, 512),
    ]


@pytest.mark.parametrize(
    ("module", "name"),
    [("", ""), ("sam.blocks.11.attn", "sam.blocks.*.attn"), ("a1.b2", "a1.b2"), ("7", "*")],
)
def test_modules_that_differ_in_a_number_are_alike(module, name):
    assert alike(module) == name


@given(any_blame, any_blame)
def test_differences_sum_to_that_of_the_peaks(one, other):
    document = Difference(one, other).to_json()
    entries = document["differences"]
    assert sum(entry["bytes"] for entry in entries) == one.peak_bytes
    assert sum(entry["against_bytes"] for entry in entries) == other.peak_bytes
    total = sum(entry["difference_bytes"] for entry in entries)
    assert total == document["difference_bytes"] == one.peak_bytes - other.peak_bytes


def test_work_in_different_blocks_is_compared():
    document = Difference(serial_blame(), parallel_blame()).to_json()
    found = {
        (entry["module"], entry["category"]): entry["difference_bytes"]
        for entry in document["differences"]
    }
    assert found["sam.image_encoder.blocks.*.attn", TEMPORARIES] == 0
    first = document["differences"][0]
    assert (first["module"], first["category"]) == ("sam.image_encoder.blocks.*.attn", SAVED)


def test_json_has_the_cell_the_peak_and_all_holders():
    blame = serial_blame()
    document = blame.to_json()
    assert document["cell"]["adapter"] == "lora"
    assert document["source"] == "predicted"
    assert document["peak_allocated_bytes"] == sum(h["bytes"] for h in document["holders"])
    assert document["holders"][0] == {
        "module": "sam.image_encoder.blocks.2.attn", "category": SAVED, "bytes": 4 * 2**30,
    }  # fmt: skip
