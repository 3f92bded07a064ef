# expected: out_of_memory
"""Fills shared anonymous memory and gives its own pages of it back."""
import mmap
import os
import time

kept = []
while True:
    memory = mmap.mmap(-1, 8 << 20, mmap.MAP_SHARED)
    for at in range(0, len(memory), mmap.PAGESIZE):
        memory[at] = 1
    # The pages stay in use, but belong to no process.
    memory.madvise(mmap.MADV_DONTNEED)
    kept.append(memory)
    if len(kept) == 4 and os.fork() == 0:
        time.sleep(100)
