"""Profiles: the built-in one and grids from a file."""

import json
from functools import cache

import pytest
from exact_levers import with_every_exact_lever
from user_error import user_error

from samfit import Cell, Recipe, adapter_names
from samfit.adapters.core.registry import peft_names
from samfit.harness.miniature.tasks import TASKS
from samfit.harness.record.weights import MINIATURE
from samfit.harness.report.accuracy.scored import training_step
from samfit.harness.report.kit.select import is_as_published
from samfit.harness.run.profiles import (
    BATCH_SIZES,
    BESIDE_PEFT,
    LEVER_BATCH_SIZES,
    MEASURED_BATCH_SIZES,
    ON_BACKBONES,
    QUICK_TASKS,
    SEEDS,
    accuracy_tasks,
    load_profile,
)

NO_GPU, GPU = {"gpu": None}, {"gpu": "NVIDIA H200", "gpu_capability": "9.0"}


@cache
def bench(on_gpu):
    """The tasks of the built-in profile; to plan them takes a second."""
    return load_profile("bench")(GPU if on_gpu else NO_GPU)


def test_bench_predicts_every_adapter_on_vit_b_and_measures_what_is_here():
    for machine, backbone, device in ((NO_GPU, "vit_tiny", "cpu"), (GPU, "vit_b", "cuda")):
        scored = accuracy_tasks(machine, QUICK_TASKS, seeds=1)
        tasks = [task for task in bench(machine is GPU) if task not in scored]
        for how, where, sizes in (
            ("predict", ("vit_b", "cuda"), BATCH_SIZES),
            ("measure", (backbone, device), MEASURED_BATCH_SIZES),
        ):
            cells = [task.cell for task in tasks if task.how == how]
            grid = {(name, size) for name in adapter_names() for size in sizes}
            assert {(cell.adapter, cell.batch_size) for cell in cells} == grid
            assert {(cell.backbone, cell.device) for cell in cells} == {where}
            capability = machine.get("gpu_capability", "8.0")
            assert {cell.compute_capability for cell in cells} == {capability}


def test_bench_predicts_every_adapter_with_levers_too():
    tasks = bench(on_gpu=True)
    cells = [t.cell for t in tasks if t.how == "predict" and t.cell.backbone == "vit_b"]
    lowered = [cell for cell in cells if not is_as_published(cell)]
    exact = [c for c in lowered if c.precision == "fp32" and not c.cache_embeddings]
    grid = {(name, size) for name in adapter_names() for size in LEVER_BATCH_SIZES}
    assert {(cell.adapter, cell.batch_size) for cell in exact} == grid
    assert len(exact) == len(grid)
    for cell in exact:
        published = Cell(adapter=cell.adapter, batch_size=cell.batch_size, compute_capability="9.0")
        assert published in cells
        assert cell == with_every_exact_lever(published)
    further = [cell for cell in lowered if cell not in exact]
    assert {cell.batch_size for cell in further} == {4}
    assert {cell.precision for cell in further} == {"bf16"}
    rounding = [cell.adapter for cell in further if not cell.cache_embeddings]
    assert sorted(rounding) == sorted(adapter_names())
    assert {"cad", "decoder"} <= {cell.adapter for cell in further if cell.cache_embeddings}
    assert len({cell.key for cell in cells}) == len(cells)


def test_a_file_gives_grids(tmp_path):
    path = tmp_path / "mine.json"
    grid = {"adapter": ["cad", "lora"], "batch_size": [1, 4], "backbone": "vit_l"}
    both = [{"adapter": "all"}, {"adapter": "peft"}]
    path.write_text(json.dumps({"predict": [grid], "measure": both}))
    tasks = load_profile(str(path))(NO_GPU)
    predicted = [t.cell for t in tasks if t.how == "predict"]
    assert [(c.adapter, c.batch_size, c.backbone) for c in predicted] == [
        ("cad", 1, "vit_l"), ("cad", 4, "vit_l"), ("lora", 1, "vit_l"), ("lora", 4, "vit_l"),
    ]  # fmt: skip
    measured = [t.cell.adapter for t in tasks if t.how == "measure"]
    assert measured == [*adapter_names(), *peft_names()]


def test_a_file_asks_for_scores(tmp_path):
    path = tmp_path / "mine.json"
    recipes = [{"epochs": 3}, {"epochs": 3, "learning_rate": 0.004}]
    grid = {"adapter": "lora", "task": ["polyp", "road"], "recipe": recipes}
    path.write_text(json.dumps({"score": [{**grid, "backbone": "vit_tiny", "device": "cpu"}]}))
    tasks = load_profile(str(path))(NO_GPU)
    assert {task.how for task in tasks} == {"score"}
    assert [(task.cell.task, task.cell.recipe) for task in tasks] == [
        (name, Recipe(**recipe)) for name in ("polyp", "road") for recipe in recipes
    ]


