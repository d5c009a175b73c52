"""What a sweep runs: built-in profiles, and grids from a JSON file."""

import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from samfit.adapters.core.registry import adapter_names, all_peft_names, canonical_settings
from samfit.adapters.sam.find import backbone_names, backbone_sizes, family_of
from samfit.errors import UserError
from samfit.harness.miniature.tasks import TASKS
from samfit.harness.record.cell import Cell, Device
from samfit.harness.record.environment import Environment
from samfit.harness.record.lever import apply_exact
from samfit.harness.record.recipe import Recipe
from samfit.harness.record.weights import MINIATURE, RANDOM_ENCODER
from samfit.harness.run.task import How, Task

BATCH_SIZES = (1, 2, 4, 8, 16)
MEASURED_BATCH_SIZES = (1, 4, 16)  # each takes a process of its own
LEVER_BATCH_SIZES = (1, 4, 16)  # at which methods are predicted with levers, too
FURTHER_BATCH_SIZE = 4  # and with those that round or allow no augmentation
QUICK_TASKS = ("shadow",)  # what the main job scores; all of them take an hour
SEEDS = 3
USUAL_SIDE = 1024  # of the input of a SAM that is no miniature
ON_BACKBONES = ("decoder", "cad", "lst", "lora", "full")
BESIDE_PEFT = ("decoder", "cad", "lora")
# Of methods that cut layers into pieces, which must divide the miniature's width.
IN_MINIATURE = {"peft_c3a": {"block_size": 128}, "peft_vblora": {"vector_length": 128}}
# One recipe for all methods: 144 steps of 4 images.
MINIATURE_RECIPE = Recipe(epochs=3, learning_rate=1e-3, warmup=10, clip_norm=1.0)
IN_FILES: tuple[How, ...] = ("predict", "measure", "score")  # what a profile file may ask for


def bench(machine: Environment) -> list[Task]:
    """The main job: memory of every adapter on ViT-B at 1024, throughput on what is here.

    Memory is that of each method as published, and with every lever that it can use.
    Without a GPU throughput is measured on the miniature SAM: a training step of ViT-B at 1024
    takes a small CPU tens of seconds. Accuracy is that of the miniature, too, on one task.
    """
    predicted: dict[str, Any] = {"backbone": "vit_b"}
    measured: dict[str, Any] = {"backbone": "vit_tiny", "device": "cpu"}
    if machine["gpu"] is not None:
        measured = predicted = predicted | _capability(machine)
    every = {"adapter": ["all"]}
    published = _tasks("predict", {**every, "batch_size": list(BATCH_SIZES), **predicted})
    return [
        *published,
        *(Task("predict", cell) for task in published for cell in _with_levers(task.cell)),
        *_tasks("measure", {**every, "batch_size": list(MEASURED_BATCH_SIZES), **measured}),
        *accuracy_tasks(machine, QUICK_TASKS, seeds=1),
    ]


def accuracy(machine: Environment) -> list[Task]:
    """Every adapter on each miniature task, three times, and what it takes to train it."""
    return accuracy_tasks(machine, tuple(TASKS), SEEDS)


def backbones(machine: Environment) -> list[Task]:
    """Memory of some methods on every backbone of the usual size.

    Of backbones that differ in nothing but their weights the first stands for all.
    """
    shapes = {(family_of(name), backbone_sizes(name)): name for name in reversed(backbone_names())}
    names = [
        name
        for name in backbone_names()
        if name in shapes.values() and backbone_sizes(name).image_size == USUAL_SIDE
    ]
    grid = {"adapter": list(ON_BACKBONES), "backbone": names, "batch_size": [1, 4]}
    return _tasks("predict", {**grid, **_capability(machine)})


def peft(machine: Environment) -> list[Task]:
    """Memory on ViT-B and accuracy in miniature of every method of PEFT, and of some of ours."""
    names = [*BESIDE_PEFT, *all_peft_names()]
    grid = {"adapter": names, "backbone": "vit_b", "batch_size": [1, 4]}
    return [
        *_tasks("predict", {**grid, **_capability(machine)}),
        *accuracy_tasks(machine, QUICK_TASKS, seeds=1, adapters=names),
    ]


def _capability(machine: Environment) -> dict[str, Any]:
    """What a prediction is for: the card that is here, or the default."""
    return {} if machine["gpu"] is None else {"compute_capability": machine["gpu_capability"]}


def accuracy_tasks(
    machine: Environment, tasks: Sequence[str], seeds: int, adapters: Sequence[str] = ()
) -> list[Task]:
    """Predictions of what training on ``tasks`` takes, and the scores that it gives.

    Beside the methods, all or ``adapters``, stand two baselines: the pretrained model as it is, and
    the mask decoder trained on an encoder with random weights.
    """
    names = adapters or adapter_names()
    shared: dict[str, Any] = {"backbone": "vit_tiny", "batch_size": 4, "prompt": "box"}
    shared |= _capability(machine)
    device: Device = "cpu"
    if machine["gpu"] is not None:
        device = "cuda"
    found = [Task("predict", _of(Cell(adapter="decoder", **shared), name)) for name in names]
    for name in tasks:
        classes = TASKS[name].classes
        cell = Cell(
            adapter="decoder",
            settings={"classes": classes} if classes > 1 else {},
            loss="samed" if classes > 1 else "cad",
            device=device,
            checkpoint=MINIATURE,
            task=name,
            recipe=MINIATURE_RECIPE,
            **shared,
        )
        found.append(Task("score", replace(cell, recipe=replace(MINIATURE_RECIPE, epochs=0))))
        for seed in range(seeds):
            trained = [_of(replace(cell, seed=seed), adapter) for adapter in names]
            trained.append(replace(cell, checkpoint=RANDOM_ENCODER, seed=seed))
            found += [Task("score", each) for each in trained]
    return found


