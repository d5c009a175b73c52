"""How a process is told that the card which CUDA shows it is none of this machine's."""

STOOD_IN = "SAMFIT_CARD_STOOD_IN"  # a variable of its environment, set to anything
