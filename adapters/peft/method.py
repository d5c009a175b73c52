"""Each method of PEFT as one of samfit's adapters."""

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from types import SimpleNamespace
from typing import Any

import peft
import torch
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners.tuners_utils import BaseTuner
from peft.utils import PeftType
from torch import Tensor, nn

from samfit.adapters.core.base import Adapter, LowRank, SerialSettings
from samfit.adapters.core.peft_names import LORA, LORA_VARIANTS, PREFIX
from samfit.adapters.peft.layers import (
    ADAPTER,
    Sites,
    build,
    build_without_data,
    copied,
    give_base,
    layers_of,
    on_sequences,
    probe,
    runs_without_data,
)
from samfit.adapters.peft.settings import SITES, settings_of
from samfit.adapters.sam.backbone import Backbone
from samfit.adapters.sam.changes import override
from samfit.adapters.sam.rows import Rows
from samfit.errors import Remark, UnsupportedError, UserError

_OF_NORMS = "Unsupported layer type"  # what PEFT warns of when it tunes norms, as it was asked to
# What PEFT must be told of a method beside the user's settings.
_OPTIONS = {"adalora": {"total_step": 10**9}}  # it plans how to prune until then


class PeftAdapter(Adapter):
    """A method of Hugging Face PEFT on layers of SAM's image encoder.

    PEFT's own code makes the new parameters and computes with them: in place of a chosen layer's
    y = W x + b runs PEFT's layer around it. What PEFT trains is trained, beside the mask decoder.
    A layer whose weights PEFT changes before the first step (PiSSA, OLoRA) is the adapter's own
    copy; it is made again from SAM's weights, and not saved.

    A term that PEFT adds to a model's loss (AdaLoRA's orthogonality) is in ``auxiliary_loss``.
    What PEFT does between steps is not done: AdaLoRA's ranks are not pruned, and AdaMSS freezes no
    subspace.

    Source: huggingface.co/docs/peft; each method's paper is named there.
    """

    encoder_gradients = True
    starts_as_identity = True  # this and the next are found anew when a SAM is there
    mergeable = True
    method: str  # PEFT's name of the method
    options: dict[str, Any]  # that make another method of PEFT's one

    def __init__(self, sam: Backbone, settings: Any) -> None:
        super().__init__(sam, settings)
        sites = self._sites(sam)
        try:
            with _remarks(self.title):
                config = self._config()
                facts = probe(sites[0], config)
                base = sites if facts.keeps_weights else copied(sites, copy.deepcopy)
                without_data = sam.device.type == "meta"
                self.tuner = (build_without_data if without_data else build)(base, config)
        except (ValueError, TypeError, NotImplementedError, RuntimeError, ImportError) as error:
            why = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
            raise UserError(f"this SAM cannot have {self.title}: {why}.") from error
        self.starts_as_identity, self.mergeable = facts.identity, facts.merges
        self._keeps_weights = facts.keeps_weights
        self._trained_biases = self._own_base(sites)

    def attach(self, sam: Backbone) -> None:
        sites = self._sites(sam)
        for index, name, layer in layers_of(self.tuner):
            self.hold(override(sites[index][name], "forward", on_sequences(layer)))

    def trained_in_sam(self, sam: Backbone) -> Iterator[nn.Parameter]:
        yield from super().trained_in_sam(sam)
        sites = self._sites(sam)
        for index, name, parameter in self._trained_biases:
            yield sites[index][name].get_parameter(parameter)

    def auxiliary_loss(self) -> Tensor | None:
        if type(self.tuner).forward is BaseTuner.forward:
            return None
        tree: Any = self.tuner.model
        answer = SimpleNamespace(loss=torch.zeros((), device=next(tree.parameters()).device))
        handle = override(tree, "forward", lambda: answer)
        self.tuner()
        handle.remove()
        return answer.loss if answer.loss.requires_grad else None

    def check_traceable(self) -> None:
        _, _, layer = next(layers_of(self.tuner))
        if not runs_without_data(layer):
            raise UnsupportedError(
                f"{self.title} looks at values as it computes, so its memory cannot be traced on "
                "tensors without data: use --instrument rehearsal, or measure it."
            )

    @torch.no_grad()
    def merge(self, sam: Backbone) -> None:
        if not self.mergeable:
            super().merge(sam)
        sites = self._sites(sam)
        for index, name, layer in layers_of(self.tuner):
            layer.merge()
            merged = dict(layer.get_base_layer().named_parameters())
            for parameter, own in sites[index][name].named_parameters():
                own.copy_(merged[parameter])

    def low_rank_updates(self, sam: Backbone) -> Iterator[LowRank]:
        config: Any = self.tuner.peft_config[ADAPTER]
        if self.method != LORA or config.use_dora or config.lora_bias or not self._keeps_weights:
            raise UserError(f"{self.title} is no plain LoRA: export it merged, with --format hf.")
        sites = self._sites(sam)
        for index, name, layer in layers_of(self.tuner):
            down, up = (part[ADAPTER].weight for part in (layer.lora_A, layer.lora_B))
            linear: Any = sites[index][name]
            yield LowRank(linear, Rows(0, len(up)), down, layer.scaling[ADAPTER] * up)

    def _sites(self, sam: Backbone) -> Sites:
        names = getattr(self.settings, SITES)
        return [{name: getattr(block, name) for name in names} for block in sam.blocks]

    def _config(self) -> Any:
        """PEFT's configuration with these settings."""
        common = {each.name for each in fields(SerialSettings)}
        given = {k: v for k, v in vars(self.settings).items() if k not in common} | self.options
        lists = {name: list(v) if isinstance(v, tuple) else v for name, v in given.items()}
        return _config_class(self.method)(**lists)

    def _own_base(self, sites: Sites) -> list[tuple[int, str, str]]:
        """Leave to SAM what is SAM's; which of its parameters PEFT trains: block, layer, name."""
        found = []
        for index, name, layer in layers_of(self.tuner) if self._keeps_weights else ():
            base = layer.get_base_layer()
            trained = [each for each, p in base.named_parameters() if p.requires_grad]
            found += [(index, name, each) for each in trained]
            give_base(layer, sites[index][name])
        return found


@cache
def peft_method(name: str) -> type[PeftAdapter]:
    """The method of PEFT that is registered as ``name``.

    ``check_peft_name`` knows whether there is one.
    """
    method = name.removeprefix(PREFIX)
    title, options = LORA_VARIANTS.get(method, ("", {}))
    base = LORA if options else method
    config, tuner = _config_class(base), PEFT_TYPE_TO_TUNER_MAPPING[_type(base)]
    attributes = {
        "__doc__": f"{config.__doc__}",
        "Settings": settings_of(base, config, tuner.prefix, options),
        "title": f"PEFT {title or config.__name__.removesuffix('Config')}",
        "source": f"PEFT {peft.__version__}",
        "method": base,
        "options": options | _OPTIONS.get(base, {}),
    }
    return type(f"Peft{config.__name__}", (PeftAdapter,), attributes)


@contextmanager
def _remarks(title: str) -> Iterator[None]:
    """Let what PEFT warns of be remarks, each once: settings that it changes, for instance."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(str(warning.message) for warning in told):
        if not text.startswith(_OF_NORMS):
            warnings.warn(f"{title}: {text}", Remark, stacklevel=4)


def _config_class(method: str) -> Any:
    return PEFT_TYPE_TO_CONFIG_MAPPING[_type(method)]


def _type(method: str) -> PeftType:
    return PeftType(method.upper())
