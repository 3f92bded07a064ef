# expected: contained
"""Starts 1000 threads."""
import threading
import time

from contained import done, need, refused

started = []


def start():
    for _ in range(1000):
        thread = threading.Thread(target=time.sleep, args=(100,), daemon=True)
        thread.start()
        started.append(thread)


refused("1000 threads", start)
need("more threads than the limit", 8 < len(started) < 64)
done()
