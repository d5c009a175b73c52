import pytest

from samfit.harness.memory.exhausted import SIGNS, is_out_of_memory


@pytest.mark.parametrize("sign", SIGNS)
def test_libraries_that_run_out_of_memory_are_understood(sign):
    assert is_out_of_memory(RuntimeError(f"{sign} when calling `cublasCreate(handle)`"))


def test_other_errors_are_others():
    assert not is_out_of_memory(RuntimeError("shapes differ"))
