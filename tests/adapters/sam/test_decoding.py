import pytest
import torch
from golden_case import relative_error
from small_sam import adapted, small_batch, small_sam

from samfit.adapters.sam.decoding import decode_masks, encode_prompts

COUNT = 3


def decode_both_ways(prompts: int | None):
    """Masks, IoU and gradients of the batched decoder and of SAM's own, image by image."""
    results = []
    for batched in (True, False):
        sam = small_sam()
        torch.manual_seed(0)
        embedding = torch.randn(COUNT, 64, 8, 8, requires_grad=True)
        boxes = None if prompts is None else small_batch(COUNT, prompts)[1]
        image_pe = sam.prompt_encoder.get_dense_pe()
        decoder = sam.mask_decoder
        if batched:
            sparse, dense = encode_prompts(sam.prompt_encoder, boxes, COUNT)
            masks, iou = decode_masks(decoder, embedding, image_pe, sparse, dense)
        else:
            answers = []
            for index in range(COUNT):
                own = None if boxes is None else boxes[index]
                sparse, dense = sam.prompt_encoder(points=None, boxes=own, masks=None)
                one = embedding[index : index + 1]
                answers.append(decoder.predict_masks(one, image_pe, sparse, dense))
            masks, iou = (torch.cat(parts) for parts in zip(*answers, strict=True))
        torch.manual_seed(1)
        ((masks * torch.randn(masks.shape)).sum() + (iou * torch.randn(iou.shape)).sum()).backward()
        gradients = {"embedding": embedding.grad}
        gradients |= {name: p.grad for name, p in sam.named_parameters() if p.grad is not None}
        results.append((masks, iou, gradients))
    return results


prompts_per_image = pytest.mark.parametrize("prompts", [None, 1, 3], ids=["none", "box", "3 boxes"])


@prompts_per_image
def test_all_masks_and_scores_equal_sams_own_decoder(prompts):
    (masks, iou, _), (stock_masks, stock_iou, _) = decode_both_ways(prompts)
    assert masks.shape == (COUNT * (prompts or 1), 4, 32, 32)
    assert relative_error(masks, stock_masks) < 1e-5
    assert relative_error(iou, stock_iou) < 1e-5


@prompts_per_image
def test_gradients_equal_sams_own_decoder(prompts):
    (_, _, ours), (_, _, stock) = decode_both_ways(prompts)
    assert ours.keys() == stock.keys()
    largest = max(gradient.abs().max() for gradient in stock.values())
    for name, gradient in stock.items():
        if name.endswith("k_proj.bias"):  # zero but for rounding: it shifts all logits of a row
            assert ours[name].abs().max() < 1e-5 * largest
        else:
            assert relative_error(ours[name], gradient) < 1e-4, name


@pytest.mark.parametrize(
    ("boxes", "masks", "tokens"), [(None, COUNT, 0), (small_batch(COUNT, 2)[1], 2 * COUNT, 2)]
)
def test_a_box_is_two_corner_tokens_and_no_prompt_is_none(boxes, masks, tokens):
    sparse, dense = encode_prompts(small_sam().prompt_encoder, boxes, COUNT)
    assert sparse.shape == (masks, tokens, 64)
    assert dense.shape == (masks, 64, 8, 8)


def test_the_masks_of_an_image_lie_side_by_side():
    sam, (_, boxes) = small_sam(), small_batch(2, 3)
    image_pe, embedding = sam.prompt_encoder.get_dense_pe(), torch.randn(2, 64, 8, 8)
    prompts = encode_prompts(sam.prompt_encoder, boxes, 2)
    masks, _ = decode_masks(sam.mask_decoder, embedding, image_pe, *prompts)
    second = encode_prompts(sam.prompt_encoder, boxes[1:], 1)
    alone, _ = decode_masks(sam.mask_decoder, embedding[1:], image_pe, *second)
    torch.testing.assert_close(masks[3:], alone, rtol=1e-4, atol=1e-4)


POINTS = torch.tensor(
    [
        [[10.5, 20.5, 1], [100.5, 90.5, 0], [64.5, 3.5, 1]],
        [[1.5, 1.5, 1], [70.5, 50.5, 1], [0, 0, -1]],
        [[30.5, 99.5, 0], [0, 0, -1], [0, 0, -1]],
    ]
)


def test_points_give_the_masks_of_sams_own_encoder_and_decoder():
    sam, embedding = small_sam(), torch.randn(COUNT, 64, 8, 8)
    image_pe = sam.prompt_encoder.get_dense_pe()
    sparse, dense = encode_prompts(sam.prompt_encoder, None, COUNT, POINTS)
    masks, iou = decode_masks(sam.mask_decoder, embedding, image_pe, sparse, dense)
    assert sparse.shape == (COUNT, 4, 64)
    for index, points in enumerate(POINTS):
        own = (points[None, :, :2], points[None, :, 2])
        prompts = sam.prompt_encoder(points=own, boxes=None, masks=None)
        one = embedding[index : index + 1]
        stock_masks, stock_iou = sam.mask_decoder.predict_masks(one, image_pe, *prompts)
        assert relative_error(masks[index], stock_masks[0]) < 1e-5
        assert relative_error(iou[index], stock_iou[0]) < 1e-5


def test_points_reach_the_mask_of_an_adapted_sam():
    model, (images, boxes) = adapted("lora"), small_batch(COUNT)
    with torch.no_grad():
        pointed = model(images, points=POINTS)
        prompts = encode_prompts(model.sam.prompt_encoder, None, COUNT, POINTS)
        image_pe = model.sam.prompt_encoder.get_dense_pe()
        masks, _ = decode_masks(model.sam.mask_decoder, model.encode(images), image_pe, *prompts)
        assert torch.equal(pointed, masks[:, :1])
        assert not torch.equal(pointed, model(images, boxes))
        assert not torch.equal(pointed, model(images))
