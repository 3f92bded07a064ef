# expected: contained
"""Reads what is not its own."""
import glob
import os
import sys

from contained import done, need, refused

secret = sys.argv[1]
for path in ["/etc/shadow", "/etc/passwd", "/root/.bashrc", secret, "/proc/1/root" + secret,
             "/proc/self/cwd/../.." + secret, "/proc/1/cwd" + secret, "/sys/kernel/notes", "/var/log/dpkg.log"]:
    refused("read " + path, lambda: open(path, "rb").read(10))
for folder in ["/home", "/root", "/var", "/run", "/sys", "/mnt", "/etc/ssh"]:
    refused("list " + folder, lambda: os.listdir(folder))
# Processes and variables of the sandbox alone are there.
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        names = {entry.split(b"=")[0] for entry in open(path, "rb").read().split(b"\0") if entry}
    except OSError:
        continue
    need(f"variables {names}", names <= {b"PATH", b"HOME", b"LC_ALL", b"PWD"})
need("other processes", len(glob.glob("/proc/[0-9]*")) < 5)
done()
