# expected: out_of_memory
"""Fills its heap."""
kept = []
while True:
    kept.append(bytearray(b"x" * (1 << 20)))
