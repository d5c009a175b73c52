"""Has no ground to its recursion."""

from tiny import train


def deeper(depth):
    return deeper(depth + 1)


train(steps=1)
deeper(0)
