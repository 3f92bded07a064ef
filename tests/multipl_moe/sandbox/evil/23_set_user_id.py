# expected: contained
"""Gains privileges by set-user-ID programs."""
import os
import subprocess

from contained import done, need, refused

before = (os.getuid(), os.geteuid(), os.getgid(), os.getegid())
for command in (["/usr/bin/su", "-c", "id"], ["/usr/bin/mount", "-t", "tmpfs", "none", "/tmp"],
                ["/usr/bin/newgrp", "root"], ["/usr/bin/passwd", "-S"]):
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=5)
    except OSError:
        continue
    need(" ".join(command), ended.returncode != 0 and b"uid=0" not in ended.stdout)
refused("setuid", lambda: os.setuid(0))
refused("setgid", lambda: os.setgid(0))
refused("setgroups", lambda: os.setgroups([0]))
need("the same user", before == (os.getuid(), os.geteuid(), os.getgid(), os.getegid()) and before[0] != 0)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
for name in ("CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd"):
    need(f"capabilities {name}: {status[name]}", int(status[name], 16) == 0)
need("no_new_privs", status["NoNewPrivs"].strip() == "1")
done()
