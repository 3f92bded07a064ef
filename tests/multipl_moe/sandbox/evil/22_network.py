# expected: contained
"""Opens sockets of every family."""
import socket
import sys

from contained import done, is_error, need, refused

families = {"inet": 2, "inet6": 10, "netlink": 16, "packet": 17, "alg": 38, "vsock": 40, "xdp": 44}
for name, family in families.items():
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        error = refused(f"socket of {name}", lambda: socket.socket(family, kind))
        need(f"{name}: {error}", is_error(error, 97))
refused("a name of the network", lambda: socket.getaddrinfo("localhost", 80))
# Local sockets reach only the sandbox itself.
outside = "\0" + sys.argv[2]
refused("a socket outside", lambda: socket.socket(socket.AF_UNIX).connect(outside))
left, right = socket.socketpair()
left.send(b"x")
need("a pair of sockets works", right.recv(1) == b"x")
done()
