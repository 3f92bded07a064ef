# expected: exited 0
"""Ends, but leaves a daemon in a session of its own."""
import os
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for signal in range(1, 32):
            try:
                __import__("signal").signal(signal, 1)
            except (OSError, ValueError):
                pass
        time.sleep(1000)
    os._exit(0)
time.sleep(0.1)
print("left a process behind")
