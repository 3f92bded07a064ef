# expected: contained
"""Fills /tmp and /dev/shm."""
import os

from contained import done, need, refused


def fill(folder, size, most):
    written = 0
    for number in range(most):
        with open(f"{folder}/{number}", "wb", buffering=0) as file:
            written += file.write(b"x" * size)
            if file.tell() < size:
                raise OSError("short")
    return written


refused("64 MB in /tmp", lambda: fill("/tmp", 1 << 20, 200))
refused("10 MB in /dev/shm", lambda: fill("/dev/shm", 1 << 18, 40))
left = os.statvfs("/tmp")
need("a larger /tmp", left.f_blocks * left.f_frsize <= 64 << 20)
done()
