# expected: contained
"""Never waits for its children."""
import os

from contained import done, need

count = 0
try:
    for _ in range(1000):
        if os.fork() == 0:
            os._exit(0)
        count += 1
except OSError:
    pass
need("1000 zombies", 8 < count < 100)
done()
