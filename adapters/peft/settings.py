"""Dataclasses of hyper-parameters made from PEFT's configurations."""

import functools
import operator
import types
from collections.abc import Collection
from dataclasses import MISSING, Field, field, fields, make_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from peft import PeftConfig

from samfit.adapters.core.base import SerialSettings

Site = Literal["qkv", "proj", "lin1", "lin2", "norm1", "norm2"]
SITES = "target_modules"
FEEDFORWARD = "feedforward_modules"  # those of the sites whose input IA3 scales, not the output

# What has no meaning for layers of an image encoder, or is for weights of few bits.
_LEFT_OUT = {
    *(each.name for each in fields(PeftConfig)),
    "exclude_modules", "modules_to_save", "layers_to_transform", "layers_pattern",
    "target_parameters", "fan_in_fan_out", "ensure_weight_tying", "megatron_core",
    "use_qalora", "qalora_group_size", "use_asa",
    "use_effective_conv2d", "save_projection", "save_indices", "save_precomputed_indices",
    "save_only_topk_weights",
}  # fmt: skip
_NEED_DATA = {"eva", "corda", "loftq", "lora_ga"}  # starts that are computed from a data set
_BIAS = "bias"

# Settings without a use, and the defaults that PEFT's own cannot be.
_WITHOUT_PRUNING = ("target_r", "r", "tinit", "tfinal", "deltaT", "beta1", "beta2", "total_step")
_WITHOUT_CALLBACK = (
    "asa_target_subspaces", "init_warmup", "final_warmup", "mask_interval", "asa_importance_beta",
    "asa_uncertainty_beta", "asa_schedule_exponent",
)  # fmt: skip
_WITHOUT_COMPILER = ("boft_n_butterfly_factor",)
_UNUSED = {"adalora": _WITHOUT_PRUNING, "adamss": _WITHOUT_CALLBACK, "boft": _WITHOUT_COMPILER}
_OTHER_DEFAULTS: dict[str, dict[str, Any]] = {
    "ia3": {SITES: ("qkv", "lin2"), FEEDFORWARD: ("lin2",)},
    "ln_tuning": {SITES: ("norm1", "norm2")},
    "psoft": {"use_cayley_neumann": True},
}


def settings_of(
    method: str, config: type[PeftConfig], prefix: str, fixed: Collection[str]
) -> type[SerialSettings]:
    """The hyper-parameters of PEFT's ``method``, a dataclass, by the names that PEFT gives them.

    Those of its fields that are numbers, words, or true or false, with PEFT's defaults, and

    * ``target_modules``: the layers that are changed in each block: qkv, proj, lin1, lin2, norm1
      or norm2, as far as the method can change them.

    Defaults that are not PEFT's: IA3 changes qkv and, as a feedforward layer, lin2; LN tuning
    trains norm1 and norm2; PSOFT's rotation is a series, as OFT's is, since for the exact one, the
    solution of a system, no rehearsal has a library. ``bias`` is none, or trains the biases of the
    changed layers.

    Args:
        method: its name.
        config: PEFT's class of its hyper-parameters.
        prefix: of its parameters' names, such as ``lora_``.
        fixed: fields that are no hyper-parameters, since they make it the method that it is.
    """
    others = _OTHER_DEFAULTS.get(method, {})
    hints, taken = get_type_hints(config), {each.name for each in fields(SerialSettings)}
    found: list[tuple[str, Any, Any]] = [
        (SITES, tuple[Site, ...], field(default=others.get(SITES, ("qkv",))))
    ]
    if FEEDFORWARD in hints:
        found.append((FEEDFORWARD, tuple[Site, ...], field(default=others[FEEDFORWARD])))
    for each in fields(config):
        if each.name in {SITES, FEEDFORWARD, *_LEFT_OUT, *_UNUSED.get(method, ()), *taken, *fixed}:
            continue
        kind = Literal["none", f"{prefix}only"] if each.name == _BIAS else _simple(hints[each.name])
        if kind is not None:
            default = others.get(each.name, _default(each))
            found.append((each.name, kind, field(default=default)))
    return make_dataclass(
        f"{config.__name__}Settings", found, bases=(SerialSettings,), frozen=True, kw_only=True
    )


def _default(of: Field[Any]) -> Any:
    if of.default is not MISSING:
        return of.default
    return of.default_factory() if of.default_factory is not MISSING else None


def _simple(hint: Any) -> Any:
    """``hint`` without what text cannot spell; None if nothing is left."""
    if hint in (int, float, bool, str):
        return hint
    if get_origin(hint) is Literal:
        words = tuple(w for w in get_args(hint) if w not in _NEED_DATA and "[" not in str(w))
        return Literal[words] if words else None
    if get_origin(hint) in (Union, types.UnionType):
        parts = get_args(hint)
        kept = [kind for part in parts if (kind := _simple(part)) is not None]
        optional = [None] if kept and type(None) in parts else []
        return functools.reduce(operator.or_, [*kept, *optional]) if kept else None
    return None
