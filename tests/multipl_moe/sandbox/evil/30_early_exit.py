# expected: exited 0
"""Ends with 0 before its tests, after a line like the end marker."""
import atexit
import os

atexit.register(lambda: os._exit(0))
print("all tests passed")
print("0123456789abcdef0123456789abcdef")
os._exit(0)
assert False
