"""Names of modules."""

import copy
import gc
import weakref

import pytest
from torch import nn

from samfit.harness.program.inside import modules


@pytest.fixture
def names(monkeypatch):
    """Names whose hook goes with the test."""
    handles = []
    register = modules.register_module_module_registration_hook
    monkeypatch.setattr(
        modules,
        "register_module_module_registration_hook",
        lambda hook: handles.append(register(hook)),
    )
    yield modules.Names()
    for handle in handles:
        handle.remove()


def test_a_module_is_named_as_it_is_reached_from_the_model_that_holds_it(names):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(2, 2), nn.ReLU())

    model = Model()
    assert names.name(model.encoder[1]) == "encoder.1"
    assert names.name(model) == "(Model)"


def test_one_that_takes_the_place_of_another_holds_it(names):
    class LoRA(nn.Module):
        def __init__(self, base):
            super().__init__()
            self.base = base

    model = nn.ModuleDict({"qkv": nn.Linear(2, 2)})
    model["qkv"] = LoRA(model["qkv"])
    assert names.name(model["qkv"].base) == "qkv.base"


def test_copies_are_learnt_from_their_root(names):
    model = copy.deepcopy(nn.Sequential(nn.Sequential(nn.ReLU())))
    assert names.name(model[0][0]) == "(ReLU)"
    names.learn(model)
    assert names.name(model[0][0]) == "0.0"


def test_no_module_is_kept_alive(names):
    model = nn.Sequential(nn.ReLU())
    inner, gone = model[0], weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    assert names.name(inner) == "0"


def test_what_holds_itself_has_a_name(names):
    one, other = nn.Sequential(), nn.Sequential()
    one.add_module("other", other)
    other.add_module("one", one)
    assert names.name(one).endswith("other.one")
    assert names.top(one) in (one, other)


def test_the_top_is_the_model_that_holds_all(names):
    model = nn.Sequential(nn.Sequential(nn.ReLU()))
    assert names.top(model[0][0]) is model
    assert names.top(model) is model
