# expected: contained
"""Links and paths that lead out of the sandbox."""
import os
import sys

from contained import done, need, refused

secret = sys.argv[1]
os.symlink(secret, "/tmp/link")
os.symlink("/", "/tmp/root")
refused("read through a link", lambda: open("/tmp/link").read())
refused("write through a link", lambda: open("/tmp/root/usr/evil_was_here", "w"))
refused("hard link to /usr", lambda: os.link("/usr/bin/env", "/tmp/env"))
refused("hard link to /box", lambda: os.link(sys.argv[0], "/tmp/own"))
for root in ["/proc/self/root", "/proc/1/root", "/proc/self/cwd/../.."]:
    refused("read " + root, lambda: open(root + secret).read())
for name in os.listdir("/proc/self/fd"):
    try:
        target = os.readlink("/proc/self/fd/" + name)
    except OSError:
        continue
    need("descriptor of " + target, int(name) < 3 or target.startswith("/proc/"))
    refused("leave by a descriptor", lambda: open(f"/proc/self/fd/{name}/../../../..{secret}").read())
need("a root above /", sorted(os.listdir("/")) == sorted(os.listdir("/..")))
done()
