import copy
import json

import pytest
import torch
from golden_case import relative_error
from safetensors.torch import save_file
from small_sam import SIDE, adapted, small_batch, small_sam
from user_error import user_error

import samfit


@pytest.fixture
def lora_file(tmp_path):
    path = tmp_path / "lora.safetensors"
    adapted("lora").save(path)
    return path


@pytest.mark.parametrize("prompts", [1, 3])
def test_one_mask_per_prompt_at_a_quarter_of_the_input_size(prompts):
    logits = adapted("decoder")(*small_batch(2, prompts))
    assert logits.shape == (2 * prompts, 1, SIDE // 4, SIDE // 4)


def test_without_prompt_there_is_one_mask_per_image():
    images, _ = small_batch(3)
    assert adapted("decoder")(images).shape == (3, 1, SIDE // 4, SIDE // 4)


def test_images_may_be_bytes_or_floats():
    images, boxes = small_batch()
    model = adapted("cad")
    assert torch.equal(model(images, boxes), model(images.float(), boxes))


def test_the_trained_state_includes_running_statistics():
    names = adapted("cad").trained_state().keys() - adapted("cad").trainable().keys()
    assert len(names) == 9
    assert all(name.startswith("adapter.branch.blocks.") for name in names)


@pytest.mark.parametrize(
    ("saved", "loading", "words"),
    [
        ({"name": "lora"}, {"name": "cad"}, ["adapter lora, not cad"]),
        ({"name": "lora"}, {"name": "lora", "rank": 8}, ["settings {}", '{"rank": 8}']),
        ({"name": "cad"}, {"name": "cad", "scale": 0.5}, ["scale"]),
        ({"name": "cad"}, {"name": "cad", "high_frequency_ratio": 0.5}, ["high_frequency_ratio"]),
        ({"name": "decoder", "classes": 3}, {"name": "decoder"}, ['settings {"classes": 3}']),
        ({"name": "lora"}, {"name": "lora", "classes": 3}, ['not {"classes": 3}']),
        ({"name": "cad", "classes": 3}, {"name": "cad", "classes": 4}, ['not {"classes": 4}']),
        ({"name": "lora"}, {"name": "lora", "decoder": "single_token"}, ["single_token"]),
    ],
)
def test_loading_a_file_of_another_method_or_other_settings_names_both(
    saved, loading, words, tmp_path
):
    adapted(**saved).save(tmp_path / "file")
    with user_error(str(tmp_path / "file"), *words):
        adapted(**loading).load(tmp_path / "file")


@pytest.mark.parametrize("method", ["decoder", "cad"])
def test_the_encoder_has_to_match_even_where_no_shape_shows_it(method, tmp_path):
    with torch.device("meta"):
        sam, other = samfit.build_sam("vit_b"), samfit.build_sam("vit_l")
    model = samfit.attach(sam, method)
    trained = {name: torch.zeros(tensor.shape) for name, tensor in model.trained_state().items()}
    trained_with = {"trained_with": json.dumps(model._trained_with())}
    save_file(trained, tmp_path / "file", trained_with)
    with user_error("768 wide, 12 deep", "1024 wide, 24 deep"):
        samfit.attach(other, method).load(tmp_path / "file")


def test_full_fine_tuning_at_another_image_size_does_not_fit(tmp_path):
    adapted("full").save(tmp_path / "full")
    with user_error("rel_pos", "image size"):
        samfit.attach(samfit.build_sam("vit_tiny", 64), "full").load(tmp_path / "full")


def test_a_failed_load_changes_nothing(lora_file):
    model = adapted("lora", rank=8)
    before = {name: tensor.clone() for name, tensor in model.trained_state().items()}
    with user_error():
        model.load(lora_file)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.trained_state().items())


def test_what_is_no_file_of_tensors_cannot_be_read(tmp_path, lora_file):
    content, model = lora_file.read_bytes(), adapted("lora")
    broken = [content[: int(share * len(content))] for share in (0, 0.01, 0.5, 0.99)]
    for part in (*broken, b"garbage " * 1000):
        lora_file.write_bytes(part)
        with user_error("cannot read", str(lora_file)):
            model.load(lora_file)
    for path in (tmp_path / "missing", tmp_path):
        with user_error("cannot read", str(path)):
            model.load(path)


def test_a_file_of_another_program_is_named_so(tmp_path):
    path = tmp_path / "other.safetensors"
    for metadata in (None, {"trained_with": "[]"}):
        save_file({"weight": torch.zeros(1)}, path, metadata)
        with user_error(str(path), "unknown"):
            adapted("lora").load(path)
    save_file({"weight": torch.zeros(1)}, path, {"trained_with": "{"})
    with user_error("cannot read", str(path)):
        adapted("lora").load(path)


def test_the_same_state_gives_the_same_bytes(tmp_path, lora_file):
    adapted("lora").save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == lora_file.read_bytes()


@pytest.mark.parametrize("shape", [(2, 3, 64, 64), (2, 3, SIDE, SIDE - 16), (2, 1, SIDE, SIDE)])
def test_images_of_another_size_are_refused(shape):
    with user_error(f"{SIDE}, {SIDE}", str(shape)):
        adapted("cad")(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(1, 2, 4), (3, 1, 4), (2, 4), (2, 0, 4), (2, 1, 2)])
def test_boxes_of_another_batch_are_refused(shape):
    images, _ = small_batch(2)
    with user_error("2 images", str(shape)):
        adapted("decoder")(images, torch.zeros(shape))


def test_copying_is_refused_since_hooks_would_not_be_copied():
    with user_error("save"):
        copy.deepcopy(adapted("lora"))


@pytest.mark.parametrize("prompts", [1, 2])
def test_the_single_token_decoder_is_the_stock_one_with_two_tokens(prompts):
    """Its mask is not SAM's: the tokens left out take part in attention."""
    batch = small_batch(2, prompts)
    stock, single = adapted("decoder"), adapted("decoder", decoder="single_token")
    with torch.no_grad():
        difference = relative_error(single(*batch), stock(*batch))
    assert single(*batch).shape == stock(*batch).shape
    assert 1e-4 < difference < 1
    assert single.sam.mask_decoder.mask_tokens.num_embeddings == 1


def test_what_the_single_token_learned_is_in_sam_after_detaching():
    model = adapted("decoder", decoder="single_token")
    before = small_sam().mask_decoder.mask_tokens.weight
    with torch.no_grad():
        model.sam.mask_decoder.mask_tokens.weight += 1
    after = model.detach().mask_decoder.mask_tokens.weight
    assert torch.equal(after[0], before[0] + 1)
    assert torch.equal(after[1:], before[1:])


def test_sam_is_frozen_by_identity_also_when_it_was_trainable():
    sam = small_sam().requires_grad_(True)
    samfit.attach(sam, "lora")
    assert not any(p.requires_grad for p in sam.image_encoder.parameters())
    assert not any(p.requires_grad for p in sam.prompt_encoder.parameters())
