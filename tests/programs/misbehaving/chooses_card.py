"""Chooses the card with the number 3 by a variable, as on a machine that it shares."""

import os

os.environ["CUDA_VISIBLE_DEVICES"] = "3"

from tiny import train

train()
