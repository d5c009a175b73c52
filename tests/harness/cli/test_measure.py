import json

import pytest


@pytest.mark.parametrize("command", ["predict", "measure"])
def test_a_checkpoint_that_cannot_be_used_gives_an_error_and_no_record(
    command, samfit, workers_here, tmp_path
):
    broken = tmp_path / "sam.safetensors"
    broken.write_bytes(b"no weights")
    options = ["--backbone", "vit_tiny", "--checkpoint", broken, "--json"]
    code, out, err = samfit(command, "lora", *options)
    assert (code, out) == (1, "")
    assert str(broken) in err
    assert len(err.strip().splitlines()) == 1


def test_running_out_of_memory_is_a_record_and_an_error(samfit, workers_here, monkeypatch):
    from samfit.harness.measure import measure as room

    def exhausted(*_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(room, "warm_up", exhausted)
    arguments = ["measure", "cad", "--backbone", "vit_tiny", "--device", "cpu", "--json"]
    code, out, err = samfit(*arguments)
    assert code == 1
    assert json.loads(out)["status"] == "oom"
    assert "out of memory" in err
