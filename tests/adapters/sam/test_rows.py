import torch

from samfit.adapters.sam.rows import Rows


def test_rows_of_every_group_are_changed_in_place_and_no_other():
    y, change = torch.zeros(2, 12), torch.arange(8.0).expand(2, 8) + 1
    rows = Rows(1, 5, groups=2)
    rows.add(y, change)
    assert rows.height == 8
    assert y[0].tolist() == [0, 1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0]
    weight = torch.zeros(12, 3)
    rows.add(weight.T, torch.ones(8, 3).T)
    assert torch.equal(weight, (y[:1] > 0).T.float().expand(12, 3))


def test_gradients_reach_what_is_added():
    y, change = torch.zeros(2, 6), torch.ones(2, 2, requires_grad=True)
    Rows(2, 4).add(y, change)
    (y * torch.arange(6)).sum().backward()
    assert change.grad.tolist() == [[2, 3], [2, 3]]
