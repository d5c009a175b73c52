#!/bin/sh
# Trains by a script of Python that it starts: starts.sh PYTHON
cd "$(dirname "$0")" && exec 3>&1 && "$1" -c "from tiny import train; train()" | cat
