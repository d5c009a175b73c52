"""What a Blame is called, and where it comes from."""

from synthetic_blames import ENCODER, parallel_blame, serial_blame

from samfit.harness.report.blame.names import labels, module_words, source


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
