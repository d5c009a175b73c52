"""Several classes: a mask decoder with a token for each, and what is left of it."""

import pytest
import torch
from small_sam import SIDE, adapted, small_batch, small_sam
from user_error import user_error

import samfit

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
