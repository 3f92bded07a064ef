# expected: contained
"""Types into the terminal that the evaluation runs in."""
import fcntl
import os
import termios

from contained import done, is_error, need, refused

refused("a terminal", lambda: os.open("/dev/tty", os.O_RDWR))
for descriptor in range(3):
    error = refused("type into the terminal", lambda: fcntl.ioctl(descriptor, termios.TIOCSTI, b"x"))
    need(f"TIOCSTI: {error}", is_error(error, 1))
refused("a new terminal", lambda: os.open("/dev/ptmx", os.O_RDWR))
os.write(1, b"\x1b[2J\x1b]0;evil\x07\x9b31m\n")
done()
