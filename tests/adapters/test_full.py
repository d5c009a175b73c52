from small_sam import adapted


def parts(model) -> set[str]:
    """The parts of SAM in which something is trained."""
    return {name.split(".")[1] for name in model.trainable()}


def test_trains_the_whole_encoder_and_decoder():
    model = adapted("full")
    assert parts(model) == {"image_encoder", "mask_decoder"}
    assert all(p.requires_grad for p in model.sam.image_encoder.parameters())


def test_trains_the_prompt_encoder_on_request():
    model = adapted("full", train_prompt_encoder=True)
    assert parts(model) == {"image_encoder", "mask_decoder", "prompt_encoder"}
    assert all(p.requires_grad for p in model.sam.parameters())
