# expected: exited 1
"""Waits for input."""
input()
