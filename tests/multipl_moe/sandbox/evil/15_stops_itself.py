# expected: timeout
"""Stops itself and its group."""
import os
import signal

if os.fork() == 0:
    os.kill(0, signal.SIGSTOP)
os.kill(0, signal.SIGSTOP)
