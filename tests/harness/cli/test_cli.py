"""The command line as a user meets it; test_mistakes.py has what it says of mistakes."""

import itertools
import json
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest
from synthetic_records import predicted, stored

from samfit import Cell, Store
from samfit.harness.measure import measure
from samfit.harness.report.agreement.agreement import PREDICTION_LIMITS
from samfit.harness.run import trace_validation, validation
from samfit.harness.run.validation import validation_tasks

CONTRACT = {
    "cell", "status", "source", "params", "memory", "timing", "compute", "environment",
}  # fmt: skip


def test_predict_json_keeps_the_contract(answer):
    record = answer("predict", "cad", "--backbone", "vit_tiny", "--batch-size", 4)
    assert record.keys() >= CONTRACT
    assert (record["status"], record["source"]) == ("ok", "predicted")
    assert record["params"].keys() >= {"trainable", "adapter", "total"}
    memory = record["memory"]
    assert memory["peak_reserved_bytes"] >= memory["peak_allocated_bytes"]
    assert sum(memory["breakdown_bytes"].values()) == memory["peak_allocated_bytes"]
    assert memory["peak_phase"] in {"forward", "backward", "optimizer"}
    assert record["timing"]["step_ms"] is record["timing"]["images_per_second"] is None
    assert record["compute"]["flops_per_image"] > 0
    assert "training step" in record["traced"]
    assert record["environment"]["packages"]["torch"]
    assert Cell.from_json(record["cell"]).batch_size == 4


def test_measure_json_keeps_the_contract(answer, workers_here):
    record = answer("measure", "lora", "--backbone", "vit_tiny", "--device", "cpu")
    assert record["source"] == "measured-cpu"
    assert record["timing"]["step_ms"].keys() == {"median", "p10", "p90", "n"}
    assert record["timing"]["images_per_second"] > 0


