import torch
from golden_case import relative_error
from small_sam import adapted, small_batch, small_sam


def test_trains_the_mask_decoder_and_nothing_else():
    model = adapted("decoder")
    names = {f"sam.mask_decoder.{name}" for name, _ in model.sam.mask_decoder.named_parameters()}
    assert model.trainable().keys() == names
    assert not list(model.adapter.parameters())


def test_computes_what_sam_computes():
    sam, (images, boxes) = small_sam(), small_batch(prompts=2)
    requests = [
        {"image": image, "boxes": prompts, "original_size": (128, 128)}
        for image, prompts in zip(images, boxes, strict=True)
    ]
    expected = [answer["low_res_logits"] for answer in sam(requests, multimask_output=False)]
    with torch.no_grad():
        ours = adapted("decoder")(images, boxes)
    assert relative_error(ours, torch.cat(expected)) < 1e-5
