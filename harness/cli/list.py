"""samfit list: the adapters and their sizes."""

import samfit
from samfit.adapters.core.registry import broken_adapters
from samfit.harness.cli.output import Bars, Json, print_answer, print_json


def list_adapters(json_: Json = False) -> None:
    """List the adapters: source, serial or parallel, parameters on each backbone."""
    from samfit.harness.report.catalogue import catalogue_table

    for problem in broken_adapters().values():
        Bars().say(f"left out: {problem}")
    entries = samfit.catalogue()
    if json_:
        print_json(entries)
    else:
        print_answer(catalogue_table(entries))
