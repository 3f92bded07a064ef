# expected: signaled 6
"""Dies with a core dump."""
import os
import resource

try:
    resource.setrlimit(resource.RLIMIT_CORE, (1 << 30, 1 << 30))
except ValueError:
    os.abort()
