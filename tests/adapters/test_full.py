import pytest
from small_sam import adapted

PARTS = {"image_encoder", "mask_decoder"}


@pytest.mark.parametrize(
    ("settings", "parts"),
    [({}, PARTS), ({"train_prompt_encoder": True}, {*PARTS, "prompt_encoder"})],
    ids=["by default", "on request"],
)
def test_trains_the_whole_encoder_and_decoder_and_the_prompt_encoder_on_request(settings, parts):
    model = adapted("full", **settings)
    trained = {n for n, p in model.sam.named_parameters() if p.requires_grad}
    assert trained == {n for n, _ in model.sam.named_parameters() if n.split(".")[0] in parts}
