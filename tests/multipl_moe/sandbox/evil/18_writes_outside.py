# expected: contained
"""Writes where it may not."""
import os

from contained import done, refused

for folder in ["/", "/usr", "/usr/bin", "/usr/local", "/dev", "/etc", "/etc/alternatives", "/box", "/proc", "/lib"]:
    path = os.path.join(folder, "evil_was_here")
    refused("write " + path, lambda: open(path, "w").write("x"))
for path in ["/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory",
             "/proc/sys/user/max_user_namespaces", "/proc/sysrq-trigger"]:
    refused("write " + path, lambda: os.write(os.open(path, os.O_WRONLY), b"1"))
refused("rename /usr/bin/sh", lambda: os.rename("/usr/bin/sh", "/usr/bin/evil"))
refused("remove /usr/bin/sh", lambda: os.unlink("/usr/bin/sh"))
refused("create a device", lambda: os.mknod("/tmp/disk", 0o60600, os.makedev(254, 0)))
done()
