import pytest
import torch
from golden_case import relative_error
from small_sam import SIDE, adapted, small_batch, small_sam
from user_error import user_error

import samfit
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


@pytest.mark.parametrize("prompts", [None, 1, 3], ids=["none", "box", "3 boxes"])
def test_masks_scores_and_gradients_equal_sams_own_decoder(prompts):
    (masks, iou, ours), (stock_masks, stock_iou, stock) = decode_both_ways(prompts)
    assert masks.shape == (COUNT * (prompts or 1), 4, 32, 32)
    assert relative_error(masks, stock_masks) < 1e-5
    assert relative_error(iou, stock_iou) < 1e-5
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
        masks, _ = decode_masks(
            model.sam.mask_decoder, model.encode(images).image, image_pe, *prompts
        )
        assert torch.equal(pointed, masks[:, :1])
        assert not torch.equal(pointed, model(images, boxes))
        assert not torch.equal(pointed, model(images))


decoders = pytest.mark.parametrize("decoder", ["stock", "single_token"])


@decoders
@pytest.mark.parametrize("prompts", [None, 1, 2])
def test_there_is_a_mask_for_each_class_and_prompt(decoder, prompts):
    images, boxes = small_batch(2, prompts or 1)
    model = adapted("decoder", decoder=decoder, classes=3)
    logits = model(images, boxes if prompts else None)
    assert logits.shape == (2 * (prompts or 1), 3, SIDE // 4, SIDE // 4)


@pytest.mark.parametrize(("decoder", "networks"), [("stock", 3), ("single_token", 1)])
def test_classes_have_a_network_each_or_one_between_them(decoder, networks):
    model = adapted("decoder", decoder=decoder, classes=3)
    assert len(model.sam.mask_decoder.output_hypernetworks_mlps) == networks


@decoders
def test_all_classes_start_as_sams_single_mask_and_part_in_training(decoder):
    model, batch = adapted("decoder", decoder=decoder, classes=3), small_batch()
    tokens = model.sam.mask_decoder.mask_tokens.weight
    assert torch.equal(tokens, small_sam().mask_decoder.mask_tokens.weight[:1].expand(3, -1))
    logits = model(*batch)
    torch.testing.assert_close(logits, logits[:, :1].expand_as(logits))
    logits[:, 1].sum().backward()
    assert not torch.equal(tokens.grad[0], tokens.grad[1])
    trained = dict(model.sam.mask_decoder.named_parameters())
    assert all(p.requires_grad for name, p in trained.items() if "hypernetworks" in name)


@decoders
@pytest.mark.parametrize("name", ["decoder", "lora", "conv_lora"])
def test_detaching_restores_sams_own_tokens_and_networks_bit_by_bit(decoder, name):
    before = small_sam().mask_decoder
    model = adapted(name, decoder=decoder, classes=3)
    with torch.no_grad():
        model.sam.mask_decoder.mask_tokens.weight += 1
        for parameter in model.sam.mask_decoder.output_hypernetworks_mlps.parameters():
            parameter += 1
    after = model.detach().mask_decoder
    assert after.mask_tokens.num_embeddings == 4
    assert len(after.output_hypernetworks_mlps) == 4
    for name in ("mask_tokens", "output_hypernetworks_mlps"):
        ours, theirs = (getattr(each, name).state_dict() for each in (after, before))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(tensor, theirs[key]) for key, tensor in ours.items())


def test_another_number_of_classes_can_follow():
    sam = small_sam()
    samfit.attach(sam, "decoder", classes=3).detach()
    model = samfit.attach(sam, "decoder", classes=5)
    assert model(*small_batch()).shape[1] == 5
    expected = adapted("decoder")(*small_batch())
    model.detach()
    assert torch.equal(samfit.attach(sam, "decoder").eval()(*small_batch()), expected)


@decoders
def test_classes_are_saved_and_loaded(decoder, tmp_path):
    path = tmp_path / "classes.safetensors"
    model, batch = adapted("lora", decoder=decoder, classes=3), small_batch()
    with torch.no_grad():
        for parameter in model.trainable().values():
            parameter += 0.1 * torch.randn_like(parameter)
    model.save(path)
    other = adapted("lora", seed=1, decoder=decoder, classes=3)
    assert not torch.equal(other(*batch), model(*batch))
    other.load(path)
    assert torch.equal(other(*batch), model(*batch))


@pytest.mark.parametrize("classes", [0, 256, -1, 1.5, "many"])
def test_wrong_numbers_of_classes_are_refused(classes):
    with user_error("classes", "setting classes must be", repr(classes)):
        adapted("decoder", classes=classes)
