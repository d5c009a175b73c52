"""Trains in a process of multiprocessing."""

import multiprocessing

from tiny import train

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=train)
    process.start()
    process.join()
    assert process.exitcode == 0