def _of(cell: Cell, adapter: str) -> Cell:
    """``cell``, which is on the miniature, with another method."""
    settings = {**cell.settings, **IN_MINIATURE.get(adapter, {})}
    return replace(cell, adapter=adapter, settings=settings)


def _with_levers(cell: Cell) -> Iterator[Cell]:
    """``cell`` with every exact lever, then with each further one on top."""
    from samfit.harness.step.levers import usable_levers  # imports torch

    if cell.batch_size not in LEVER_BATCH_SIZES:
        return
    levers = usable_levers(cell)
    lowered = apply_exact(cell, levers)
    yield lowered
    if cell.batch_size == FURTHER_BATCH_SIZE:
        for lever in levers:
            if not lever.exact:
                lowered = lever.apply(lowered)
                yield lowered


Profile = Callable[[Environment], list[Task]]  # what to run on a machine
PROFILES: dict[str, Profile] = {
    "bench": bench, "accuracy": accuracy, "backbones": backbones, "peft": peft,
}  # fmt: skip


def load_profile(name: str) -> Profile:
    """A built-in profile, or that of a JSON file.

    The file has lists of grids under ``predict``, ``measure`` and ``score``; a grid gives Cell
    fields, and a list of values stands for each of them; ``"adapter": "all"`` stands for every
    adapter, ``"adapter": "peft"`` for every method of PEFT. What is scored needs the fields
    ``task`` and ``recipe``::

        {"predict": [{"adapter": ["cad", "lora"], "batch_size": [1, 4]}],
         "measure": [{"adapter": "all", "backbone": "vit_tiny", "device": "cpu"}],
         "score": [{"adapter": "lora", "backbone": "vit_tiny", "device": "cpu", "batch_size": 4,
                    "checkpoint": "miniature", "task": ["polyp", "road"],
                    "recipe": [{"epochs": 3}, {"epochs": 3, "learning_rate": 0.004}]}]}

    Raises:
        UserError: for an unknown profile, or a file that cannot be read or understood.
    """
    if name in PROFILES:
        return PROFILES[name]
    path = Path(name)
    if not os.path.isfile(path):  # noqa: PTH113 - the method raises for names that are too long
        raise UserError(
            f"there is no profile {name!r}: choose {', '.join(PROFILES)}, or give a JSON file."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        tasks = [task for how, grid in _grids(content) for task in _tasks(how, grid)]
    except (OSError, ValueError) as error:
        end = "" if str(error).endswith((".", "?")) else "."
        raise UserError(f"cannot use the profile {path}: {error}{end}") from error
    if not tasks:
        raise UserError(f"the profile {path} describes no Cell: give it {', '.join(IN_FILES)}.")
    return lambda machine: tasks


def _grids(content: Any) -> Iterator[tuple[How, Mapping[str, Any]]]:
    """The grids of a profile file, checked for their form."""
    if not isinstance(content, dict):
        raise UserError(f"it must be an object with some of {', '.join(IN_FILES)}.")
    for how, grids in content.items():
        if how not in IN_FILES:
            raise UserError(f"{how!r} must be {', '.join(IN_FILES[:-1])} or {IN_FILES[-1]}.")
        if not isinstance(grids, list) or not all(isinstance(grid, dict) for grid in grids):
            raise UserError(f"{how!r} must be a list of grids.")
        yield from ((how, grid) for grid in grids)


def _tasks(how: How, grid: Mapping[str, Any]) -> list[Task]:
    values = {name: value if isinstance(value, list) else [value] for name, value in grid.items()}
    for word, names in (("all", adapter_names), ("peft", all_peft_names)):
        if values.get("adapter") == [word]:
            values["adapter"] = names()
    chosen = (dict(zip(values, each, strict=True)) for each in itertools.product(*values.values()))
    tasks = [Task(how, _canonical(Cell.from_json(fields))) for fields in chosen]
    if how == "score":
        for task in tasks:
            _check_scored(task.cell)
    return tasks


def _check_scored(cell: Cell) -> None:
    """Refuse a Cell whose accuracy would mean nothing, before others have run.

    Raises:
        UserError: if it has no recipe, or a task that there is not or that has other classes.
    """
    if cell.task not in TASKS or cell.recipe is None:
        raise UserError(
            f"what is scored needs a recipe, such as {{}}, and a task: {', '.join(TASKS)}."
        )
    classes = TASKS[cell.task].classes
    if cell.classes != classes:
        raise UserError(
            f"the task {cell.task} has {classes} classes, and the Cell {cell.classes}: correct "
            "classes in its settings."
        )


def _canonical(cell: Cell) -> Cell:
    """The Cell, with settings written as any other way of asking for them would write them."""
    return replace(cell, settings=canonical_settings(cell.adapter, cell.settings))
