"""Trains in a child that inherits no variable."""

import subprocess
import sys

code = "from tiny import train; train()"
sys.exit(subprocess.run([sys.executable, "-c", code], env={}, cwd=sys.path[0]).returncode)
