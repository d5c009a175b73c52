"""PEFT's methods by name: found cheaply, and refused in words where a SAM cannot have them."""

import subprocess
import sys

import pytest
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from small_sam import adapted
from user_error import user_error

import samfit
from samfit.adapters.core import peft_names as names
from samfit.adapters.core.registry import adapter_class, canonical_settings, peft_names
from samfit.errors import Remark, UnsupportedError
from samfit.harness.predict import catalogue
from samfit.harness.run.profiles import load_profile

WITHOUT_IMPORTS = """
import sys
from samfit.adapters.core.registry import check_adapter_name, peft_names
assert peft_names()
check_adapter_name("peft_lora")
assert not {"peft", "torch", "transformers"} & sys.modules.keys()
"""


def test_names_are_listed_without_importing_peft_or_torch():
    subprocess.run([sys.executable, "-c", WITHOUT_IMPORTS], check=True)


def test_every_method_of_peft_is_one_of_ours_or_refused_in_words():
    """None is forgotten: PEFT itself says which there are."""
    known = {f"peft_{kind.value.lower()}" for kind in PEFT_TYPE_TO_CONFIG_MAPPING}
    variants = {f"peft_{name}" for name in names.LORA_VARIANTS}
    assert set(peft_names()) - variants <= known
    for name in known - set(peft_names()):
        with pytest.raises(UnsupportedError, match="cannot be attached to a SAM: it "):
            adapter_class(name)


@pytest.mark.parametrize("name", ["prompt_tuning", "xlora", "adaption_prompt", "trainable_tokens"])
def test_what_is_for_other_models_is_refused(name):
    with pytest.raises(UnsupportedError) as caught:
        adapted(f"peft_{name}")
    assert f"PEFT's {name} cannot be attached to a SAM: it" in str(caught.value)


def test_a_misspelt_method_suggests_the_nearest():
    with user_error("'peft_loar'", "'peft_lora'"):
        adapter_class("peft_loar")


def test_without_peft_a_method_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(names, "_folders", dict)
    assert peft_names() == []
    with user_error("peft_lora", "pip install 'samfit[hf]'"):
        adapter_class("peft_lora")
    with user_error("pip install 'samfit[hf]'"):
        samfit.catalogue(peft=True)
    with user_error("pip install 'samfit[hf]'"):
        load_profile("peft")({"gpu": None})


def test_settings_are_named_and_typed_as_by_peft():
    given = {"r": "4", "lora_alpha": "16", "target_modules": "qkv,lin2", "use_rslora": "true"}
    assert canonical_settings("peft_lora", given) == {
        "r": 4, "lora_alpha": 16, "target_modules": ["qkv", "lin2"], "use_rslora": True,
    }  # fmt: skip
    assert canonical_settings("peft_oft", {"r": 0}) == {}  # PEFT's own default


@pytest.mark.parametrize(
    ("name", "setting", "words"),
    [
        ("lora", {"lora_alhpa": 4}, "did you mean 'lora_alpha'?"),
        ("lora", {"r": "four"}, "whole number"),
        ("lora", {"target_modules": "query"}, "'qkv', 'proj', 'lin1', 'lin2', 'norm1' or 'norm2'"),
        ("lora", {"task_type": "x"}, "no setting"),
        ("dora", {"use_dora": False}, "no setting 'use_dora'"),
        ("adalora", {"total_step": 3}, "no setting"),
        ("lora", {"init_lora_weights": "eva"}, "init_lora_weights"),
        ("lora", {"r": 0}, "PEFT Lora: `r` should be a positive integer"),
        ("lora", {"target_modules": "norm1"}, "PEFT Lora: Target module LayerNorm"),
        ("c3a", {}, "PEFT C3A: The block size should be a factor of the input size"),
    ],
)
def test_settings_that_cannot_be_are_refused(name, setting, words):
    with user_error(words):
        adapted(f"peft_{name}", **setting)


def test_what_peft_adjusts_is_remarked():
    with pytest.warns(Remark, match="PEFT OFT: .*Adjusted"):
        adapted("peft_oft", oft_block_size=33)


def test_the_catalogue_lists_them(monkeypatch):
    monkeypatch.setattr(catalogue, "all_peft_names", lambda: ["peft_lora", "peft_lily"])
    lora, lily = samfit.catalogue(peft=True)
    assert lora["params"]["vit_b"]["adapter"] == 12 * 8 * (768 + 3 * 768)
    assert lora["starts_as_identity"] and lora["mergeable"] and lora["title"] == "PEFT Lora"
    assert not lily["mergeable"]
