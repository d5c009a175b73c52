"""Training: what is learnt, what wins, and that an interruption leaves no trace."""

from dataclasses import replace

import pytest
import torch
from tiny_task import Told, tiny_cell, tiny_data
from user_error import user_error

from samfit.harness.metrics import Score
from samfit.harness.record.recipe import Recipe
from samfit.harness.train import training as room
from samfit.harness.train.description import Description
from samfit.harness.train.run_folder import RunFolder
from samfit.harness.train.training import Training, filled_cache

needs_fork = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


def training_of(adapter="decoder", recipe=None, data=None, workers=0, **fields):
    cell = tiny_cell(adapter, **fields)
    return Training(cell, recipe or Recipe(epochs=2), data or tiny_data(), workers)


def run(training):
    """``training``, at its end."""
    for _ in training.run():
        pass
    return training


def weights(training):
    return {name: tensor.clone() for name, tensor in training.model.trained_state().items()}


def assert_same(ours, theirs):
    """Both trainings saw and learnt the same, bit by bit."""
    for history in (ours.history, theirs.history):
        history.train_ms = 0.0
    assert ours.history == theirs.history
    assert ours.scaler.state_dict() == theirs.scaler.state_dict()
    trained = weights(theirs)
    assert weights(ours).keys() == trained.keys()
    for name, tensor in weights(ours).items():
        assert torch.equal(tensor, trained[name]), name


# Learning


def test_training_learns():
    training = run(training_of("lora", Recipe(epochs=8, learning_rate=3e-3), prompt="mask_box"))
    losses = training.history.losses
    assert len(losses) == training.done == training.total == 24
    assert sum(losses[-3:]) < 0.75 * sum(losses[:3])
    assert training.history.train_ms > 0


@pytest.mark.parametrize(
    ("decoder", "learning_rate", "falls_to"), [("stock", 1e-2, 0.75), ("single_token", 3e-3, 0.9)]
)
def test_several_classes_are_learnt(decoder, learning_rate, falls_to):
    training = run(
        training_of(
            recipe=Recipe(epochs=8, learning_rate=learning_rate),
            data=tiny_data(6, classes=3),
            settings={"classes": 3, "decoder": decoder},
            loss="samed",
        )
    )
    losses = training.history.losses
    assert sum(losses[-3:]) < falls_to * sum(losses[:3])


def test_validation_goes_by_the_score_of_the_data():
    of_classes = {"settings": {"classes": 3}, "loss": "samed"}
    for fields, classes, metric in (({}, 1, "iou"), (of_classes, 3, "miou")):
        training = run(training_of(data=tiny_data(4, val=1, classes=classes), **fields))
        assert training.metric == metric
        assert [v["step"] for v in training.history.validations] == [2, 4]
        assert all(0 <= v[metric] <= 1 for v in training.history.validations)


@pytest.mark.parametrize(
    ("settings", "loss", "words"),
    [
        ({"classes": 3}, "cad", ["--loss cad", "3 classes", "samed"]),
        ({}, "samed", ["--loss samed", "one class", "cad or sam_adapter"]),
    ],
)
def test_a_loss_for_another_number_of_classes_is_refused(settings, loss, words):
    with user_error(*words):
        training_of(settings=settings, loss=loss)


def test_no_epochs_leave_the_weights_as_they_are():
    training = training_of("cad", Recipe(epochs=0), tiny_data(6, val=2))
    before = weights(training)
    assert list(training.run()) == []
    training.use_best_weights()
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(training).items())


def test_more_images_in_a_batch_than_there_are_is_refused():
    with user_error("tiny has too few images", "(6)", "--batch-size 7", "use a smaller one"):
        training_of(batch_size=7)
    assert training_of(batch_size=6).total == 2


def test_a_learning_rate_that_is_too_high_ends_in_one_sentence():
    with user_error("training diverged", "--learning-rate"):
        run(training_of(recipe=Recipe(epochs=2, learning_rate=1e30)))


@needs_fork
def test_workers_change_nothing():
    recipe, data = Recipe(epochs=2, augment="geometric"), tiny_data(6, val=2)
    alone = run(training_of("lora", recipe, data))
    assert_same(run(training_of("lora", recipe, data, workers=2)), alone)


# Interruptions

INTERRUPTED = {
    "cad": {"adapter": "cad", "prompt": "mask_box"},
    "lora": {"adapter": "lora", "prompt": "points", "checkpointing": True},
    "conv_lora": {"adapter": "conv_lora", "optimizer": "adamw_fused"},
    "float16": {"adapter": "lora", "precision": "fp16"},
    "bfloat16": {"adapter": "lora", "precision": "bf16-pure"},
    "classes": {"adapter": "decoder", "settings": {"classes": 3}, "loss": "samed"},
}


@pytest.mark.parametrize("fields", INTERRUPTED.values(), ids=INTERRUPTED)
def test_interruptions_after_every_step_leave_no_trace(fields, tmp_path):
    classes = fields.get("settings", {}).get("classes", 1)
    data = tiny_data(5, val=2, classes=classes)
    recipe = Recipe(
        epochs=2, learning_rate=1e-3, augment="geometric", warmup=2, clip_norm=1.0, patience=2
    )
    cell, folder = tiny_cell(**fields), RunFolder(tmp_path)
    description = Description.of(cell, recipe, data, 0, None)
    whole = Training(cell, recipe, data)
    moments = len(list(whole.run()))
    whole.use_best_weights()

    state = folder.start(description)
    for _ in range(moments):
        part = Training(cell, recipe, data)
        if state is not None:
            part.load_state(state)
        next(part.run())
        folder.save_state(part.state())
        state = folder.start(description)
    last = Training(cell, recipe, data)
    last.load_state(state)
    assert list(last.run()) == []
    last.use_best_weights()
    assert len(last.history.validations) == whole.done // 2
    assert_same(last, whole)


