# expected: output_limit
"""A line of 100 MB that is not UTF-8."""
import os

os.write(1, b"\xff\xfe\x00\xc3")
os.environ["LC_ALL"] = "evil"
line = b"\xf0\x28\x8c\x28" * 25_000_000
while line:
    line = line[os.write(1, line):]
