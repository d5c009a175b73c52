from small_sam import adapted


def test_trains_every_bias_of_the_encoder_and_nothing_else_there():
    trained = set(adapted("bitfit").trainable())
    model = adapted("decoder")
    biases = {f"sam.{n}" for n, _ in model.sam.named_parameters() if n.endswith("bias")}
    encoder = {name for name in trained if ".image_encoder." in name}
    assert encoder == {name for name in biases if ".image_encoder." in name}
    assert any(".neck." in name for name in encoder)
    assert "sam.image_encoder.patch_embed.proj.bias" in encoder


def test_can_leave_out_what_is_not_in_a_block():
    trained = adapted("bitfit", blocks_only=True).trainable()
    encoder = {name for name in trained if ".image_encoder." in name}
    assert encoder
    assert all(".image_encoder.blocks." in name for name in encoder)
