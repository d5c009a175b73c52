"""Options that a command takes from the fields of a Cell or a Recipe."""

import inspect

import pytest

from samfit import Cell, Recipe
from samfit.harness.cli.options import cell_from_options, takes
from samfit.typed import option_name, option_texts


@pytest.mark.parametrize(("command", "kind"), [("predict", Cell), ("train", Recipe)])
def test_help_tells_what_the_fields_tell(samfit, command, kind):
    shown = "".join(samfit(command, "--help")[1].split())  # lines are broken anywhere
    for name, text in option_texts(kind).items():
        assert "".join(text.split()) in shown
        assert option_name(name) in shown or name == "adapter"


def test_a_command_can_leave_options_out_and_change_defaults():
    @takes("cell", cell_from_options, leave_out=("seed", "settings"), batch_size=4)
    def command(cell, further=0):
        return cell, further

    options = dict(inspect.signature(command).parameters)
    assert options.pop("adapter").default is inspect.Parameter.empty
    assert options.keys() > {"batch_size", "further"}
    assert options.keys().isdisjoint({"cell", "seed", "settings"})
    given = {name: option.default for name, option in options.items()}
    assert command(adapter="cad", **given) == (Cell(adapter="cad", batch_size=4), 0)
