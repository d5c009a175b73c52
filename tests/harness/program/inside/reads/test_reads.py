"""Every line of the policy, and how reads are listed."""

import io
import os
import threading

import pytest
import torch

from samfit.harness.device.cards import find_card
from samfit.harness.program.inside.reads import reads as module
from samfit.harness.program.inside.reads.reads import COPIED, Reads
from samfit.harness.standin.library import card_variables


def installed(policy="usual", stuck=print):
    """Reads of this process, which stands on the stand-in; and a tensor that nobody knows."""
    os.environ.update(card_variables(find_card("RTX 3090")))
    reads = Reads(policy, stuck=stuck)
    reads.install()
    return reads, torch.rand(2, 3).cuda() * 2


def goes_on():
    """Whether a program goes on after each test that would end it if it were answered wrongly."""
    _, x = installed()
    done = []
    assert x.max() <= 3
    assert x.min() > 0 and not (x > 3).any()
    assert not torch.isnan(x).any(), x.item()
    assert x.sum().item() == 4
    assert 5 < x.sum().item() <= 6
    assert float(x.sum()) != 1
    assert all(each.item() for each in x[0] > 1)
    assert bool(torch.equal(x, x + 1))
    if torch.isnan(x).any():
        raise ValueError
    if not torch.isfinite(x).all():
        print("not finite")
        raise SystemExit(1)
    if x.sum().item() > 0:
        os._exit(1)
    done.append("if")
    for each in x:
        if each.sum() < 1:
            break
        if not each.all():
            continue
        done.append("for")
    while x.sum().item() > 0.5:
        done.append("while")
    while True:
        if (x < 1).all():
            break
    if x.sum() > 3:
        done.append("taken")
    else:
        raise ValueError
    torch.nn.utils.clip_grad_norm_([torch.nn.Parameter(x)], 1.0, error_if_nonfinite=True)
    torch.distributions.Categorical(x)
    return done


def test_a_program_goes_on(stage):
    assert stage.run(goes_on) == ["if", "for", "for", "taken"]


def likely():
    """What is said where nothing depends on it."""
    _, x = installed()
    bad = torch.isnan(x).any()
    good = ~torch.isinf(x)
    truths = {
        "isnan": bool(torch.isnan(x[0, 0])),
        "bad": bool(bad),
        "good": bool(good.all()),
        "isfinite": bool(x.isfinite().all()),
        "any": bool((x > 1).any()),
        "all": bool((x > 1).all()),
        "equal": torch.equal(x, x + 1),
        "allclose": torch.allclose(x, x + 1),
        "both": bool(torch.logical_and(x.isfinite(), ~x.isnan()).all()),
        "none": bool((torch.isnan(x).sum() == 0) and not torch.isnan(x).sum() > 0),
        "other": bool(x[0, 0] > 1),
    }
    values, indices = x.max(1)
    overflow_gpu = x.byte()[0]
    numbers = {
        "argmax": x.argmax().item(),
        "indices": indices[0].item(),
        "bad": torch.isnan(x).sum().item(),
        "overflow": overflow_gpu[0].item(),
        "count": (x > 1).sum().item(),
        "value": values[0].item(),
        "complex": abs((x[0, 0] * 1j).item()),
        "half": x[0, 0].half().item(),
    }
    several = [x.tolist(), (x > 1).tolist(), x.argmax(1).tolist(), x[:1, :1].tolist()]
    return truths, numbers, several


def test_values_are_as_they_are_where_all_is_well(stage):
    truths, numbers, several = stage.run(likely)
    false = {"isnan", "bad", "any", "other"}
    assert truths == {name: name not in false for name in truths}
    zero = {"argmax", "indices", "bad", "overflow"}
    assert numbers == {name: name not in zero for name in numbers}
    assert several == [[[0.0] * 3] * 2, [[True] * 3] * 2, [0, 0], [[1.0]]]


def sizes(policy):
    """How large results are that depend on what is on the card."""
    _, x = installed(policy)
    i = x.long()
    pairs = torch.stack([i.reshape(-1), i.reshape(-1)])
    known = torch.tensor([3, 1, 3, 3, 0]).cuda()
    repeated = torch.ones(2, 3).repeat_interleave(torch.tensor([2, 0, 1]).cuda().cpu(), 1)
    unknown = {
        "nonzero": x.nonzero(),
        "indexed": x[x > 1],
        "selected": x.masked_select(x > 1),
        "where": torch.where(x > 1)[0],
        "unique": x.unique(),
        "rows": x.unique(dim=0),
        "consecutive": i.unique_consecutive(),
        "columns": i.unique_consecutive(dim=1).t(),
        "truths": (x > 1).unique(),
        "sparse": torch.sparse_coo_tensor(pairs, x.reshape(-1), (9, 9)).coalesce().values(),
        "repeated": x[0].repeat_interleave(i[0]),
    }
    exact = {
        "nonzero": known.nonzero(),
        "indexed": known[known > 1],
        "unique": known.unique(),
        "consecutive": known.unique_consecutive(),
        "truths": (known > 7).unique(),
        "repeated": known.repeat_interleave(known),
        "classes": torch.nn.functional.one_hot(known).t(),
        "on the host": repeated.t(),
        "end": known[: known[1]],
        "unknown end": known[1 : i[0, 0]],
    }
    return [{name: len(each) for name, each in found.items()} for found in (unknown, exact)]


