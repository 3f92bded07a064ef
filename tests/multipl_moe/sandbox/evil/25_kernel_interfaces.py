# expected: contained
"""Interfaces of the kernel that often had faults."""
from contained import call, done, is_error, need

calls = {"io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "bpf": (321, 280), "keyctl": (250, 219),
         "add_key": (248, 217), "request_key": (249, 218), "userfaultfd": (323, 282), "perf_event_open": (298, 241),
         "personality": (135, 92), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
         "fanotify_init": (300, 262), "syslog": (103, 116), "init_module": (175, 105), "finit_module": (313, 273),
         "kexec_load": (246, 104), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225),
         "acct": (163, 89), "quotactl": (179, 60), "settimeofday": (164, 170), "clock_settime": (227, 112),
         "adjtimex": (159, 171), "sethostname": (170, 161), "move_pages": (279, 239)}
for name, number in calls.items():
    need(name, is_error(call(name, number, 0, 0, 0, 0, 0, 0), 1))
need("later calls", is_error(call("a later call", (500, 500), 0), 38))
done()
