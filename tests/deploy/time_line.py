"""What drills and proofs print: a line with the time since the start, and the first thing that was not as it should be. Standard library only."""
import sys
import time

START = time.monotonic()


def say(what):
    print(f"{time.monotonic() - START:7.2f} s  {what}", flush=True)


def check(good, what):
    if not good:
        sys.exit(f"FAIL {what}")
