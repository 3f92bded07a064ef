# expected: contained
"""Files in memory that no folder shows."""
import os

from contained import call, done, refused

for number in range(100):
    refused("memfd_create", lambda: os.memfd_create("x"))
call("memfd_secret", (447, 447), 0)
done()