def test_settings_that_are_the_defaults_make_no_other_cell(tmp_path):
    path = tmp_path / "mine.json"
    settings = [{}, {"rank": 4}, {"rank": "4", "targets": "q,v"}, {"rank": "8"}, {"rank": 8}]
    path.write_text(json.dumps({"predict": [{"adapter": "lora", "settings": settings}]}))
    keys = [task.cell.key for task in load_profile(str(path))(NO_GPU)]
    assert keys[0] == keys[1] == keys[2] != keys[3] == keys[4]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "cannot use the profile"),
        ("[]", "it must be an object"),
        ("{}", "describes no Cell"),
        ('{"predict": [{"adapter": "lorra"}]}', "did you mean 'lora'"),
        ('{"predict": [{"adapter": 5}]}', "--adapter must be text"),
        ('{"predict": 3}', "'predict' must be a list of grids"),
        ('{"predict": [{"adapter": "lora", "settings": {"rank": 0}}]}', "setting rank must be"),
        ('{"guess": []}', "'guess' must be predict, measure or score"),
        ('{"trace": []}', "'trace' must be predict, measure or score"),
        ('{"score": [{"adapter": "cad", "recipe": {}}]}', "needs a recipe, such as {}, and a task"),
        ('{"score": [{"adapter": "cad", "task": "polyp"}]}', "needs a recipe"),
        ('{"score": [{"adapter": "cad", "task": "transparent", "recipe": {}}]}', "has 3 classes"),
        ('{"score": [{"adapter": "cad", "task": "rod", "recipe": {}}]}', "a task: camouflage"),
        ('{"predict": [{"adapter": "cad", "bach_size": 1}]}', "the Cell has no field 'bach_size'"),
        ('{"predict": [{"adapter": "cad", "batch_size": [1, 0]}]}', "--batch-size must be"),
    ],
)
def test_a_broken_file_is_named(tmp_path, text, sentence):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with user_error(sentence):
        load_profile(str(path))


@pytest.mark.parametrize("machine", [NO_GPU, GPU])
def test_accuracy_scores_every_adapter_on_each_task_with_each_seed(machine):
    scored = [task.cell for task in load_profile("accuracy")(machine) if task.how == "score"]
    trained = [c for c in scored if c.recipe.epochs and c.checkpoint == MINIATURE]
    expected = {(a, t, s) for a in adapter_names() for t in TASKS for s in range(SEEDS)}
    assert {(cell.adapter, cell.task, cell.seed) for cell in trained} == expected
    assert len(trained) == len(expected)
    for cell in scored:
        assert cell.settings.get("classes", 1) == TASKS[cell.task].classes
        assert cell.device == ("cuda" if machine["gpu"] else "cpu")
    baselines = [cell for cell in scored if cell not in trained]
    assert len(baselines) == len(TASKS) * (1 + SEEDS)
    assert len({cell.key for cell in scored}) == len(scored)


def test_each_scored_method_has_a_prediction_of_its_step():
    tasks = bench(on_gpu=False)
    predicted = [task.cell for task in tasks if task.how == "predict"]
    scored = [task.cell for task in tasks if task.how == "score"]
    assert scored
    assert all(training_step(cell) in predicted for cell in scored)


def test_backbones_of_the_usual_size_are_compared_and_none_twice():
    cells = [task.cell for task in load_profile("backbones")(NO_GPU)]
    names = list(dict.fromkeys(cell.backbone for cell in cells))
    assert {"vit_b", "hf_vit_b", "sam2.1_hiera_base_plus", "sam_hq_vit_b"} <= set(names)
    assert not {"vit_tiny", "hf_vit_tiny", "sam2_hiera_base_plus"} & set(names)
    assert {cell.image_size for cell in cells} == {1024}
    assert len(cells) == 2 * len(ON_BACKBONES) * len(names)


def test_every_method_of_peft_is_predicted_and_scored():
    tasks = load_profile("peft")(GPU)
    for how in ("predict", "score"):
        found = {task.cell.adapter for task in tasks if task.how == how}
        assert found == {*BESIDE_PEFT, *peft_names()}
    large = [task.cell for task in tasks if task.cell.backbone == "vit_b"]
    assert {cell.batch_size for cell in large} == {1, 4}
    assert {cell.compute_capability for cell in large} == {"9.0"}
