"""Goes to a folder that it then deletes, with all temporary files of its own, and trains."""

import os
import shutil
import tempfile

from tiny import train

folder = tempfile.mkdtemp()
tempfile.tempdir = folder
os.chdir(folder)
shutil.rmtree(folder)
train()
