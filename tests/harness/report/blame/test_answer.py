"""The answer in words says what the figures say, of what, and where they come from."""

from synthetic_blames import ENCODER, blamed, parallel_blame, serial_blame

from samfit.harness.report.blame.words import (
    answer,
    difference_answer,
    labels,
    module_words,
    source,
)
from samfit.harness.trace.trace import FROZEN


def test_the_answer_says_when_what_and_where():
    assert answer(serial_blame()) == (
        "Lora reaches its peak of 18.3 GiB in the forward phase, in encoder.block. "
        "15.0 GiB are saved activations (all in image_encoder.blocks); "
        "3.00 GiB are temporaries (all in image_encoder.blocks.11.attn)."
    )


def test_the_answer_names_a_module_only_where_nearly_all_of_it_is():
    parts = [(f"{ENCODER}.neck", FROZEN, 92), ("sam.mask_decoder", FROZEN, 8)]
    assert "frozen weights (nearly all in image_encoder.neck)" in answer(blamed(*parts))
    even = [(f"{ENCODER}.neck", FROZEN, 50), ("adapter", FROZEN, 50)]
    assert "frozen weights." in answer(blamed(*even))


def test_the_answer_to_why_says_which_needs_more_of_what_and_the_cause():
    more, less = serial_blame(), parallel_blame()
    what = (
        "in saved activations (all in image_encoder.blocks.*.attn). Gradients of Lora flow through "
        "the image encoder, whose activations are kept for them; those of Cad do not."
    )
    assert difference_answer(more, less) == (
        f"Lora needs 15.0 GiB more than Cad: 18.3 GiB against 3.31 GiB. 15.0 GiB more {what}"
    )
    assert difference_answer(less, more) == (
        f"Cad needs 15.0 GiB less than Lora: 3.31 GiB against 18.3 GiB. 15.0 GiB less {what}"
    )


def test_no_cause_is_given_where_records_know_none():
    same = difference_answer(serial_blame(), serial_blame())
    assert same == "Lora and Lora need the same, 18.3 GiB."
    assert "Gradients" not in difference_answer(serial_blame(), serial_blame(batch_size=2))
    inferring = [blame(phase="infer") for blame in (serial_blame, parallel_blame)]
    assert "Gradients" not in difference_answer(*inferring)


def test_names_leave_out_the_prefix_that_all_share():
    assert module_words(f"{ENCODER}.blocks.0") == "image_encoder.blocks.0"
    assert module_words("adapter.branch") == "adapter.branch"
    assert module_words("") == "outside of modules"


def test_labels_say_what_differs():
    assert labels([serial_blame(), parallel_blame()]) == ["Lora", "Cad"]
    lean = serial_blame(attention="sdpa", batch_size=2, settings={"rank": 8})
    assert labels([serial_blame(), lean]) == [
        "Lora (batch_size=4)", "Lora (rank=8, batch_size=2, attention=sdpa)",
    ]  # fmt: skip
    assert labels([lean]) == ["Lora (rank=8)"]


def test_the_source_describes_cells_that_compare_once_and_others_apart():
    both = source([serial_blame(), parallel_blame()])
    assert both.count("predicted") == 1
    apart = source([serial_blame(), serial_blame(backbone="vit_l")])
    assert apart.count("predicted") == 2
    assert "vit_b" in apart and "vit_l" in apart
