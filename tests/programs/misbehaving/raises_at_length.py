"""Raises with a message of many lines, in no one's script."""

from tiny import train

train(steps=0)
raise RuntimeError("\n".join(f"line {number}: \N{SNOWMAN}\x1b[31m" for number in range(100_000)))
