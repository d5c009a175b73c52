"""Pretrain the miniature SAM: ``python -m samfit.harness.train.pretrain``.

The weights that come with samfit were made by this script; ``pretraining.json`` beside them holds
its recipe, seed, versions and losses. All of vit_tiny is trained with samfit's own training step,
on scenes that are generated as they are needed, each object prompted by its jittered
box, or, if it is alone, by the box of the whole image: first on objects that are easy to see, from
random weights, then on ever more that are not. A stage's name as argument begins with it, from the
weights that the one before left.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from rich.progress import track
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d
from torch.utils.data import DataLoader, Dataset

from samfit.adapters.core.adapted import AdaptedSam
from samfit.harness.miniature.source import CAMOUFLAGED, PLAIN, SUBTLE, Mix, box_of, draw_scene
from samfit.harness.miniature.textures import SIDE
from samfit.harness.record.cell import Cell
from samfit.harness.record.environment import environment
from samfit.harness.record.recipe import Recipe
from samfit.harness.record.weights import WEIGHTS
from samfit.harness.step.batch import Batch
from samfit.harness.step.losses import LOSSES, resize
from samfit.harness.step.step import build_step
from samfit.harness.train.scheduled_step import ScheduledStep

FOLDER = WEIGHTS.parent
STORY = FOLDER / "pretraining.json"
BATCH_SIZE, PROMPTS = 8, 3
BOX_JITTER = 8  # pixels
HELD_OUT = 64  # scenes on which the weights are scored, from seeds that training never takes
HELD_OUT_SEED = 1
WHOLE_IMAGE = np.array([0, 0, SIDE, SIDE], np.float32)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of the training.

    Attributes:
        name: for the command line.
        seed: of the scenes.
        mix: how many objects are hard to see.
        steps: of the optimizer.
        whole: share of the scenes with a single object that are prompted with the whole image.
        recipe: of the optimizer.
    """

    name: str
    seed: int
    mix: Mix
    steps: int
    whole: float
    recipe: Recipe


RECIPE = Recipe(epochs=1, learning_rate=1e-3, weight_decay=0.02, warmup=200, clip_norm=1.0)
FASTER = replace(RECIPE, learning_rate=1.5e-3)
STAGES = (
    Stage(name="plain", seed=0, mix=PLAIN, steps=4000, whole=0.5, recipe=FASTER),
    Stage(name="subtle", seed=2, mix=SUBTLE, steps=2500, whole=1.0, recipe=RECIPE),
    Stage(name="camouflaged", seed=3, mix=CAMOUFLAGED, steps=3000, whole=1.0, recipe=RECIPE),
)
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


class Scenes(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Image (3, S, S) uint8, boxes (P, 4) and masks (P, S, S) uint8 of scene i of a stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def __len__(self) -> int:
        return self.stage.steps * BATCH_SIZE

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        rng = np.random.default_rng([self.stage.seed, index])
        scene = draw_scene(rng, self.stage.mix)
        chosen = scene.masks[rng.integers(len(scene.masks), size=PROMPTS)]
        boxes = np.stack([box_of(mask, rng, BOX_JITTER) for mask in chosen])
        if len(scene.masks) == 1 and rng.random() < self.stage.whole:
            boxes[:] = WHOLE_IMAGE
        image = torch.from_numpy(scene.image).permute(2, 0, 1)
        return image.contiguous(), torch.from_numpy(boxes), torch.from_numpy(chosen)


def train(stage: Stage) -> tuple[AdaptedSam, list[float]]:
    """Train from the weights of the stage before; the model, and its losses."""
    cell = CELL if stage == STAGES[0] else replace(CELL, checkpoint=str(WEIGHTS))
    step, losses = build_step(cell, torch.device("cpu")), []
    scheduled = ScheduledStep(step, stage.recipe, stage.steps)
    side = SIDE // LOSSES[CELL.loss].reduction
    scenes = DataLoader(Scenes(stage), BATCH_SIZE, num_workers=1)
    for images, boxes, masks in track(scenes, f"pretraining, {stage.name}"):
        covered = adaptive_avg_pool2d(masks.flatten(0, 1)[:, None].float(), side)
        losses.append(scheduled.run(Batch(images, boxes, (covered > 0.5).float())))
    return step.model, losses


@torch.no_grad()
def score(model: AdaptedSam, mix: Mix) -> dict[str, float]:
    """Mean IoU on held-out scenes: of masks prompted with boxes, and of masks of single objects
    prompted with the whole image."""
    found: dict[str, list[float]] = {"boxes": [], "whole_image": []}
    for index in range(HELD_OUT):
        rng = np.random.default_rng([HELD_OUT_SEED, index])
        scene = draw_scene(rng, mix)
        truths = [torch.from_numpy(mask).bool() for mask in scene.masks]
        boxes = [*(box_of(mask, rng) for mask in scene.masks), WHOLE_IMAGE]
        image = torch.from_numpy(scene.image).permute(2, 0, 1)[None]
        logits = resize(model(image, torch.from_numpy(np.stack(boxes))[None]), SIDE)[:, 0]
        *masks, whole = logits > 0
        found["boxes"] += [iou(mask, truth) for mask, truth in zip(masks, truths, strict=True)]
        if len(truths) == 1:
            found["whole_image"].append(iou(whole, truths[0]))
    return {name: round(float(np.mean(values)), 4) for name, values in found.items()}


def iou(one: Tensor, other: Tensor) -> float:
    """Intersection over union of two masks."""
    return float((one & other).sum() / (one | other).sum())


def run(stage: Stage) -> None:
    """Train ``stage``, and write the weights and how they came about."""
    made_with = environment(CELL)  # before files are written, which make the checkout dirty
    started = time.monotonic()
    model, losses = train(stage)
    minutes = (time.monotonic() - started) / 60
    FOLDER.mkdir(exist_ok=True)
    weights = {name: t.half().contiguous() for name, t in model.sam.state_dict().items()}
    save_file(weights, WEIGHTS)
    model.eval().sam.load_state_dict(weights)  # what is scored is what is in the file
    done = {
        **asdict(stage),
        "minutes": round(minutes, 1),
        "environment": made_with,
        "held_out_iou": {each.name: score(model, each.mix) for each in STAGES},
        "losses": [round(loss, 4) for loss in losses],
    }
    kept = [] if stage == STAGES[0] else json.loads(STORY.read_text())["stages"]
    stages: list[dict[str, Any]] = [*kept[: STAGES.index(stage)], done]
    story = {"cell": CELL.to_json(), "box_jitter_pixels": BOX_JITTER, "stages": stages}
    STORY.write_text(json.dumps(story, indent=1) + "\n", encoding="utf-8")
    print(done["held_out_iou"])


if __name__ == "__main__":
    names = [stage.name for stage in STAGES]
    first = names.index(sys.argv[1]) if sys.argv[1:] else 0
    for stage in STAGES[first:]:
        run(stage)
