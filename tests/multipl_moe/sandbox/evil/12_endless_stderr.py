# expected: output_limit
"""Writes to stderr without end."""
import os

while True:
    os.write(2, b"y" * 100)
