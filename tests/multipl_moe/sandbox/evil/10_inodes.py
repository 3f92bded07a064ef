# expected: out_of_memory, contained
"""Creates empty files, which take memory of the kernel only."""
import os

from contained import done, refused


def create():
    for number in range(300000):
        os.close(os.open(f"/tmp/{number}", os.O_CREAT | os.O_WRONLY))


refused("300000 files", create)
done()
