"""Goes into the background: the program that was started ends, a child of it trains."""

import os
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        from tiny import train

        time.sleep(1)
        train()
