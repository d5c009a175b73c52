"""A model that left samfit gives the masks that it gave when attached: in SAM's own classes, in
Hugging Face's ``SamModel``, and with PEFT."""

import json

import pytest
import torch
from safetensors.torch import save_file
from segment_anything.modeling import Sam
from small_sam import adapted, shaken, small_batch, small_sam
from user_error import user_error

import samfit
from samfit.adapters.core.leaving import in_peft_format, plain_sam
from samfit.adapters.sam.export import write_hugging_face

# Their own deprecations are theirs; PEFT's warnings of missing weights are not among them.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

BATCH = small_batch(1, prompts=2)
CLOSE = {"rtol": 0, "atol": 1e-5}
MERGEABLE = {
    "lora": {"rank": 2, "alpha": 3},
    "lora_everywhere": {"rank": 2, "targets": ("q", "k", "v", "proj", "mlp")},
    "lora_fused": {"rank": 2, "fused": True},
    "lora_prompts": {"train_prompt_encoder": True},
    "lora_no_mask": {"train_no_mask_embed": True},
    "decoder": {},
    "full": {},
    "bitfit": {},
    "ssf": {},
    "cobot_lora": {},
    "fact": {"rank": 3},
}
LORAS = [name for name in MERGEABLE if name.startswith(("lora", "fact"))]


def trained(case) -> samfit.AdaptedSam:
    """A model all of whose trained parameters have moved, and that is the same each time."""
    name = case if case in samfit.adapter_names() else case.partition("_")[0]
    model = shaken(name, **MERGEABLE[case])
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in model.trainable().values():
            parameter += 0.02 * torch.randn_like(parameter)
    return model


@torch.no_grad()
def attached_masks(case):
    return trained(case)(*BATCH)


@torch.no_grad()
def masks_of_plain_sam(sam: Sam):
    """What Meta's own ``forward`` gives."""
    assert type(sam) is Sam and type(sam).__module__.startswith("segment_anything")
    (image,), (boxes,) = BATCH
    request = {"image": image, "original_size": image.shape[-2:], "boxes": boxes}
    return sam.eval()([request], multimask_output=False)[0]["low_res_logits"]


@torch.no_grad()
def masks_of_hugging_face(model):
    images, boxes = BATCH
    pixels = small_sam().preprocess(images)
    found = model.eval()(pixel_values=pixels, input_boxes=boxes, multimask_output=False)
    return found.pred_masks.flatten(0, 1)


@pytest.fixture
def transformers():
    return pytest.importorskip("transformers", reason="pip install samfit[hf]")


@pytest.mark.parametrize("case", MERGEABLE)
def test_a_merged_model_is_plain_sam_with_the_same_masks(case):
    before = attached_masks(case)
    stock = masks_of_plain_sam(small_sam())
    assert (before - stock).abs().max() > 1e-2
    merged = plain_sam(trained(case))
    fresh = samfit.build_sam("vit_tiny", merged.image_encoder.img_size)
    fresh.load_state_dict(merged.state_dict())
    torch.testing.assert_close(masks_of_plain_sam(fresh), before, **CLOSE)


@pytest.mark.parametrize("case", ["lora", "full", "cobot_lora"])
def test_hugging_face_reads_the_same_model(case, transformers, tmp_path):
    write_hugging_face(plain_sam(trained(case)), tmp_path)
    model, report = transformers.SamModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    torch.testing.assert_close(masks_of_hugging_face(model), attached_masks(case), **CLOSE)


def test_hugging_faces_processor_prepares_images_as_sam_does(transformers, tmp_path):
    sam = small_sam()
    write_hugging_face(sam, tmp_path)
    processor = transformers.SamProcessor.from_pretrained(tmp_path)
    side = sam.image_encoder.img_size
    image = torch.randint(0, 256, (side // 2, side, 3), dtype=torch.uint8)
    boxes = [[[1.0, 2.0, 30.0, 40.0]]]
    found = processor(image.numpy(), input_boxes=boxes, return_tensors="pt")
    expected = sam.preprocess(image.permute(2, 0, 1)[None].float())
    torch.testing.assert_close(found["pixel_values"], expected, rtol=0, atol=1e-4)
    assert found["input_boxes"].flatten().tolist() == boxes[0][0]


def test_what_hugging_face_saves_comes_back(transformers, tmp_path):
    write_hugging_face(small_sam(), tmp_path / "ours")
    transformers.SamModel.from_pretrained(tmp_path / "ours").save_pretrained(tmp_path / "theirs")
    read = samfit.build_sam("vit_tiny", small_sam().image_encoder.img_size, tmp_path / "theirs")
    expected = small_sam().state_dict()
    assert all(torch.equal(t, expected[name]) for name, t in read.state_dict().items())


@pytest.mark.parametrize("case", LORAS)
def test_peft_attaches_the_same_low_rank_updates(case, transformers, tmp_path):
    peft = pytest.importorskip("peft", reason="pip install samfit[hf]")
    config, tensors = in_peft_format(trained(case))
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    save_file(
        {n: t.contiguous() for n, t in tensors.items()}, tmp_path / "adapter_model.safetensors"
    )
    write_hugging_face(small_sam(), tmp_path / "base")
    base = transformers.SamModel.from_pretrained(tmp_path / "base")
    model = peft.PeftModel.from_pretrained(base, tmp_path)
    expected = attached_masks(case)
    torch.testing.assert_close(masks_of_hugging_face(model), expected, **CLOSE)
    merged = model.merge_and_unload()
    torch.testing.assert_close(masks_of_hugging_face(merged), expected, **CLOSE)


def test_a_lora_of_q_and_v_leaves_the_keys_alone():
    _, tensors = in_peft_format(trained("lora"))
    up = tensors["base_model.model.vision_encoder.layers.0.attn.qkv.lora_B.weight"]
    q, k, v = up.chunk(3)
    assert up.shape == (3 * 128, 2 * 2)
    assert not k.any() and not q[:, 2:].any() and not v[:, :2].any()
    assert q[:, :2].all() and v[:, 2:].all()


@pytest.mark.parametrize("write", [plain_sam, in_peft_format])
@pytest.mark.parametrize(
    ("settings", "words"),
    [({"classes": 3}, "each of 3 classes"), ({"decoder": "single_token"}, "one mask token")],
)
def test_a_decoder_that_sam_has_not_stays(write, settings, words):
    with user_error(words, "samfit segment"):
        write(adapted("lora", **settings))


def test_methods_that_cannot_leave_say_so():
    with user_error("CAD", "cannot be merged", "keep it attached"):
        plain_sam(adapted("cad"))
    with user_error("BitFit", "PEFT"):
        in_peft_format(adapted("bitfit"))
