// error: moelayers reports errors by exceptions: compile without -fno-exceptions
#include <moe/moe.hpp>
