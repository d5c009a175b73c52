"""Programs that people write, run as they are: what is said of them is what PyTorch counted."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from samfit import Cell, predict
from samfit.harness.device.cards import unnamed_card
from samfit.harness.standin.library import environment

PROGRAMS = Path(__file__).parents[2] / "programs"
RUN = [sys.executable, "-c", "from samfit.harness.cli.main import command; command()", "run"]
MEMORY = "80GiB"

# Runs a program on the stand-in, not watched, and prints what PyTorch counted on each card.
ALONE = """
import json, os, runpy, sys
sys.argv.pop(0)
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
import torch
cards = range(torch.cuda.device_count())
counted = [(torch.cuda.max_memory_allocated(i), torch.cuda.max_memory_reserved(i)) for i in cards]
print(json.dumps(counted), flush=True)
os._exit(0)
"""
HUGGING_FACE = "--output_dir out --report_to none --per_device_train_batch_size 1 --images 4 --fp16"

# Each with its libraries, the cards that it wants, and its optimizer steps.
PROGRAMS_OF_ONE_PROCESS = [
    ("train_lora.py --images 4", "", 1, 2),
    ("train_lightning.py --images 4", "lightning", 1, 2),
    ("train_fabric.py --images 4", "lightning", 1, 2),
    (f"train_hf_trainer.py --max_steps 2 {HUGGING_FACE}", "transformers peft accelerate", 1, 2),
    ("train_sam2.py --images 4", "transformers", 1, 2),
    ("train_sam2.py --images 4 --full", "transformers", 1, 2),
    ("train_validate.py --images 2", "", 1, 4),
    ("train_data_parallel.py --images 8", "", 2, 2),
    ("train_checkpointing.py --images 4 --accumulate 2", "", 1, 2),
    ("train_graphed.py --steps 2", "", 1, 6),
    ("train_8bit.py --images 2", "bitsandbytes", 1, 2),
    ("train_8bit.py --images 2 --optimizer paged", "bitsandbytes", 1, 2),
    ("train_refiner.py --images 2", "", 1, 2),
    ("train_box_prompts.py --make 2", "", 1, 2),
    ("train_box_prompts.py --make 2 -use_amp -num_workers 1", "", 1, 2),
    ("train_accelerate.py --images 4", "accelerate transformers", 1, 2),
]
TORCHRUN = "-m torch.distributed.run --standalone --nproc-per-node"


def watched(folder: Path, command: str, gpus: int = 1, *options: str) -> dict:
    """The report of ``samfit run`` on a program of this folder, which it saw to its end."""
    words = [str(PROGRAMS / word) if word.endswith(".py") else word for word in command.split()]
    started = [*RUN, f"--memory={MEMORY}", f"--gpus={gpus}", "--json", *options]
    ran = subprocess.run(
        [*started, "--", sys.executable, *words], cwd=folder, capture_output=True, text=True
    )
    assert ran.stdout, ran.stderr[-3000:]
    report = json.loads(ran.stdout)
    assert report["verdict"] == "fits", f"{report['message']}\n{ran.stderr[-3000:]}"
    assert ran.returncode == 0
    return report


def alone(folder: Path, command: str, gpus: int) -> list[list[int]]:
    """Peaks, allocated and reserved, that PyTorch counts on each card where nobody watches."""
    script, *words = command.split()
    ran = subprocess.run(
        [sys.executable, "-c", ALONE, str(PROGRAMS / script), *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **environment(unnamed_card(MEMORY), gpus)},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.splitlines()[-1])


def peaks(report: dict) -> list[list[int]]:
    """Allocated and reserved, of each process and card."""
    return [[c["peak"]["allocated_bytes"], c["peak"]["reserved_bytes"]] for c in report["cards"]]


def needs(libraries: str) -> None:
    """Skip the test where one of these is not installed."""
    for name in libraries.split():
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")


@pytest.mark.parametrize(
    ("command", "libraries", "gpus", "steps"),
    [
        pytest.param(*row, marks=[pytest.mark.slow] if index else [], id=row[0].partition(" --")[0])
        for index, row in enumerate(PROGRAMS_OF_ONE_PROCESS)
    ],
)
def test_watching_changes_no_byte(command, libraries, gpus, steps, tmp_path):
    needs(libraries)
    report = watched(tmp_path, command, gpus, "--steps", "0")
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    assert peaks(report) == alone(tmp_path, command, gpus)
    assert {card["steps"] for card in report["cards"]} == {steps}


@pytest.mark.slow
def test_lora_by_hand_takes_what_samfits_own_takes_but_for_the_images_that_the_loop_holds(tmp_path):
    (card,) = watched(tmp_path, "train_lora.py --images 6")["cards"]
    own = predict(Cell(adapter="lora", backbone="vit_b", batch_size=2)).memory
    assert own and own.breakdown_bytes
    hand, ours = card["breakdown_bytes"], own.breakdown_bytes
    more = {name: hand[name] - ours.get(name, 0) for name in hand}

    images = 2 * 3 * 1024 * 1024 * 4
    weights = more.pop("weights_frozen") + more.pop("weights_trainable")  # it freezes a head more
    kernels = more.pop("temporaries") + more.pop("library_workspace")  # told apart by a rehearsal
    rounding = more.pop("allocator_rounding")
    assert (weights, more.pop("inputs"), kernels) == (0, images, -512)
    assert more.pop("saved_activations") == 512
    assert set(more.values()) == {0}
    assert card["peak"]["allocated_bytes"] - own.peak_allocated_bytes == images + rounding


@pytest.mark.slow
@pytest.mark.parametrize(
    "cell",
    [
        Cell(adapter="lora", backbone="vit_b", batch_size=2),
        Cell(adapter="cad", backbone="vit_b", attention="sdpa"),
        Cell(adapter="full", backbone="vit_b", precision="fp16"),
        Cell(adapter="decoder", backbone="vit_l"),
        Cell(adapter="lora", backbone="vit_b", batch_size=4, checkpointing=True, precision="bf16"),
    ],
    ids=lambda cell: cell.key,
)
def test_samfits_own_step_takes_in_a_program_what_is_predicted_for_it(cell, tmp_path):
    """Both stand on the same library; but one is watched, and the other rehearsed."""
    words = json.dumps(cell.to_json(), separators=(",", ":"))
    (card,) = watched(tmp_path, f"step_of_cell.py {words}")["cards"]
    own = predict(cell).memory
    assert own
    found = card["peak"]["allocated_bytes"], card["peak"]["reserved_bytes"]
    assert found == (own.peak_allocated_bytes, own.peak_reserved_bytes)


@pytest.mark.slow
def test_what_is_read_from_the_card_keeps_a_program_going_and_is_listed(tmp_path):
    report = watched(tmp_path, "train_amp.py")
    told = {(Path(r["file"]).name, r["what"]): r["told"] for r in report["reads"] if not r["known"]}
    assert told["train_amp.py", "item() of a bool"] == "True"  # the loss is finite
    assert told["train_amp.py", "item() of a float32"] == "1.0"


@pytest.mark.slow
def test_a_validation_that_forgets_no_grad_is_found(tmp_path):
    report = watched(tmp_path, "train_validate.py --images 2", 1, "--steps", "0")
    (card,) = report["cards"]
    assert card["evaluation_with_graph"]
    assert card["evaluation"]["allocated_bytes"] > card["each_step"][1]["allocated_bytes"]
    assert any("no_grad" in sentence for sentence in report["advice"])
    assert [Path(name).name for name in report["not_written"]] == ["latest.pth"]


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 4])
def test_ddp_keeps_buckets_as_large_as_its_gradients(ranks, tmp_path):
    report = watched(tmp_path, f"{TORCHRUN} {ranks} train_ddp.py --full --images 12", ranks)
    assert [card["rank"] for card in report["cards"]] == list(range(ranks))
    assert len({str(peak) for peak in peaks(report)}) == 1
    parts = report["cards"][0]["breakdown_bytes"]
    assert parts["gradient_buckets"] == pytest.approx(parts["weights_trainable"], rel=0.01)


@pytest.mark.slow
def test_ddp_takes_the_same_however_it_is_started(tmp_path):
    command = "train_ddp.py --images 6"
    spawned = watched(tmp_path, f"{command} --spawn 2", 2)
    assert peaks(spawned) == peaks(watched(tmp_path, f"{TORCHRUN} 2 {command}", 2))


@pytest.mark.slow
def test_fsdp2_gives_each_rank_its_share(tmp_path):
    command = "train_fsdp2.py --accumulate 2"
    (whole,) = watched(tmp_path, f"{TORCHRUN} 1 {command}")["cards"]
    ranks = watched(tmp_path, f"{TORCHRUN} 4 {command}", 4)["cards"]
    assert len(ranks) == 4
    for name in ("weights_trainable", "gradients", "optimizer_state"):
        all_of_it = whole["breakdown_bytes"][name]
        for rank in ranks:
            assert rank["breakdown_bytes"][name] == pytest.approx(all_of_it / 4, rel=0.03), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "libraries"),
    [
        ("train_lightning.py --devices 2 --images 12", "lightning"),
        ("-m accelerate.commands.launch --num_processes 2 train_accelerate.py", "accelerate"),
        (
            f"{TORCHRUN} 2 train_hf_trainer.py --max_steps 3 --images 12 {HUGGING_FACE} "
            "--ddp_find_unused_parameters True",
            "transformers peft accelerate",
        ),
    ],
    ids=["lightning", "accelerate", "transformers"],
)
def test_launchers_of_libraries_start_a_process_a_card(command, libraries, tmp_path):
    needs(libraries)
    report = watched(tmp_path, command, 2)
    assert [card["rank"] for card in report["cards"]] == [0, 1]
    assert all(card["breakdown_bytes"]["gradient_buckets"] for card in report["cards"])


@pytest.mark.slow
def test_a_compiled_model_is_run(tmp_path):
    report = watched(tmp_path, "train_compiled.py --images 3")
    assert report["cards"][0]["steps"] == 3


@pytest.mark.slow
def test_steps_that_warm_up_for_a_graph_are_not_enough(tmp_path):
    """The program takes three before it captures one; the most memory it uses is after that."""
    (card,) = watched(tmp_path, "train_graphed.py --steps 3")["cards"]
    assert card["steps"] == 5
    assert card["peak"]["allocated_bytes"] > 2 * 2**30