def test_running_out_of_memory_is_a_record_and_an_error(samfit, workers_here, monkeypatch):
    def exhausted(*_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(measure, "warm_up", exhausted)
    options = ("--backbone", "vit_tiny", "--device", "cpu", "--json")
    code, out, err = samfit("measure", "cad", *options)
    assert code == 1
    assert json.loads(out)["status"] == "oom"
    assert "out of memory" in err


def test_predict_is_readable(said):
    out = said("predict", "cad", "--backbone", "vit_tiny")
    assert "parallel: no gradients through the image encoder" in out
    assert "MiB" in out


def test_list_says_what_trains_what_merges_and_which_levers_there_are(said, answer):
    entries, table = {entry["name"]: entry for entry in answer("list")}, said("list")
    assert all(name in table for name in entries)
    assert entries["cad"]["params"]["vit_b"]["adapter"] == 1_773_568
    assert entries["decoder"]["params"]["vit_b"]["trainable"] == 4_058_340
    trains = {name: entry["trains"] for name, entry in entries.items()}
    assert trains["decoder"] == ["mask decoder"]
    assert trains["cad"] == ["own parameters", "mask decoder"]
    assert trains["bitfit"] == ["part of image encoder", "mask decoder"]
    assert trains["conv_lora"] == ["own parameters", "part of mask decoder"]
    assert "part of prompt encoder" in trains["sam_adapter"]
    merging = {name for name, entry in entries.items() if entry["mergeable"]}
    assert merging == {"decoder", "full", "bitfit", "ssf", "lora", "cobot_lora", "fact"}
    for name, entry in entries.items():
        assert entry["levers"][:2] == ["attention", "checkpointing"], name
        assert ("encoder-micro-batch" in entry["levers"]) == (not entry["serial"]), name


def test_list_takes_any_backbone_and_says_what_does_not_work_there(answer):
    found = answer("list", "--backbone", "sam2.1_hiera_tiny")
    entries = {entry["name"]: entry for entry in found}
    # 4 (D + D') for A and B of q and of v, in stages of 1, 2, 7 and 2 blocks.
    widths = [96, 96, 192, 192, *[384] * 7, 768, 768]
    expected = 2 * 4 * sum(d + wider for d, wider in itertools.pairwise(widths))
    assert entries["lora"]["params"]["sam2.1_hiera_tiny"]["adapter"] == expected
    assert entries["sam_adapter"]["params"] == {}
    assert "one grid" in entries["sam_adapter"]["unsupported"]["sam2.1_hiera_tiny"]
    assert "cache-embeddings" not in entries["cad"]["levers"]


def test_sweep_and_report(said, answer, workers_here, tmp_path):
    profile, results = tmp_path / "p.json", tmp_path / "out" / "results.jsonl"
    grid = {"adapter": ["cad", "sam_adapter"], "batch_size": [1, 4], "backbone": "vit_tiny"}
    profile.write_text(json.dumps({"predict": [grid]}))
    assert len(answer("sweep", profile, "--output", results)) == 4
    files = answer("report", results)["files"]
    assert {name.rsplit(".", 1)[-1] for name in files} == {"html", "png", "svg", "csv", "md"}
    assert said("report", results)


@cache
def first_two(device):
    """To plan all of them takes a second."""
    return validation_tasks({"gpu": None}, device)[:2]


def two_tasks_of(machine, device, backbone):
    assert backbone is None
    return first_two(device)


@pytest.fixture
def two_tasks(monkeypatch, workers_here):
    """Makes a validation a short one."""
    monkeypatch.setattr(validation, "validation_tasks", two_tasks_of)


def test_validate_compares_and_goes_on_where_it_was(answer, two_tasks, tmp_path):
    folder = tmp_path / "new"
    found = answer("validate", "--device", "cpu", "--output", folder)
    assert (found["cells"], found["worst_allocated_error"]) == (1, 0)
    assert {Path(name).name for name in found["files"]} < {path.name for path in folder.iterdir()}
    stored = (folder / "measured.jsonl").read_bytes()
    assert answer("validate", "--device", "cpu", "--output", folder) == found
    assert (folder / "measured.jsonl").read_bytes() == stored


def test_validate_ends_with_one_when_predictions_are_off(samfit, two_tasks, tmp_path, monkeypatch):
    monkeypatch.setitem(PREDICTION_LIMITS, "worst_allocated_error", -1)
    code, out, err = samfit("validate", "--device", "cpu", "--output", tmp_path)
    assert code == 1
    assert "alloc." in out
    assert "predicted memory is off by more than it should be: worst allocated error" in err


def test_validate_says_so_when_the_time_was_too_short(samfit, workers_here, tmp_path):
    options = ("--device", "cpu", "--minutes", "1e-9", "--output", tmp_path)
    code, out, err = samfit("validate", *options)
    assert (code, out) == (1, "")
    assert "no Cell has both figures: allow more --minutes" in err
    assert not (tmp_path / "measured.md").exists()


def test_validate_compares_traces_with_rehearsals(samfit, workers_here, tmp_path, monkeypatch):
    everything = trace_validation.trace_tasks
    monkeypatch.setattr(trace_validation, "trace_tasks", lambda *given: everything(*given)[:2])
    options = ("--trace", "--backbone", "vit_tiny", "--output", tmp_path, "--json")
    _, out, _ = samfit("validate", *options)
    found = json.loads(out)
    assert found["cells"] == 1
    assert found["limits"]["worst_allocated_error"] == 0.006
    records = Store(tmp_path / "rehearsed.jsonl").load()
    assert {(r.source, r.memory.instrument) for r in records} == {
        ("predicted", "rehearsal"), ("traced", "trace+replay"),
    }  # fmt: skip
    assert json.loads(samfit("validate", *options)[1]) == found
    assert len(Store(tmp_path / "rehearsed.jsonl").load()) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_answer_that_cannot_be_written_is_one_sentence(tmp_path):
    results = stored(tmp_path / "results.jsonl", [predicted()])
    command = [sys.executable, "-c", "from samfit.harness.cli.main import command; command()"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*command, "compare", results, results, "--json"], stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    words = b"samfit: cannot write to standard output: No space left on device."
    assert done.stderr.strip() == words


def children(process):
    return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
@pytest.mark.parametrize("command", ["predict", "measure"])
def test_an_interrupt_ends_quietly(command):
    # What a shell starts in the background ignores interrupts, and so would this process.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from samfit.harness.cli.main import main; main()"
    arguments = [sys.executable, "-c", code, command, "full", "--backbone", "vit_l"]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not children(process):  # it waits for a worker then, which takes seconds to start
        time.sleep(0.1)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode in {1, 130, -signal.SIGINT}
    assert b"Traceback" not in err and b"terminate called" not in err


def test_a_name_neither_breaks_the_line_nor_moves_the_cursor(mistake, tmp_path):
    sentence = mistake("evaluate", tmp_path / "two\nlines \x1b[2J and ü")
    assert "two\\nlines \\x1b[2J and ü" in sentence


def test_help_needs_no_torch():
    code = "import sys; sys.argv = ['samfit', 'predict', '--help']\n"
    code += "from samfit.harness.cli.main import main\n"
    code += "try: main()\nexcept SystemExit: pass\n"
    code += "assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
