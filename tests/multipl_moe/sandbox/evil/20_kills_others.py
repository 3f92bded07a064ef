# expected: contained
"""Sends signals to every process that it can name."""
import os
import signal

from contained import done, need, refused

child = os.fork()
if child == 0:
    signal.pause()
for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV):
    for process in (os.getppid(), 1, -1):
        try:
            os.kill(process, number)
        except PermissionError:
            pass
need("the first process is alive", os.getppid() == 1)
for process in range(3, 400):
    if process not in (os.getpid(), child):
        refused(f"kill {process}", lambda: os.kill(process, signal.SIGKILL))
os.waitpid(child, 0)
done()
