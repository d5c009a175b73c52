"""Prints 200 MB, and trains."""

from tiny import train

for _ in range(200):
    print(("x" * 99 + "\n") * 10_000, end="")
train()
