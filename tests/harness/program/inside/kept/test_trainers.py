"""Trainers save, rotate their checkpoints and go on to the end; what was there stays as it was."""

import hashlib
import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from samfit import run_program
from samfit.harness.standin.library import unavailable

pytestmark = [
    pytest.mark.slow,  # importing one takes ten seconds
    pytest.mark.skipif(unavailable() is not None, reason=str(unavailable())),
]

HUGGING_FACE = """
from transformers import Trainer, TrainingArguments, ViTConfig, ViTForImageClassification
config = ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=64, image_size=32, patch_size=8, num_labels=3)
data = [{"pixel_values": torch.randn(3, 32, 32), "labels": i % 3} for i in range(12)]
arguments = TrainingArguments(".", save_steps=1, save_total_limit=1, max_steps=3,
    per_device_train_batch_size=2, report_to=[])
trainer = Trainer(ViTForImageClassification(config), arguments, train_dataset=data)
trainer.train()
trainer.save_model()
trainer.save_state()
"""
LIGHTNING = """
import lightning
from lightning.pytorch.callbacks import ModelCheckpoint

class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)

    def training_step(self, batch, index):
        loss = self.layer(batch[0]).sum()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters())

data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(8, 4)), 2)
saves = ModelCheckpoint(".", save_top_k=1, monitor="loss", every_n_train_steps=1, save_last="link")
trainer = lightning.Trainer(max_epochs=2, callbacks=[saves], enable_progress_bar=False)
trainer.fit(Module(), data)
trainer.save_checkpoint("real.pt")
fabric = lightning.Fabric()
fabric.save("real.ckpt", {"model": fabric.setup(torch.nn.Linear(2, 2))})
"""
ACCELERATE = """
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration
accelerator = Accelerator(project_config=ProjectConfiguration(
    ".", automatic_checkpoint_naming=True, total_limit=1))
model = torch.nn.Linear(4, 2)
model, optimizer = accelerator.prepare(model, torch.optim.AdamW(model.parameters()))
accelerator.backward(model(torch.randn(2, 4, device=accelerator.device)).sum())
optimizer.step()
for _ in range(3):
    accelerator.save_state()
accelerator.save_state("checkpoint-1")
accelerator.save_model(model, "checkpoint-2")
"""
PROGRAMS = {"transformers": HUGGING_FACE, "lightning": LIGHTNING, "accelerate": ACCELERATE}
REAL = (
    *(f"checkpoint-{n}/{name}" for n in (1, 2) for name in ("model.safetensors", "optimizer.pt")),
    *("model.safetensors", "epoch=0-step=1.ckpt", "last.ckpt", "real.ckpt", "real.pt"),
    *("checkpoints/checkpoint_0/model.safetensors", "checkpoint-2/trainer_state.json"),
)


@pytest.mark.parametrize("library", PROGRAMS)
def test_trainers_harm_no_weights(tmp_path, library):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    folder = tmp_path / "runs"
    for name in REAL:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        torch.save({"weight": torch.ones(4)}, folder / name)
    program = tmp_path / "train.py"
    start = f"import os, torch\nos.chdir({str(folder)!r})\n"
    program.write_text(start + PROGRAMS[library] + "\nopen('ended.txt', 'w').close()\n")
    before = hashes(folder)

    report = run_program([sys.executable, str(program)], steps=0)

    assert report.verdict == "fits", report.message
    assert (folder / "ended.txt").exists()
    assert before.items() <= hashes(folder).items()
    assert not [path for path in folder.rglob("*.pt") if str(path.relative_to(folder)) not in REAL]
    assert len(report.not_written) > 2
    assert bool(report.not_removed) == (library != "lightning")  # it names its files anew


def hashes(folder: Path) -> dict[Path, str]:
    files = filter(Path.is_file, folder.rglob("*"))
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
