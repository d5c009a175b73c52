"""Pretrain the miniature SAM: ``python -m harness.miniature.pretrain``.

The weights that come with samfit were made by this script; ``pretraining.json`` beside them holds
its recipe, seed, versions and losses. All of vit_tiny is trained with samfit's own training step,
on scenes that are generated as they are needed, each object prompted by its jittered
box, or, if it is alone, by the box of the whole image.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from harness.accuracy.history import History
from harness.accuracy.losses import LOSSES, resize
from harness.accuracy.recipe import Recipe
from harness.accuracy.trainer import Trainer
from harness.cell import Cell
from harness.environment import environment
from harness.miniature.source import SIDE, box_of, draw_scene
from harness.report.picture import write_picture
from harness.report.plots.history import draw_history
from harness.step import Batch, Step, build_model

FOLDER = Path(__file__).parent / "weights"
STEPS, BATCH_SIZE, PROMPTS = 4000, 8, 3
BOX_JITTER = 8  # pixels
WHOLE = 0.5  # share of the scenes with a single object that are prompted with the whole image
HELD_OUT = 64  # scenes on which the weights are scored, from seeds that training never takes

CELL = Cell(
    adapter="full",
    settings={"train_prompt_encoder": True},
    backbone="vit_tiny",
    batch_size=BATCH_SIZE,
    prompts_per_image=PROMPTS,
    attention="sdpa",
    loss="cad",
    device="cpu",
)
RECIPE = Recipe(epochs=1, learning_rate=1.5e-3, weight_decay=0.02, warmup=200, clip_norm=1.0)


class Scenes(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Image (3, S, S) uint8, boxes (P, 4) and masks (P, S, S) uint8 of scene i of ``seed``."""

    def __init__(
        self, seed: int, count: int, prompts: int, jitter: float = 0, whole: float = 0
    ) -> None:
        self.seed, self.count, self.prompts = seed, count, prompts
        self.jitter, self.whole = jitter, whole

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        rng = np.random.default_rng([self.seed, index])
        scene = draw_scene(rng)
        chosen = scene.masks[rng.integers(len(scene.masks), size=self.prompts)]
        boxes = np.stack([box_of(mask, rng, self.jitter) for mask in chosen])
        if len(scene.masks) == 1 and rng.random() < self.whole:
            boxes[:] = 0, 0, SIDE, SIDE
        image = torch.from_numpy(scene.image).permute(2, 0, 1)
        return image.contiguous(), torch.from_numpy(boxes), torch.from_numpy(chosen)


def batches(scenes: Scenes) -> Iterator[Batch]:
    """The scenes in order, as the training step takes them."""
    side = SIDE // LOSSES[CELL.loss].reduction
    for images, boxes, masks in DataLoader(scenes, BATCH_SIZE, num_workers=1):
        targets = torch.nn.functional.adaptive_avg_pool2d(
            masks.flatten(0, 1)[:, None].float(), side
        )
        yield Batch(images, boxes, (targets > 0.5).float())


def pretrain() -> tuple[Step, list[float]]:
    """Train from random weights; the step with its model, and the loss of each step."""
    step: Step | None = None
    losses = []
    scenes = Scenes(CELL.seed, STEPS * BATCH_SIZE, PROMPTS, BOX_JITTER, WHOLE)
    for batch in track(batches(scenes), "pretraining", STEPS):
        if step is None:
            step = Step(CELL, build_model(CELL, torch.device("cpu")), batch)
            trainer = Trainer(step, RECIPE, STEPS)
        losses.append(trainer.take(batch))
    assert step is not None
    return step, losses


@torch.no_grad()
def score(step: Step, scenes: Scenes) -> dict[str, float]:
    """Mean IoU of the masks of ``scenes``, and what one gets by filling the boxes."""
    model = step.model.eval()
    ious, filled = [], []
    for index in range(len(scenes)):
        image, boxes, masks = scenes[index]
        logits = resize(model(image[None], boxes[None]), SIDE)[:, 0]
        ious += [iou(mask > 0, truth) for mask, truth in zip(logits, masks.bool(), strict=True)]
        filled += [iou(inside(box), mask) for box, mask in zip(boxes, masks.bool(), strict=True)]
    return {"iou": float(np.mean(ious)), "iou_of_filled_boxes": float(np.mean(filled))}


def iou(one: Tensor, other: Tensor) -> float:
    """Intersection over union of two masks."""
    return float((one & other).sum() / (one | other).sum())


def inside(box: Tensor) -> Tensor:
    """The mask (S, S) of a box."""
    mask = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    x0, y0, x1, y1 = box.round().int().tolist()
    mask[y0:y1, x0:x1] = True
    return mask


def main() -> None:
    """Pretrain, and write the weights and how they came about."""
    started = time.monotonic()
    step, losses = pretrain()
    minutes = (time.monotonic() - started) / 60
    FOLDER.mkdir(exist_ok=True)
    weights = {name: t.half().contiguous() for name, t in step.model.sam.state_dict().items()}
    save_file(weights, FOLDER / "vit_tiny.safetensors")
    step.model.sam.load_state_dict(weights)  # what is scored is what is in the file
    story = {
        "cell": CELL.to_json(),
        "recipe": asdict(RECIPE),
        "steps": STEPS,
        "box_jitter_pixels": BOX_JITTER,
        "whole_image_share": WHOLE,
        "held_out": score(step, Scenes(CELL.seed + 1, HELD_OUT, PROMPTS)),
        "minutes": round(minutes, 1),
        "environment": environment(CELL),
        "losses": [round(loss, 4) for loss in losses],
    }
    (FOLDER / "pretraining.json").write_text(json.dumps(story, indent=1) + "\n", encoding="utf-8")
    write_picture(draw_history(History(losses), ""), FOLDER / "pretraining.png")
    print(story["held_out"])


if __name__ == "__main__":
    main()
