# expected: contained
"""Reads and writes the memory of other processes."""
import os

from contained import call, done, refused

for process in (1, os.getppid()):
    call("ptrace", (101, 117), 16, process, 0, 0)
    call("process_vm_readv", (310, 270), process, None, 0, None, 0, 0)
    call("process_vm_writev", (311, 271), process, None, 0, None, 0, 0)
call("ptrace", (101, 117), 0, 0, 0, 0)
call("kcmp", (312, 272), 1, os.getpid(), 0, 0, 0)
call("pidfd_getfd", (438, 438), 0, 0, 0)
for path in ["/proc/1/mem", "/proc/1/task/1/mem"]:
    refused("write " + path, lambda: open(path, "r+b", buffering=0))
    refused("read " + path, lambda: open(path, "rb", buffering=0))
    refused("remove " + path, lambda: os.unlink(path))
for process in range(3, 400):
    if process != os.getpid():
        refused(f"memory of {process}", lambda: open(f"/proc/{process}/mem", "rb"))
done()
