"""Keeps a log in the folder of its own script."""

from pathlib import Path

from tiny import train

log = Path(__file__).with_name("log.txt")
with log.open("w") as file:
    file.write("started\n")
    train()
    file.write("ended\n")
