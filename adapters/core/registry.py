"""Finds adapters by name: the files of this package, and other packages' entry points.

A method's registered name is the name of its file. Another package adds methods through the
entry-point group ``samfit.adapters``; each entry names an ``Adapter`` subclass. Methods of Hugging
Face PEFT have names of their own, ``peft_lora`` and so on: ``peft_names``.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from samfit import adapters
from samfit.adapters.core.peft_names import (
    all_peft_names as all_peft_names,
    check_peft_name,
    is_peft_name,
    peft_names as peft_names,
    without_bitsandbytes,
)
from samfit.adapters.core.settings import changed_settings, parse_settings
from samfit.errors import UserError, spelling_hint

if TYPE_CHECKING:  # names can be listed without importing torch
    from samfit.adapters.core.base import Adapter

ENTRY_POINT_GROUP = "samfit.adapters"


def adapter_names() -> list[str]:
    """All registered names but PEFT's: this package's first, in alphabetical order."""
    return [*_own_names(), *(name for name in sorted(_foreign()) if name not in _own_names())]


def broken_adapters() -> dict[str, str]:
    """Why methods of other packages cannot be used, in sentences by name; their code is run."""
    found = {}
    for name, entry in _foreign().items():
        try:
            if name not in _own_names():
                _load(entry)
        except UserError as error:
            found[name] = str(error)
    return found


def adapter_class(name: str) -> "type[Adapter]":
    """The class of a registered method.

    Raises:
        UserError: if no method has this name (it suggests the nearest), or if another package's
            method cannot be loaded; ``UnsupportedError`` for one of PEFT's that no SAM can have.
    """
    if is_peft_name(name):
        return _peft_class(name)
    if name in _own_names():
        return _only_adapter(importlib.import_module(f"{adapters.__name__}.{name}"))
    check_adapter_name(name)
    return _load(_foreign()[name])


def parse_method_settings(name: str, given: Mapping[str, Any]) -> Any:
    """The settings of the method ``name``, an object of its ``Settings`` class.

    Args:
        name: a registered name.
        given: hyper-parameters, as text or typed already.

    Raises:
        UserError: for an unknown method or setting, or a value that does not fit.
    """
    return parse_settings(adapter_class(name).Settings, name, given)


def canonical_settings(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` as JSON values of the right types; defaults are left out.

    Raises:
        UserError: for an unknown method or setting, or a value that does not fit.
    """
    check_adapter_name(name)  # the import, which takes seconds, is done only for settings
    return changed_settings(parse_method_settings(name, given)) if given else {}


def check_adapter_name(name: object) -> None:
    """Check that there is such a method, without importing it.

    Raises:
        UserError: if no method has this name; it suggests the nearest. ``UnsupportedError`` for one
            of PEFT's that no SAM can have.
    """
    if is_peft_name(name):
        return check_peft_name(str(name))
    known = adapter_names()
    if name not in known:
        hint = spelling_hint(str(name), known, similarity=0.5)
        raise UserError(f"there is no adapter {name!r}: {hint}")


def _peft_class(name: str) -> "type[Adapter]":
    """PEFT's method ``name`` as a class of samfit's; it imports PEFT, which takes seconds.

    Raises:
        UserError: as ``check_peft_name``, or if PEFT cannot be imported.
    """
    check_peft_name(name)
    try:
        with without_bitsandbytes():
            method = importlib.import_module(f"{adapters.__name__}.peft.method")
    except ImportError as error:
        raise UserError(f"{name} is a method of PEFT, which fails to load: {error}.") from error
    return method.peft_method(name)


def _own_names() -> list[str]:
    return sorted(
        module.name for module in pkgutil.iter_modules(adapters.__path__) if not module.ispkg
    )


def _foreign() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP)}


def _load(entry: EntryPoint) -> "type[Adapter]":
    """The class that another package's entry point names."""
    from samfit.adapters.core.base import Adapter, Settings

    named = f"the adapter {entry.name!r} ({entry.value})"
    try:
        found = entry.load()
    except Exception as error:  # whatever that package's import does
        why = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        raise UserError(f"{named} fails to load: {why}{_new_name(error)}.") from error
    if not (inspect.isclass(found) and issubclass(found, Adapter)):
        raise UserError(f"{named} is no adapter: derive it from samfit.Adapter.")
    if not issubclass(found.Settings, Settings):
        raise UserError(f"{named} has settings of another kind: derive them from samfit.Settings.")
    return found


def _new_name(error: Exception) -> str:
    """The end of a sentence about an import that fails, if it may mean one of samfit's folders.

    Before there was the name ``samfit``, they were imported as ``adapters`` and ``harness``; those
    names are other packages' now, or nobody's.
    """
    top = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    if top not in ("adapters", "harness"):
        return ""
    return f"; if this is samfit's, import it from samfit.{top}, see docs/adding_an_adapter.md"


def _only_adapter(module: object) -> "type[Adapter]":
    """The one ``Adapter`` subclass that ``module`` defines."""
    from samfit.adapters.core.base import Adapter

    found = [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Adapter) and member.__module__ == module.__name__  # type: ignore[attr-defined]
    ]
    assert len(found) == 1, f"{module} must define exactly one Adapter, found {found}"
    return found[0]
