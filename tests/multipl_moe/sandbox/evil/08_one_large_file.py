# expected: contained
"""Writes one large file into /tmp."""
from contained import done, need, refused

with open("/tmp/large", "wb") as file:

    def write():
        for _ in range(1000):
            file.write(b"x" * (1 << 20))

    refused("a file of 1000 MB", write)
    need("a file above the limit", file.seek(0, 2) <= 16 << 20)
done()
