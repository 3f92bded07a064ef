"""What the evil programs share: each attempt must fail, and the last line says that all have."""
import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)
escaped = []


def refused(what, act):
    """Calls act(), which must raise an error of the system."""
    try:
        result = act()
    except (OSError, RuntimeError, MemoryError) as error:
        return error
    escaped.append(what)
    print("ESCAPED:", what, repr(result)[:200], flush=True)
    return None


def call(name, number, *arguments):
    """A system call by its number on x86-64 and arm64; it must fail."""
    native = number[0 if os.uname().machine == "x86_64" else 1]

    def act():
        ctypes.set_errno(0)
        result = libc.syscall(native, *arguments)
        if result == -1:
            raise OSError(ctypes.get_errno(), name)
        return result

    return refused(name, act)


def need(what, holds):
    """A condition that holds in the sandbox."""
    if not holds:
        escaped.append(what)
        print("ESCAPED:", what, flush=True)


def is_error(error, *numbers):
    return isinstance(error, OSError) and error.errno in numbers


def done():
    if not escaped:
        print("contained", flush=True)
    os._exit(1 if escaped else 0)
