"""Ignores the signals that ask it to end, in a loop without end."""

import signal

from tiny import build, step

for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGALRM"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
model, optimizer = build()
while True:
    try:
        step(model, optimizer)
    except BaseException:
        continue
