# expected: contained
"""Memory, queues and semaphores that belong to no process."""
from contained import call, done, is_error, need

need("shmget", is_error(call("shmget", (29, 194), 0, 64 << 20, 0o1600), 1))
need("msgget", is_error(call("msgget", (68, 186), 0, 0o1600), 1))
need("semget", is_error(call("semget", (64, 190), 0, 1, 0o1600), 1))
need("mq_open", is_error(call("mq_open", (240, 180), b"queue", 0o102, 0o600, None), 1))
done()
