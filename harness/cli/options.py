"""The command line's options that together describe a Cell: one name everywhere."""

import functools
import inspect
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from samfit.adapters.core.registry import canonical_settings
from samfit.errors import UserError
from samfit.harness.record.cell import (
    Attention,
    Cell,
    Device,
    LossName,
    Optimizer,
    Phase,
    Precision,
    Prompt,
)
from samfit.harness.record.recipe import Augment, Recipe, Schedule

AdapterArgument = Annotated[str, typer.Argument(help="Name of the adapter, see samfit list.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Hyper-parameter of the adapter; repeatable."),
]


def cell_from_options(
    adapter: AdapterArgument,
    backbone: Annotated[str, typer.Option(help="vit_tiny, vit_b, vit_l or vit_h.")] = "vit_b",
    image_size: Annotated[
        int, typer.Option(help="Side of SAM's input in pixels; 0 for the backbone's own.")
    ] = 0,
    batch_size: Annotated[int, typer.Option(help="Images per step.")] = 1,
    prompts_per_image: Annotated[int, typer.Option(help="Box prompts, and masks, an image.")] = 1,
    phase: Annotated[Phase, typer.Option(help="A training step, or a forward pass.")] = "train",
    precision: Annotated[Precision, typer.Option(help="Of weights and computation.")] = "fp32",
    attention: Annotated[
        Attention, typer.Option(help="Of the encoder: as shipped, or without N x N matrices.")
    ] = "eager",
    checkpointing: Annotated[
        bool, typer.Option("--checkpointing", help="Compute activations again in backward.")
    ] = False,
    encoder_micro_batch: Annotated[
        int, typer.Option(help="Images that the encoder takes at a time; 0 for all.")
    ] = 0,
    cache_embeddings: Annotated[
        bool, typer.Option("--cache-embeddings", help="Read embeddings; leave out the encoder.")
    ] = False,
    gradient_accumulation: Annotated[
        int, typer.Option(help="Parts into which a step cuts its batch.")
    ] = 1,
    optimizer: Annotated[Optimizer, typer.Option(help="Of the training step.")] = "adamw",
    prompt: Annotated[
        Prompt, typer.Option(help="Box of the whole image, none, or from the mask.")
    ] = "box",
    loss: Annotated[LossName, typer.Option(help="The recipe whose loss is trained.")] = "cad",
    device: Annotated[Device, typer.Option(help="Whose memory is predicted.")] = "cuda",
    compute_capability: Annotated[
        str, typer.Option(help="Of the CUDA card that memory is predicted for.")
    ] = "8.0",
    alloc_conf: Annotated[
        str, typer.Option(help="As PYTORCH_CUDA_ALLOC_CONF: expandable_segments:True, for example.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Of weights and data.")] = 0,
    checkpoint: Annotated[
        str | None, typer.Option(help="File with SAM's weights, or miniature.")
    ] = None,
    settings: Set = None,
) -> Cell:
    """The Cell that the options describe.

    Raises:
        UserError: for values that do not make a Cell.
    """
    given = {name: value for name, value in locals().items() if name != "settings"}
    return Cell(settings=canonical_settings(adapter, _settings(settings or [])), **given)


def takes(
    name: str, build: Callable[..., Any], leave_out: Sequence[str] = (), **defaults: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of ``build`` in place of its argument ``name``.

    Options in ``leave_out`` are not there; ``defaults`` replace those of ``build``.
    """
    given = [
        parameter.replace(
            kind=inspect.Parameter.KEYWORD_ONLY,
            default=defaults.get(parameter.name, parameter.default),
        )
        for parameter in inspect.signature(build).parameters.values()
        if parameter.name not in leave_out
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(command).parameters.values()
            if parameter.name != name
        ]

        @functools.wraps(command)
        def with_options(**values: Any) -> None:
            options = {parameter.name: values.pop(parameter.name) for parameter in given}
            command(**{name: build(**options)}, **values)

        with_options.__signature__ = inspect.Signature([*given, *own])  # type: ignore[attr-defined]
        return with_options

    return decorate


takes_cell = takes("cell", cell_from_options)


def recipe_from_options(
    epochs: Annotated[int, typer.Option(help="Passes over the images; 0 trains nothing.")] = 20,
    learning_rate: Annotated[float, typer.Option(help="Of AdamW.")] = 2e-4,
    weight_decay: Annotated[float, typer.Option(help="Of AdamW.")] = 0.01,
    schedule: Annotated[
        Schedule, typer.Option(help="How the learning rate falls, step by step.")
    ] = "cosine",
    warmup: Annotated[int, typer.Option(help="Steps in which the learning rate rises.")] = 0,
    clip_norm: Annotated[float, typer.Option(help="Largest norm of gradients; 0 for any.")] = 0,
    augment: Annotated[
        Augment, typer.Option(help="Variations of the training images: flips, or CAD's recipe.")
    ] = "none",
    patience: Annotated[
        int, typer.Option(help="Epochs without a better validation before it ends; 0 for any.")
    ] = 0,
) -> Recipe:
    """The recipe that the options describe."""
    return Recipe(**locals())


def _settings(texts: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in map(_setting, texts):
        if name in found:
            raise UserError(f"--set {name} is given twice: give it once.")
        found[name] = value
    return found


def _setting(text: str) -> tuple[str, Any]:
    """``key=value``, the value as JSON where it is JSON (8, 0.1, true), as text elsewhere."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UserError(f"--set takes KEY=VALUE, got {text!r}.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
