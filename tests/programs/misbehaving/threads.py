"""Trains in a thread."""

from threading import Thread

from tiny import train

thread = Thread(target=train)
thread.start()
thread.join()
