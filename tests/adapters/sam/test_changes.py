import torch
from torch import nn

from samfit.adapters.sam.changes import after, before, override


def test_hooks_change_input_and_output_until_removed():
    module, x = nn.Identity(), torch.ones(3)
    handles = [before(module, lambda x: x + 1), after(module, lambda x, y: x + 10 * y)]
    assert torch.equal(module(x), torch.full((3,), 22.0))
    for handle in handles:
        handle.remove()
    assert torch.equal(module(x), x)


def test_an_override_keeps_hooks_and_is_undone_in_reverse():
    module, x = nn.Identity(), torch.ones(3)
    after(module, lambda _, y: y + 100)
    first = override(module, "forward", lambda x: 2 * x)
    second = override(module, "forward", lambda x: 3 * x)
    assert module(x)[0] == 103
    second.remove()
    assert module(x)[0] == 102
    first.remove()
    assert module(x)[0] == 101
    assert "forward" not in vars(module)
