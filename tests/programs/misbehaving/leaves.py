"""Trains in a folder that it then deletes, with all temporary files of its own, and trains on."""

import os
import shutil
import tempfile

from tiny import build, step

model, optimizer = build()
folder = tempfile.mkdtemp()
tempfile.tempdir = folder
os.chdir(folder)
shutil.rmtree(folder)
for _ in range(2):
    step(model, optimizer)
