"""What comes from a card: what was copied there and not written since, else zero or an answer."""

KNOWN = """
import torch
from samfit.harness.standin.process import on_read
read = []
on_read(read.append)
there = torch.arange(4.0).cuda()
told = [there.tolist(), there[2].item(), there.cpu()[1:].tolist()]
large = torch.ones(1 << 20).cuda()  # more than is kept
told += [list(read), there[3].item(), large[0].item()]
copied = torch.empty(4, device="cuda").copy_(there)
told += [copied.tolist(), read.pop()]
there.add_(1)
told += [there.tolist(), copied.tolist(), list(read)]
many = [torch.full((1000,), float(i)).cuda() for i in range(2000)]
told += [many[-1][0].item(), many[0][0].item(), read[2:]]
"""


def test_what_was_copied_is_known_until_a_kernel_runs(card, run_on):
    numbers, zeros = [0.0, 1.0, 2.0, 3.0], [0.0] * 4
    known, after = [numbers, 2.0, numbers[1:], [], 3.0, 0.0, numbers, 4], [zeros, zeros, [16, 16]]
    assert run_on(card(), KNOWN)[0] == [*known, *after, 1999.0, 0.0, [4]]


ANSWERED = """
import threading, torch
from samfit.harness.standin.process import answering, on_read
x = torch.ones(3, 4, device="cuda")
wide = torch.ones(3, 8, device="cuda")[:, :4]
read, other = [], []
on_read(read.append)
with answering(5):
    told = [list(x.nonzero().shape), x.sum().long().item(), x.tolist()[0]]
    thread = threading.Thread(target=lambda: other.append(x.sum().long().item()))
    thread.start()
    thread.join()
told += [other, x.sum().long().item(), list(read)]
with answering(2**63 + 1):
    told.append(x.sum().long().item())
on_read(None)
x.tolist()
told.append(len(read))
"""


def test_an_answer_is_that_of_one_thread_and_of_small_reads(card, run_on):
    shape, answered, row, other, after, reads, large, count = run_on(card(), ANSWERED)[0]
    assert (shape, answered, row) == ([5, 2], 5, [0.0] * 4)
    assert (other, after) == ([0], 0)
    assert reads[-4:] == [8, 48, 8, 8]
    assert large == 1 - 2**63
    assert count == len(reads) + 1


def test_strided_reads_are_told_once(card, run_on):
    program = """
import torch
from samfit.harness.standin.process import on_read
told = []
on_read(told.append)
cudart = torch.cuda.cudart()
import ctypes
library = ctypes.CDLL(None)
there = torch.ones(64, device="cuda")
here = torch.full((4, 4), 7.0)
library.cudaMemcpy2DAsync.argtypes = [ctypes.c_void_p, ctypes.c_size_t] * 2 + [
    ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p]
library.cudaMemcpy2DAsync(here.data_ptr(), 16, there.data_ptr(), 32, 8, 4, 2, None)
told.append(here.tolist())
"""
    assert run_on(card(), program)[0] == [32, [[0.0, 0.0, 7.0, 7.0]] * 4]


def test_a_callback_is_no_hindrance_at_the_end(card, run_on):
    """Nor in threads of PyTorch's own, as that of backward."""
    program = """
import torch
from samfit.harness.standin.process import on_read
told = []
on_read(told.append)
x = torch.ones(3, device="cuda", requires_grad=True)
y = x * 2
y.register_hook(lambda gradient: print(gradient.sum().item() * 0))
y.sum().backward()
"""
    assert run_on(card(), program)[0] == [4]
