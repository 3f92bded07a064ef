# expected: timeout, out_of_memory
"""Forks in every process for ever."""
import os

while True:
    try:
        os.fork()
    except OSError:
        pass
