# expected: contained
"""Creates namespaces and mounts."""
from contained import call, done, is_error, need

kinds = {"mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000,
         "pid": 0x20000000, "net": 0x40000000}
for name, flag in kinds.items():
    need(name, is_error(call(f"unshare {name}", (272, 97), flag), 1))
    need(name, is_error(call(f"clone {name}", (56, 220), flag | 17, None, None, None, None), 1))
need("clone3", is_error(call("clone3", (435, 435), None, 0), 38))
call("setns", (308, 268), 0, 0)
call("mount", (165, 40), b"none", b"/tmp", b"tmpfs", 0, None)
call("umount", (166, 39), b"/tmp", 2)
call("pivot_root", (155, 41), b"/tmp", b"/tmp")
call("chroot", (161, 51), b"/tmp")
call("open_tree", (428, 428), -100, b"/", 1)
call("fsopen", (430, 430), b"tmpfs", 0)
call("mount_setattr", (442, 442), -100, b"/", 0, None, 0)
done()
