"""Made-up records: round numbers that no model ever gave."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from samfit.harness.memory.figures import Memory, Timeline
from samfit.harness.miniature.dataset import miniature
from samfit.harness.miniature.tasks import TASKS
from samfit.harness.record.cell import Cell
from samfit.harness.record.recipe import Recipe
from samfit.harness.record.record import (
    Accuracy,
    Compute,
    Method,
    Parameters,
    Record,
    Spread,
    Timing,
)
from samfit.harness.record.store import Store
from samfit.harness.record.weights import MINIATURE, RANDOM_ENCODER
from samfit.harness.report.kit.labels import DIRECT

MIB, GIB = 2**20, 2**30
BINARY = ("iou", "dice", "mae", "s_measure", "e_measure", "weighted_f", "ber")
SEVERAL = ("miou", "pixel_accuracy")
ENVIRONMENT = {
    "cpu": "Imaginary CPU",
    "cpu_threads": 2,
    "gpu": None,
    "packages": {"samfit": "9.8", "torch": "7.6"},
    "commit": "0123456789abcdef",
    "dirty": False,
}


def predicted(
    adapter: str = "cad",
    batch_size: int = 4,
    peak_gib: float = 10,
    *,
    serial: bool = False,
    trainable: int = 1_000_000,
    **fields: Any,
) -> Record:
    """A prediction; the peak is in the middle of the forward phase."""
    peak = int(peak_gib * GIB)
    return Record(
        cell=Cell(adapter=adapter, batch_size=batch_size, **fields),
        status="ok",
        source="predicted",
        method=Method(title=adapter.title(), source="none", serial=serial),
        params=Parameters(
            trainable=trainable, adapter=trainable, mask_decoder=0, prompt_encoder=0, total=10**8
        ),
        memory=Memory(
            instrument="trace+replay",
            peak_allocated_bytes=peak,
            peak_reserved_bytes=peak + GIB,
            breakdown_bytes={"weights_frozen": peak // 4, "none": 0, "rest": peak - peak // 4},
            peak_phase="forward",
            peak_module="encoder.block",
            timeline=Timeline(
                live_bytes=[0, peak, peak // 2, peak // 4, 0],
                phase_starts={"forward": 0, "backward": 2, "optimizer": 4},
            ),
        ),
        compute=Compute(flops_per_image=2 * 10**12),
        environment=ENVIRONMENT,
        started="2020-02-02T12:00:00+00:00",
    )


def on_cards(record: Record, *names: str) -> Record:
    """``record``, had it been found to fit these cards and no other."""
    assert record.memory is not None
    return replace(record, memory=replace(record.memory, fits=list(names)))


def stored(path: Path, records: Sequence[Record]) -> Path:
    """Write a results file."""
    store = Store(path)
    with store.writing():
        for record in records:
            store.append(record)
    return path


def measured(
    adapter: str = "cad", batch_size: int = 4, speed: float = 10, stable: bool = True, **given: Any
) -> Record:
    """A measurement on CUDA of ``speed`` images per second."""
    record, step_ms = predicted(adapter, batch_size, **given), 1000 * batch_size / speed
    assert record.memory is not None
    return replace(
        record,
        source="measured-cuda",
        memory=replace(record.memory, instrument="cuda"),
        timing=Timing(
            step_ms=Spread(median=step_ms, p10=0.9 * step_ms, p90=1.2 * step_ms, n=9),
            images_per_second=speed,
            stable=stable,
        ),
        environment={**ENVIRONMENT, "gpu": "Imaginary GPU"},
    )


def out_of_memory(adapter: str = "cad", batch_size: int = 16) -> Record:
    """A measurement that did not fit."""
    record = measured(adapter, batch_size)
    return replace(record, status="oom", memory=None, timing=Timing(), message="does not fit")


def with_levers(records: Sequence[Record]) -> list[Record]:
    """Predictions, and after each of batch size 4 the same with levers: a tenth with every exact
    one, half of that with bf16, and, for parallel methods, half of that with cached embeddings."""
    found = list(records)
    for record in records:
        assert record.memory is not None and record.method is not None
        cell, peak = record.cell, record.memory.peak_allocated_bytes // 10
        if record.source != "predicted" or cell.batch_size != 4:
            continue
        exact = replace(cell, attention="sdpa", optimizer="adamw_fused", checkpointing=True)
        bf16 = replace(exact, precision="bf16")
        cells = [exact, bf16]
        if not record.method.serial:
            cells.append(replace(bf16, cache_embeddings=True))
        for halvings, lowered in enumerate(cells):
            memory = replace(record.memory, peak_allocated_bytes=peak >> halvings)
            found.append(replace(record, cell=lowered, memory=memory))
    return found


MANY = {f"method {number}": bool(number % 4) for number in range(16)}


def crowd(serial: Mapping[str, bool] = MANY) -> list[Record]:
    """Methods, by name serial or not, of which those of one kind need nearly the same."""
    return [
        predicted(
            name, batch, (6.5 if is_serial else 2.5) * batch * (1 + number / 500),
            serial=is_serial, trainable=4_000_000 + 10_000 * number,
        )
        for number, (name, is_serial) in enumerate(serial.items())
        for batch in (1, 2, 4, 8, 16)
    ]  # fmt: skip


def all_text(figure: Figure) -> str:
    """Everything that is written in a figure, captions with their line breaks removed."""
    texts = [artist.get_text() for artist in figure.findobj(Text)]  # type: ignore[attr-defined]
    return " ".join(texts).replace("\n", " ").replace("\N{NBSP}", " ")


def direct_labels(figure: Figure) -> list[Text]:
    """The labels that the plots write themselves, ticks and keys left out."""
    return [text for text in figure.findobj(Text) if text.get_label() == DIRECT]


def scored(
    adapter: str = "cad",
    task: str = "camouflage",
    seed: int = 0,
    score: float = 0.6,
    *,
    epochs: int = 4,
    train_s: float = 30,
    masks: Sequence[int] = (),
    **given: Any,
) -> Record:
    """A training on a CPU; ``masks`` says by how many pixels those of the first images are off."""
    classes = TASKS[task].classes
    metrics = BINARY if classes == 1 else SEVERAL
    drawn = [shifted_mask(task, index, pixels) for index, pixels in enumerate(masks)]
    given.setdefault("settings", {"classes": classes} if classes > 1 else {})
    given.setdefault("checkpoint", MINIATURE)
    given.setdefault("loss", "cad" if classes == 1 else "samed")
    recipe = Recipe(epochs=epochs, learning_rate=1e-3, warmup=10, clip_norm=1.0)
    step = predicted(
        adapter, backbone="vit_tiny", device="cpu", task=task, seed=seed, recipe=recipe, **given
    )
    return replace(
        step,
        source="measured-cpu",
        memory=None,
        compute=None,
        accuracy=Accuracy(
            scores={key: [score, score - 0.1, score + 0.1] for key in metrics},
            per_image={metrics[0]: [found for _, found in drawn]},
            classes=classes,
            train_images=96,
            test_images=48,
            losses=[0.5] * 24 * epochs,
            train_ms=1000 * train_s,
            masks_png=[png for png, _ in drawn],
        ),
    )


def trained_methods(
    adapters: Sequence[str],
    tasks: Sequence[str] = ("camouflage", "transparent"),
    seeds: int = 2,
    **given: Any,
) -> list[Record]:
    """Predictions and scores: each adapter is better than the one before and costs more."""
    found = [
        predicted(
            adapter, 4, 0.1 + 0.01 * place, backbone="vit_tiny", trainable=100_000 * (place % 5)
        )
        for place, adapter in enumerate(adapters)
    ]
    for task in tasks:
        found.append(scored("decoder", task, score=0.1, epochs=0, **given))
        found.append(scored("decoder", task, score=0.2, checkpoint=RANDOM_ENCODER, **given))
        found += [
            scored(
                adapter, task, seed, 0.5 + 0.01 * place + 0.002 * seed, train_s=20 + place,
                trainable=100_000 * (place % 5), **given,
            )
            for place, adapter in enumerate(adapters)
            for seed in range(seeds)
        ]  # fmt: skip
    return found


def shifted_mask(task: str, index: int, pixels: int) -> tuple[str, float]:
    """The true mask of a test image moved to the right, as PNG in base64, and its score."""
    _, truth = miniature(task).test[index].read()
    mask = np.roll(truth, pixels, axis=1)
    present = [1] if TASKS[task].classes == 1 else np.union1d(mask, truth)
    score = np.mean([
        np.sum((mask == i) & (truth == i)) / np.sum((mask == i) | (truth == i)) for i in present
    ])  # fmt: skip
    content = io.BytesIO()
    Image.fromarray(mask * np.uint8(255 if TASKS[task].classes == 1 else 1)).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode(), float(score)