def test_sizes_are_the_most_there_can_be_or_known(stage):
    unknown, exact = stage.run(sizes, "usual")
    assert unknown == {
        **{"nonzero": 6, "indexed": 6, "selected": 6, "where": 6, "unique": 6, "rows": 2},
        **{"consecutive": 6, "columns": 3, "truths": 2, "sparse": 6, "repeated": 3},
    }
    assert exact == {
        **{"nonzero": 4, "indexed": 3, "unique": 3, "consecutive": 4, "truths": 1},
        **{"repeated": 10, "classes": 4, "on the host": 3, "end": 1, "unknown end": 4},
    }


def overruled(policy):
    """Reads of all kinds, with a policy that overrules the usual."""
    _, x = installed(policy)
    counts = [len(x.nonzero()), len(x.unique()), len((x > 1).unique())]
    return [x.sum().item(), bool(torch.isnan(x).any()), x.tolist(), (x > 1).tolist(), *counts]


def test_zeros_and_ones_overrule_the_usual(stage):
    assert stage.run(overruled, "zeros") == [0, False, [[0] * 3] * 2, [[False] * 3] * 2, 0, 1, 1]
    assert stage.run(overruled, "ones") == [1, True, [[1] * 3] * 2, [[True] * 3] * 2, 6, 1, 1]


def scaled():
    """The steps that an optimizer takes of three, with a GradScaler; and the loss's value."""
    reads, x = installed()
    model = torch.nn.Linear(3, 1).cuda()
    optimizer = torch.optim.AdamW(model.parameters())
    taken = []
    optimizer.register_step_post_hook(lambda *_: taken.append(1))
    scaler = torch.amp.GradScaler("cuda")
    for _ in range(3):
        with torch.autocast("cuda", torch.float16):
            loss = model(x).mean()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
    return len(taken), [read.told for read in reads.found if read.told.startswith("0")]


def test_gradients_never_overflow(stage):
    assert stage.run(scaled) == [3, ["0.0"]]


def listed():
    """What is listed of a few reads."""
    reads, x = installed()
    labels = torch.tensor([1, 2]).cuda()
    for _ in range(3):
        x.sum().item()
    labels.tolist()
    x[x > 1]
    with reads.quietly():
        torch.save(x, io.BytesIO())
        x.sum().item()
    thread = threading.Thread(target=x.cpu)
    thread.start()
    thread.join()
    x.requires_grad_().register_hook(lambda gradient: print(gradient.norm().item()))
    x.sum().backward()
    unknown = reads.last_unknown
    found = [(each.function, each.what, each.told, each.known, each.times) for each in reads.found]
    lines = [each.line - reads.found[0].line for each in reads.found if each.function == "listed"]
    return found, lines, reads.found[0].file, unknown == reads.found[-1]


def test_reads_are_listed_with_their_place(stage):
    found, lines, file, last = stage.run(listed)
    assert found == [
        ["listed", "item() of a float32", "1.0", False, 3],
        ["listed", "copy to the host of int64 (2,)", COPIED, True, 1],
        ["listed", "count of nonzero of bool (2, 3)", "all 6", False, 1],
        ["", "copy to the host of float32 (2, 3)", "zeros", False, 1],
        ["<lambda>", "item() of a float32", "1.0", False, 1],
    ]
    assert lines == [0, 1, 2]
    assert file == __file__
    assert last


def waiting(how):
    """What is said of a loop that reads the same again and again, if it is ``stuck``."""
    said = []
    reads, x = installed(stuck=said.append)
    flag, ready, count = x.sum(), 5, 0
    if how == "parameters":
        for _ in range(3 * module.WAITS_AFTER):
            count += flag.item() == ready
        return said
    while count < 3 * module.WAITS_AFTER and not said:
        count += 1
        value = flag.item()
        if value == ready:
            break
        if how == "goes on" and not count % 100:
            reads.went_on()
    return said


@pytest.mark.parametrize("how", ["goes on", "parameters"])
def test_a_loop_that_does_something_or_ends_is_not_stuck(stage, how):
    assert stage.run(waiting, how) == []


def test_a_program_that_waits_for_the_card_is_stuck(stage):
    (said,) = stage.run(waiting, "nothing")
    assert said.startswith(f"{__file__}:")
    assert "waits for a value that the card never has" in said