def test_a_state_of_another_model_is_refused():
    training, data = training_of(data=tiny_data(4)), tiny_data(4)
    state = training.state()
    lost, *_ = sorted(state["model"])
    del state["model"][lost]
    with user_error(lost, "state.pt"):
        Training(training.cell, training.recipe, data).load_state(state)


def test_whoever_stops_listening_after_an_epoch_has_its_validation():
    training = training_of(data=tiny_data(4, val=1))
    steps = training.run()
    assert [next(steps).validations != [] for _ in range(2)] == [False, True]


# What wins


class Scripted:
    """Metrics of which one score is known."""

    names = ("a", "b")
    only_class = None

    def __init__(self, value):
        self.value = value

    def summary(self):
        return {"iou": Score(value=self.value, low=self.value, high=self.value)}


@pytest.fixture
def validations(monkeypatch):
    """Lets validations give the scores that are in this list."""
    scores = []
    monkeypatch.setattr(room, "score_masks", lambda *_, **__: (Scripted(scores.pop(0)), []))
    return scores


def weights_by_step(training):
    found = {}
    for history in training.run():
        found[len(history.losses)] = weights(training)
    return found


@pytest.mark.parametrize(
    ("patience", "scores", "epochs", "best"),
    [
        (0, [0.5, 0.4, 0.3, 0.2, 0.1], 5, 1),
        (1, [0.5, 0.6, 0.6, 0.9, 0.9], 3, 2),
        (2, [0.5, 0.6, 0.4, 0.6, 0.9], 4, 2),
        (2, [0.5, 0.4, 0.6, 0.4, 0.7], 5, 5),
        (3, [0.0, 0.0, 0.0, 0.0, 0.9], 4, 1),
    ],
)
def test_training_ends_when_patience_does_and_the_best_weights_win(
    patience, scores, epochs, best, validations
):
    validations += scores
    data, per_epoch = tiny_data(4, val=1), 2
    training = training_of(recipe=Recipe(epochs=5, patience=patience), data=data)
    seen = weights_by_step(training)
    assert training.done == epochs * per_epoch
    assert training.is_over
    assert training.history.best_step == best * per_epoch
    assert [v["step"] for v in training.history.validations] == [2 * n + 2 for n in range(epochs)]
    training.use_best_weights()
    winner = seen[best * per_epoch]
    assert all(torch.equal(tensor, winner[name]) for name, tensor in weights(training).items())
    assert not training.model.training


def test_masks_of_one_class_everywhere_are_kept_in_mind(monkeypatch):
    monkeypatch.setattr(Scripted, "only_class", 1)
    monkeypatch.setattr(room, "score_masks", lambda *_, **__: (Scripted(0.2), []))
    training = run(training_of(data=tiny_data(4, val=1)))
    assert training.history.collapsed == {2: 1, 4: 1}


def test_without_validation_the_last_weights_win():
    training = training_of("cad", Recipe(epochs=2, patience=1))
    seen = weights_by_step(training)
    training.use_best_weights()
    assert training.done == training.total == 6
    assert training.history.validations == []
    for name, tensor in weights(training).items():
        assert torch.equal(tensor, seen[6][name]), name


# Cached embeddings


@pytest.mark.parametrize("adapter", ["cad", "decoder", "sam_lst"])
def test_cached_embeddings_give_the_same_losses_without_the_encoder(adapter, tmp_path):
    data, recipe = tiny_data(4, val=2), Recipe(epochs=2, learning_rate=1e-3)
    plain = run(training_of(adapter, recipe, data))
    cached = training_of(adapter, recipe, data, cache_embeddings=True)
    told = Told()
    cached.cache = filled_cache(cached.cell, data.train + data.val, tmp_path, told)
    run(cached)
    assert told.tracked == [("caching embeddings", 6, 6)]
    assert len(list(tmp_path.rglob("*.safetensors"))) == 6
    assert not list(cached.model.sam.image_encoder.parameters())
    assert cached.history.losses == pytest.approx(plain.history.losses, rel=1e-4)
    for ours, theirs in zip(cached.history.validations, plain.history.validations, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-3)


def test_images_that_vary_cannot_be_cached():
    with user_error("--cache-embeddings", "--augment"):
        training_of(recipe=Recipe(augment="flip"), cache_embeddings=True)


def test_the_cache_is_that_of_the_cells_own_encoder(tmp_path):
    cell = tiny_cell(seed=3)
    data = tiny_data(2)
    cache = filled_cache(cell, data.train, tmp_path)
    model = training_of(seed=3, data=data).model
    images = torch.from_numpy(data.train[0].image).permute(2, 0, 1)[None]
    with torch.no_grad():
        assert torch.equal(cache.get(images), model.embed(images).image)
    other = filled_cache(replace(cell, seed=4), data.train, tmp_path)
    assert other.folder != cache.folder
