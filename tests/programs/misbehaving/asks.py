"""Asks before it trains."""

from tiny import train

if input("train? [y/n] ") == "y":
    train()
