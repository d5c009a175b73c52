from pathlib import Path

import pytest
import torch
from golden_case import golden, relative_error, sam_of
from small_sam import adapted, small_batch
from torch import nn
from torchvision.models import resnet18
from user_error import user_error

from samfit.adapters.sam.decoding import decode_masks, encode_prompts
from samfit.adapters.sam.find import view
from samfit.adapters.sam_lst import ResNetStages, SamLst, SamLstSettings


def our_name(official: str) -> str:
    return official.replace("CNN_encoder", "adapter.resnet").replace("sam.alpha", "adapter.alpha")


@golden("sam_lst_train")
def test_the_whole_model_equals_the_official_one(case):
    sam = sam_of(case.config)
    adapter = SamLst(view(sam), SamLstSettings())
    case.load(nn.ModuleDict({"sam": sam, "adapter": adapter}), our_name)
    images = case.inputs["x"]

    def run():
        embedding = sam.image_encoder(sam.preprocess(images))
        fused = adapter.correct(embedding, images)
        sam.prompt_encoder.float()  # its coordinates are float32 whatever it is given
        prompts = encode_prompts(sam.prompt_encoder, None, len(images))
        sparse, dense = (prompt.to(case.dtype) for prompt in prompts)
        image_pe = sam.prompt_encoder.get_dense_pe().to(case.dtype)
        masks, iou = decode_masks(sam.mask_decoder, fused, image_pe, sparse, dense)
        return {
            "image_embedding": embedding,
            "fused_embedding": fused,
            "low_res_logits": masks,
            "iou_predictions": iou,
        }

    adapter.eval()
    with torch.no_grad():
        evaluated = run()
    case.check_outputs({f"eval.{n}": evaluated[n] for n in ("fused_embedding", "low_res_logits")})
    adapter.train()
    case.check(run())
    buffers = {n: b for n, b in adapter.resnet.named_buffers() if "num_batches" not in n}
    case.check_outputs({f"buffer.CNN_encoder.{name}": b for name, b in buffers.items()})


@pytest.fixture
def resnet_file(tmp_path) -> Path:
    torch.manual_seed(0)
    torch.save(resnet18(weights=None).state_dict(), tmp_path / "resnet18.pth")
    return tmp_path / "resnet18.pth"


def test_torchvisions_weights_load_and_compute_the_same(resnet_file):
    network = resnet18(weights=None)
    network.load_state_dict(torch.load(resnet_file, weights_only=True))
    network.layer4 = network.avgpool = network.fc = nn.Identity()
    adapter = adapted("sam_lst").adapter
    adapter.resnet = ResNetStages(64).eval()
    adapter.load_pretrained(resnet_file)
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = network.eval()(images).view(1, 256, 4, 4)
        assert relative_error(adapter.resnet(images), expected) < 1e-6


def test_weights_of_another_size_are_refused(resnet_file):
    with user_error("ResNet-18", str(resnet_file)):
        adapted("sam_lst").adapter.load_pretrained(resnet_file)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    class RunsCode:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"conv1.weight": RunsCode()}, tmp_path / "evil.pth")
    with user_error("ResNet-18", "evil.pth"):
        adapted("sam_lst").adapter.load_pretrained(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


def test_a_missing_file_is_named(tmp_path):
    with user_error("ResNet-18", "missing.pth"):
        adapted("sam_lst").adapter.load_pretrained(tmp_path / "missing.pth")


def test_half_of_the_embedding_is_replaced_at_first():
    images, _ = small_batch()
    model, base = adapted("sam_lst"), adapted("decoder")
    with torch.no_grad():
        model.adapter.resnet.layer3.register_forward_hook(lambda *_: torch.zeros(2, 64, 8, 8))
        assert relative_error(model.encode(images).image, base.encode(images).image / 2) < 1e-6


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({}, {"output_upscaling"}),
        ({"decoder": "single_token"}, {"output_upscaling"}),
        ({"train_prompt_encoder": True, "train_no_mask_embed": True}, {"output_upscaling"}),
        ({"classes": 3}, {"output_upscaling", "mask_tokens"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_the_official_subset_trains_nothing_else_of_sam(settings, parts):
    trained = adapted("sam_lst", official_subset=True, **settings).trainable()
    of_sam = [name.split(".") for name in trained if name.startswith("sam.")]
    assert {(names[1], names[2]) for names in of_sam} == {("mask_decoder", part) for part in parts}
