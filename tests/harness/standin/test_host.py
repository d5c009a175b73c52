"""Memory of the host that a card can read: pinned, registered, managed."""


def test_pinned_memory_is_known_as_such(card, run_on):
    program = """
import torch
from torch.utils.data import DataLoader
plain = torch.ones(3)
told = [plain.is_pinned(), plain.pin_memory().is_pinned(),
        *(batch.is_pinned() for batch in DataLoader(torch.ones(4, 2), 2, pin_memory=True))]
torch.cuda.cudart().cudaHostRegister(plain.data_ptr(), 12, 0)
told.append(plain.is_pinned())
torch.cuda.cudart().cudaHostUnregister(plain.data_ptr())
told.append(plain.is_pinned())
"""
    assert run_on(card(), program)[0] == [False, True, True, True, True, False]


def test_managed_memory_is_the_hosts(card, run_on):
    """As optimizers that page out their state use it: more than the card has, and readable."""
    program = """
import ctypes
import torch
from samfit.harness.standin.process import bytes_in_use
library = ctypes.CDLL(None)
torch.cuda.init()
found = ctypes.c_void_p()
told = [library.cudaMallocManaged(ctypes.byref(found), ctypes.c_size_t(5 << 30), 1)]
ctypes.memset(found, 7, 10)
told += [ctypes.string_at(found, 11).hex(), library.cudaFree(found), library.cudaFree(found)]
told.append(bytes_in_use())
"""
    assert run_on(card(), program)[0] == [0, "07" * 10 + "00", 0, 1, [0, 0]]
