# expected: contained
"""Changes its own program."""
import os
import sys

from contained import done, refused

refused("open its source", lambda: open(sys.argv[0], "r+"))
refused("remove its source", lambda: os.unlink(sys.argv[0]))
refused("replace its source", lambda: os.rename("/tmp/run", os.path.dirname(sys.argv[0])))
refused("make its source writable", lambda: os.chmod(sys.argv[0], 0o777))
refused("open the interpreter", lambda: open(os.path.realpath(sys.executable), "r+b"))
refused("open itself", lambda: open("/proc/self/exe", "r+b"))
refused("a file beside it", lambda: open("/box/more.py", "w"))
done()
