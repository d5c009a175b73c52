"""Lets nothing end its loop of ten thousand steps."""

from tiny import build, step

model, optimizer = build()
for _ in range(10_000):
    try:
        step(model, optimizer)
    except BaseException as error:
        print(error)
