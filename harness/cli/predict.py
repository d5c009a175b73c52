"""samfit predict: the memory of one step, without a GPU."""

import samfit
from samfit.harness.cli.instrument import ChosenInstrument, say_why_traced
from samfit.harness.cli.options import takes_cell
from samfit.harness.cli.output import Json, plain_interrupt, print_record
from samfit.harness.record.cell import Cell


@takes_cell
def predict(cell: Cell, instrument: ChosenInstrument = None, json_: Json = False) -> None:
    """Predict the memory of one training step or forward pass. Needs no GPU."""
    say_why_traced(cell, instrument)
    with plain_interrupt():
        record = samfit.predict(cell, instrument)
    print_record(record, json_)
